/** Samples of a network: inputs in its order of axes, labels that it has outputs for. */
import { InputError } from '../../errors.ts';
import { product } from '../../network/size.ts';
import type { NumberRows } from './rows.ts';

export interface Sample {
  /** Its number in the data, from 0. */
  readonly index: number;
  /** Flat, in the order of the network's input. */
  readonly input: Float64Array;
  /** Absent where nobody knows it. */
  readonly label?: number;
}

/** Samples in a file, of which no more is read than is asked for. */
export interface SampleSet {
  /** The arrays, as messages name them. */
  readonly inputs: string;
  readonly labels: string | undefined;
  readonly count: number;
  /** Of one input, as the network has it. */
  readonly shape: readonly number[];
  /** What stands for 1 where pixels are whole numbers: inputs are divided by it. */
  readonly full: number | undefined;
  /** @throws InputError for a file that is broken, and for inputs that are no numbers */
  read(from: number, to: number): AsyncGenerator<Sample, void>;
}

/** Samples beyond these are not what somebody certifies one by one; their labels are held in memory. */
const MOST_SAMPLES = 1e7;

export interface Fit {
  /** Of the network's input. */
  readonly shape: readonly number[];
  /** Outputs of the network. */
  readonly classes: number;
  /** Only the first so many. */
  readonly first?: number;
}

/**
 * Rows of inputs, and of labels, as samples of a network.
 * @throws InputError where shapes or numbers do not fit, or a label is no output
 */
export async function sampleSet(
  inputs: NumberRows,
  labels: NumberRows | undefined,
  { shape, classes, first }: Fit,
): Promise<SampleSet> {
  const rows = inputs.shape[0]!;
  if (rows === 0) throw new InputError(`${inputs.name}: must hold samples, got none`);
  const arranged = arrangement(inputs, shape);
  if (first !== undefined && first > rows) {
    throw new InputError(`${inputs.name}: must hold the ${first} samples that are asked for, got ${rows}`);
  }
  const count = first ?? rows;
  if (count > MOST_SAMPLES) {
    throw new InputError(
      `${inputs.name}: at most ${MOST_SAMPLES} samples go at once, got ${count}; take the first of them`,
    );
  }
  const known = labels && (await labelsOf(labels, rows, count, classes));
  const { full } = inputs;
  return {
    ...{ inputs: inputs.name, labels: labels?.name, count, shape, full },
    async *read(from, to) {
      let index = from;
      for await (const row of inputs.read(from, to)) {
        if (!row.every(Number.isFinite)) {
          const at = row.findIndex((x) => !Number.isFinite(x));
          throw new InputError(
            `${inputs.name}: must hold finite numbers, got ${row[at]} at entry ${at} of sample ${index}`,
          );
        }
        const input = arranged(full === undefined ? row : row.map((x) => x / full));
        yield known ? { index, input, label: known[index]! } : { index, input };
        index++;
      }
    },
  };
}

/**
 * One input, of an array that has its shape: axes of 1 and flattened axes make no difference, whole numbers of pixels are divided.
 * @throws InputError where it has another, or holds what is no number
 */
export async function pointOf(rows: NumberRows, shape: readonly number[]): Promise<Float64Array> {
  if (!fits(rows.shape, shape)) {
    throw new InputError(
      `${rows.name}: must have the shape of the network's input [${shape.join(', ')}], got [${rows.shape.join(', ')}]`,
    );
  }
  const point = new Float64Array(product(shape));
  let at = 0;
  for await (const row of rows.read(0, rows.shape[0]!)) {
    point.set(row, at);
    at += row.length;
  }
  const bad = point.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0)
    throw new InputError(`${rows.name}: must hold finite numbers, got ${point[bad]} at entry ${bad}`);
  const { full } = rows;
  return full === undefined ? point : point.map((x) => x / full);
}

function fits(row: readonly number[], shape: readonly number[]): boolean {
  const bare = (sides: readonly number[]) => sides.filter((side) => side !== 1);
  const flat = bare(row).length <= 1 || shape.length === 1;
  return bare(row).join() === bare(shape).join() || (flat && product(row) === product(shape));
}

/**
 * How a row becomes an input. Axes of 1 and flattened axes make no difference; images whose format says which axis are the channels fit
 * networks that have them last.
 */
function arrangement(inputs: NumberRows, shape: readonly number[]): (row: Float64Array) => Float64Array {
  const row = inputs.shape.slice(1);
  if (fits(row, shape)) return (x) => x;
  const [channels, ...sides] = row;
  if (inputs.image && [...sides, channels!].join() === shape.join()) {
    const pixels = product(sides);
    return (x) => x.map((_, n) => x[(n % channels!) * pixels + Math.floor(n / channels!)]!);
  }
  const last = [...shape.slice(1), shape[0]!].join() === row.join();
  const advice = last
    ? '; its channels are last: numpy.moveaxis(x, -1, 1) puts them where the network has them'
    : '';
  throw new InputError(
    `${inputs.name}: must have samples of the network's input [${shape.join(', ')}], got [${row.join(', ')}]${advice}`,
  );
}

async function labelsOf(
  { name, shape, read }: NumberRows,
  rows: number,
  count: number,
  classes: number,
): Promise<Int32Array> {
  if (product(shape.slice(1)) !== 1) {
    throw new InputError(
      `${name}: must hold one label for each sample, got [${shape.join(', ')}]; of one-hot rows numpy.argmax(y, 1) makes labels`,
    );
  }
  if (shape[0] !== rows) {
    throw new InputError(`${name}: must hold one label for each of ${rows} samples, got ${shape[0]}`);
  }
  const labels = new Int32Array(count);
  let index = 0;
  for await (const [label] of read(0, count)) {
    if (!(Number.isInteger(label) && label! >= 0 && label! < classes)) {
      throw new InputError(
        `${name}: must hold whole numbers from 0 to ${classes - 1}, the network's outputs, got ${label} for sample ${index}`,
      );
    }
    labels[index++] = label!;
  }
  return labels;
}
