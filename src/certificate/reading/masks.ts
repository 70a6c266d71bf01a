/** The window rule of zero padding on a torus. */
import { isPadded } from './maps.ts';
import { readersOf, type Signal, type SignalMap } from './signal.ts';

/** Zero outside the window goes to zero outside the window. */
const isLocal = (map: SignalMap) =>
  map.kind === 'read' || (map.kind === 'window' && map.taps.length <= 1 && !isPadded(map));

/** Counts on zeros outside the window. */
const spills = (map: SignalMap) =>
  map.kind === 'transposed' ||
  (map.kind === 'window' && !map.circular && [...map.before, ...map.after].some((p) => p > 0));

/**
 * On a torus a zero-padded map is exact only on signals that are zero outside their window (clean). Sectors and maxima can be
 * made so, if 0 is one of their slopes; a linear map is where it reads clean signals position by position; behind any other a
 * mask with slopes [0, 1] is put.
 */
export function maskWindows(signals: readonly Signal[]): Signal[] {
  const canBeClean = new Set<Signal>();
  for (const s of signals) {
    const { origin } = s;
    const clean =
      origin.kind !== 'linear' || origin.terms.every((t) => isLocal(t.map) && canBeClean.has(t.source));
    if (clean) canBeClean.add(s);
  }
  const passes = (s: Signal) => canBeClean.has(s) || (s.origin.kind === 'linear' && s.origin.sorted === true);
  const readers = readersOf(signals);
  const mustBeClean = new Set<Signal>();
  const result: Signal[] = [];
  for (const signal of signals.toReversed()) {
    const demanding = [...readers.get(signal)!].flatMap((reader) => {
      const passesOn = mustBeClean.has(reader) && passes(reader);
      const linear = reader.origin.kind === 'linear' ? reader.origin : undefined;
      return linear?.terms.some((t) => t.source === signal && (spills(t.map) || passesOn)) ? [linear] : [];
    });
    const { origin } = signal;
    if (demanding.length > 0) mustBeClean.add(signal);
    if (demanding.length > 0 && origin.kind === 'sector') {
      origin.lower = origin.lower.map((l) => Math.min(l, 0));
      origin.upper = origin.upper.map((u) => Math.max(u, 0));
    } else if (demanding.length > 0 && !passes(signal)) {
      const sector = { kind: 'sector', role: 'window', source: signal, lower: [0], upper: [1] } as const;
      const mask: Signal = { ...signal, name: `${signal.name} (window)`, origin: { ...sector } };
      for (const reader of demanding) {
        reader.terms = reader.terms.map((t) => (t.source === signal ? { ...t, source: mask } : t));
      }
      result.push(mask);
    }
    result.push(signal);
  }
  return result.reverse();
}
