/**
 * An engine that computes nothing: it knows the shapes of handles and counts the bytes that they would hold, in float64 as on an
 * engine on the CPU or in float32 as on a GPU. What runs on it shows what it would keep in memory, in no time and without the memory.
 *
 * As there, data handed over exists from the moment of the call, results from the moment that what was recorded is run.
 */
import { totalLength } from '../../src/engine/cpu/dense.ts';
import type { Engine, Handle, Matrices, Vector } from '../../src/engine/engine.ts';
import type { Shape } from '../../src/engine/handles.ts';
import { isShape, type Operations, recordedOperations } from '../../src/engine/operations.ts';
import { unitRoundoffs } from '../../src/engine/precision.ts';
import { dataLength } from '../../src/engine/shapes.ts';

export interface CountingEngine extends Engine {
  /** Most bytes in handles and in what operations hold while they work, since the last call. */
  takeWorkingBytes(): number;
  /** Bytes in handles at present. */
  readonly liveBytes: number;
}

/** Numbers that an operation holds beside its operands and its result. */
type Within = {
  readonly [N in keyof Operations]?: (onGpu: boolean, ...parameters: Parameters<Operations[N]>) => number;
};

/** Two powers, where they are squared on a GPU, and a part of one where it has many rows. The engines on the CPU cut the copies that they factor to 32 MiB: as nothing. */
const powers = (onGpu: boolean, s: Matrices) => (onGpu ? (s.rows > 256 ? 3 : 2) * totalLength(s) : 0);

/** W Q, the left half of W Q Wᴴ. */
function half(w: Matrices, q: Matrices | Vector | undefined): number {
  if (q === undefined) return 0;
  const batch = q.kind === 'matrices' ? Math.max(w.batch, q.batch) : w.batch;
  return totalLength({ ...w, batch });
}

const within: Within = {
  // Real and imaginary parts are computed apart, then interleaved.
  symbol: (onGpu, _taps, { rows: batch }, rows, columns) =>
    onGpu ? 0 : totalLength({ batch, rows, columns, complex: true }),
  congruence: (_, w, q) => half(w, q),
  congruenceAdjoint: (_, w, g) => half(w, g),
  windowSum: (_, w, q) => half(w, q),
  // The strips that blocks are eliminated with.
  inverse: (onGpu, _d, s) => {
    const block = Math.min(64, s.rows);
    return onGpu ? s.batch * (2 * block * s.rows + block ** 2) * (s.complex ? 2 : 1) : 0;
  },
  spectralRadius: powers,
  offDiagonalRadius: powers,
  // Two vectors.
  estimatedRadius: (onGpu, s) => (onGpu ? (2 * totalLength(s)) / s.rows : 0),
};

export function countingEngine(bytesPerNumber: 4 | 8 = 8): CountingEngine {
  const onGpu = bytesPerNumber === 4;
  const queue: (() => void)[] = [];
  let live = 0;
  /** Most bytes since creation: in handles, and in handles and the operation at work. */
  let peak = 0;
  let working = 0;

  const hold = (numbers: number, beside = 0): void => {
    live += bytesPerNumber * numbers;
    peak = Math.max(peak, live);
    working = Math.max(working, live + bytesPerNumber * beside);
  };
  const made = (shape: Shape | number, beside = 0): Handle => {
    const handle = handleOf(shape);
    queue.push(() => hold(numbersOf(handle), beside));
    return handle;
  };
  const settle = async (): Promise<void> => {
    for (const work of queue.splice(0)) work();
  };

  return {
    information: {
      ...{ name: 'counting', description: 'shapes alone', threads: 1 },
      unitRoundoff: unitRoundoffs[onGpu ? 'single' : 'double'],
    },

    ...recordedOperations((operation, parameters, shape) => {
      // Each of a type of its own, which a call of any of them cannot name.
      const count = within[operation] as ((onGpu: boolean, ...given: unknown[]) => number) | undefined;
      const beside = count?.(onGpu, ...parameters) ?? 0;
      if (isShape(shape)) return made(shape, beside);
      return Object.fromEntries(Object.entries(shape).map(([name, one]) => [name, made(one, beside)]));
    }),

    windowSumOperations: ({ columns }, batch) => 2 * columns * batch,

    get peakBytes() {
      return peak;
    },

    takeWorkingBytes() {
      const most = working;
      working = live;
      return most;
    },

    get liveBytes() {
      return live;
    },

    matrices(data, batch, rows, columns, complex) {
      const handle: Matrices = { kind: 'matrices', batch, rows, columns, complex };
      if (typeof data === 'function') queue.push(() => hold(numbersOf(handle)));
      else hold(dataLength(handle, data));
      return handle;
    },

    vector(data) {
      hold(data.length);
      return { kind: 'vector', length: data.length };
    },

    async read(...handles) {
      await settle();
      return handles.map((handle) => new Float64Array(numbersOf(handle)).fill(1));
    },

    settle,

    release(...handles) {
      queue.push(() => {
        for (const handle of handles) live -= bytesPerNumber * numbersOf(handle);
      });
    },

    async close() {},
  };
}

function numbersOf(handle: Handle): number {
  return handle.kind === 'vector' ? handle.length : totalLength(handle);
}

function handleOf(shape: Shape | number): Handle {
  if (typeof shape === 'number') return { kind: 'vector', length: shape };
  const { batch, rows, columns, complex } = shape;
  return { kind: 'matrices', batch, rows, columns, complex };
}
