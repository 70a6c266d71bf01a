/**
 * Hunts for differences of two networks that are larger than they are said to be: a network and a copy whose weights are rounded, pruned or moved,
 * everywhere and in a ball.
 */
import { BallOf } from './ball.ts';
import { steepest } from './climb.ts';
import { type Cell, type Circuit, TooLarge } from './evaluate/circuit.ts';
import { Exact } from './evaluate/exact.ts';
import { circuitOf } from './evaluate/interpret.ts';
import { Meaningless } from './evaluate/values.ts';
import { Refusals } from './examine.ts';
import { generate } from './generate/network.ts';
import { generatePieces } from './generate/pieces.ts';
import type { Finding, Hunt } from './hunt.ts';
import { Engines, LIBRARY, type Library } from './library.ts';
import { type ModelDescription, sampleOf, type Tensor } from './model/description.ts';
import { encode } from './model/encode.ts';
import { Random } from './random.ts';
import { drawnBall } from './regions.ts';
import { Tally } from './tally.ts';

/** Milliseconds for one pair. */
const PATIENCE = 10_000;
/** Products with the Jacobian. */
const EFFORT = 300;
/** In log2: what float64 loses in logarithms and slopes. */
const SLACK = 2e-11;

export class DifferenceHunt implements Hunt {
  readonly name = 'differences';
  readonly unit = 'pairs';
  readonly tally = new Tally();
  readonly #library: Library;
  readonly #engines = new Engines();

  constructor(library: Library = LIBRARY) {
    this.#library = library;
  }

  async trial(seed: number): Promise<Finding | undefined> {
    const random = new Random(seed);
    const { model, nasty } = random.chance(0.5) ? generatePieces(random) : generate(random, 'fixed');
    const copy = copyOf(model, random);
    const circuit = differenceOf(model, copy);
    const fault = circuit && (await this.#fault(model, copy, circuit, nasty, random, seed));
    if (fault === undefined) return undefined;
    return {
      hunt: this.name,
      seed,
      fault,
      files: new Map([
        ['a.onnx', encode(model)],
        ['b.onnx', encode(copy)],
      ]),
      reproduce: 'difference of a.onnx and b.onnx',
    };
  }

  async close(): Promise<void> {
    await this.#engines.close();
  }

  async #fault(
    a: ModelDescription,
    b: ModelDescription,
    circuit: Circuit,
    nasty: boolean,
    random: Random,
    seed: number,
  ): Promise<string | undefined> {
    const engine = (await this.#engines.get('cpu-wasm'))!;
    const signal = AbortSignal.timeout(PATIENCE);
    try {
      const { centre, radius } = drawnBall(random, circuit);
      const [first, second] = [
        await this.#library.load(encode(a), undefined),
        await this.#library.load(encode(b), undefined),
      ];
      const evaluations = random.pick([0, 5]);
      const asked = { engine, signal, evaluations, timeLimit: 5, lower: random.chance(0.2), seed };
      const result = await this.#library.difference(first, second, { ...asked, at: centre, radius });
      const { identical, bound, log10, region } = result;
      this.tally.count('outcomes', identical ? 'identical' : `bounded ${result.by}, ${region?.by}`);
      const slope = steepest(circuit, new Random(seed), { effort: EFFORT, nasty });
      const claimed = bound === 0 ? -Infinity : (log10 ?? Infinity) / Math.log10(2);
      if (slope.log2 > claimed + SLACK + 1e-11 * Math.abs(claimed))
        return `the bound of the difference must be at least the slope 2^${slope.log2} found, got 2^${claimed}`;
      const ball = new BallOf(circuit, { centre, radius }, new Random(seed));
      const { lipschitz, gain, largest } = region!;
      return (
        ball.steeper('incremental', lipschitz ?? Infinity) ??
        ball.steeper('anchored', gain ?? Infinity) ??
        ball.longer(largest ?? Infinity)
      );
    } catch (error) {
      if (signal.aborted) return undefined;
      this.tally.count('outcomes', 'refused');
      return new Refusals(a, this.tally).refusedOrFault(error, 'difference')?.fault;
    }
  }
}

/** Undefined where the copy has no meaning, such as a quotient by what is 0 there, or the two are too large. */
function differenceOf(a: ModelDescription, b: ModelDescription): Circuit | undefined {
  try {
    return less(circuitOf(a, sampleOf(a)), circuitOf(b, sampleOf(b)));
  } catch (error) {
    if (error instanceof TooLarge || error instanceof Meaningless || error instanceof RangeError)
      return undefined;
    throw error;
  }
}

/** x ↦ A(x) − B(x). */
function less(a: Circuit, b: Circuit): Circuit {
  const { inputs } = a;
  const from = a.cells.length - inputs;
  const moved = (id: number) => (id < inputs ? id : id + from);
  const cells: Cell[] = [...a.cells, ...b.cells.slice(inputs).map((cell) => movedCell(cell, moved))];
  const outputs = a.outputs.map((id, k) => {
    const sources = [id, moved(b.outputs[k]!)];
    return (
      cells.push({ kind: 'linear', sources, weights: [Exact.of(1), Exact.of(-1)], bias: Exact.ZERO }) - 1
    );
  });
  return { inputs, cells, outputs };
}

function movedCell(cell: Cell, moved: (id: number) => number): Cell {
  switch (cell.kind) {
    case 'input':
      return cell;
    case 'function':
      return { ...cell, source: moved(cell.source) };
    case 'product':
      return { ...cell, a: moved(cell.a), b: moved(cell.b) };
    default:
      return { ...cell, sources: cell.sources.map(moved) };
  }
}

/** A copy with other numbers in some tensors of weights. */
function copyOf(model: ModelDescription, random: Random): ModelDescription {
  const weights = Object.entries(model.initializers).filter(
    ([, { type, values }]) => (type === 'float' || type === 'double') && values.length > 0,
  );
  const few = random.chance(0.4) && weights.length > 0 ? [random.pick(weights)[0]] : undefined;
  const changed = weights
    .filter(([name]) => few?.includes(name) ?? random.chance(0.7))
    .map(([name, tensor]) => [name, otherNumbers(tensor, random)] as const);
  return { ...model, initializers: { ...model.initializers, ...Object.fromEntries(changed) } };
}

function otherNumbers(tensor: Tensor, random: Random): Tensor {
  const stored = (value: number) => (tensor.type === 'float' ? Math.fround(value) : value);
  const { values } = tensor;
  const one = random.integer(0, values.length - 1);
  const size = random.pick([1e-12, 1e-6, 1e-3, 0.1, 1]);
  const step = random.pick([1 / 4, 1 / 64, 1 / 1024]);
  const change = random.pick([
    (value: number) => Math.round(value / step) * step,
    (value: number) => (Math.abs(value) < 0.5 ? 0 : value),
    (value: number) => value * (1 + size * random.normal()),
    (value: number, k: number) => (k === one ? value + size : value),
    (value: number, k: number) => (k === one ? 0 : value),
    (value: number) => -value,
  ]);
  return { ...tensor, values: values.map((value, k) => stored(change(value, k))) };
}
