import type { Frame } from '../../handles.ts';
import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'symbol',
  { taps: 'read f32', phases: 'read scalar', frame: 'read u32', out: 'write scalar' },
  {
    ...{ count: 'u32', entries: 'u32', across: 'u32', frequencies: 'u32', first: 'u32', offsetOut: 'u32' },
    ...{ row: 'u32', column: 'u32', rows: 'u32', columns: 'u32' },
  },
);

/** Symbols of a kernel: out[b] = Σ_t phases[b, t] · taps[t], each in its frame. */
export function symbol(
  recorder: Recorder,
  taps: StoredMatrices,
  phases: StoredMatrices,
  rows: number,
  columns: number,
  frame?: Frame,
): StoredMatrices {
  const whole = frame ?? { rows, columns, row: 0, column: 0 };
  const out = recorder.matrices({
    ...{ batch: phases.rows, rows: whole.rows, columns: whole.columns, complex: true },
  });
  const words = frame && recorder.words(wordsOf(frame));
  for (const { first, count, places } of runsOf(out.batch, { out })) {
    const [tapSpace, phaseSpace] = [taps.slabs[0]!.space, phases.slabs[0]!.space];
    recorder.dispatch(kernel, {
      complex: true,
      constants: { framed: frame !== undefined },
      bindings: {
        ...{ taps: tapSpace, phases: phaseSpace, out: places.out.space },
        frame: words ?? recorder.constant(0),
      },
      sizes: {
        ...{ count: taps.rows, entries: entriesOf(out), across: out.columns, frequencies: count },
        ...{ first, offsetOut: places.out.offset },
        ...{ row: whole.row, column: whole.column, rows, columns },
      },
      count: Math.ceil(count / 4) * entriesOf(out),
      cost: 16 * taps.rows,
    });
  }
  if (words) recorder.free(words);
  return out;
}

/** Of every row the column of its entry, which no column is where it has none, and the bits of the entry. */
function wordsOf({ indices, values }: Frame): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * indices.length);
  const numbers = new Float32Array(words.buffer);
  indices.forEach((column, row) => {
    words[2 * row] = column;
    numbers[2 * row + 1] = values[row]!;
  });
  return words;
}
