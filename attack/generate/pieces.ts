/** Small dense networks of straight pieces: what sorts, what folds, what is carried past it, and ties on purpose. */
import type { Random } from '../random.ts';
import { grouping } from './groups.ts';
import { elementwise } from './layers.ts';
import type { Generated } from './network.ts';
import type { Style } from './scales.ts';
import { Workbench } from './workbench.ts';

const STYLES: Readonly<Record<string, number>> = { plain: 6, dyadic: 2, unit: 2, sparse: 1, wild: 1 };
const BENT = ['Relu', 'Abs', 'LeakyRelu', 'Clip', 'HardSigmoid', 'ThresholdedRelu'];

export function generatePieces(random: Random): Generated {
  const style = random.weighted(STYLES) as Style;
  const bench = new Workbench(random, {
    opset: random.pick([13, 17, 20]),
    type: random.chance(0.5) ? 'double' : 'float',
    style,
    sample: [random.integer(1, 4)],
    batch: 1,
  });
  let x: string | undefined = 'x';
  for (let k = random.integer(1, 3); k > 0 && x !== undefined; k--) x = layer(bench, x);
  const output = x && (random.chance(0.8) ? dense(bench, x, random.integer(1, 3)) : x);
  return output === undefined
    ? generatePieces(random)
    : { model: bench.finish(output), nasty: bench.scales.nasty };
}

/** Dense, bent or sorted, and now and then what was there before beside it. */
function layer(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const features = bench.shape(x)[1]!;
  const carried = random.chance(0.3);
  const inner = dense(bench, x, carried ? features : random.integer(1, 6));
  const bent = inner && act(bench, inner);
  if (!carried || bent === undefined || bench.shape(bent).join() !== bench.shape(x).join()) return bent;
  return bench.add(random.pick(['Add', 'Sub']), random.shuffled([bent, x]));
}

function act(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const sorting = random.chance(0.35) ? random.pick(['MaxMin', 'TopK', 'Larger']) : undefined;
  const sorted = sorting && grouping[sorting]!(bench, x);
  return sorted ?? (elementwise[random.pick(BENT)] ?? grouping.ThresholdedRelu!)(bench, x);
}

/** Rows that are repeated or turned around switch together. */
function dense(bench: Workbench, x: string, outputs: number): string | undefined {
  const { random } = bench;
  const inputs = bench.shape(x)[1]!;
  const { values, ...tensor } = bench.tensor([outputs, inputs], inputs);
  const rows = Array.from({ length: outputs }, (_, i) => values.slice(i * inputs, (i + 1) * inputs));
  if (outputs > 1 && random.chance(0.3)) {
    const sign = random.pick([1, -1]);
    rows[outputs - 1] = rows[0]!.map((value) => sign * value);
  }
  const w = bench.exactly({ ...tensor, values: rows.flat() });
  const b = random.chance(0.6) ? [bench.weights([outputs], 1)] : [];
  return bench.add('Gemm', [x, w, ...b], { transB: { i: 1 } });
}
