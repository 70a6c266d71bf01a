/** How one trial asks the library: engine, method and mode. Plain data that survives JSON. */

import type { BoundOptions } from '../src/bounds/result.ts';
import { RULE_NAMES } from '../src/ellipsoid/multipliers/closedForms.ts';
import type { EngineName } from './library.ts';
import type { Random } from './random.ts';

export interface Plan {
  readonly engine: EngineName;
  readonly options: Pick<
    BoundOptions,
    | 'method'
    | 'rule'
    | 'target'
    | 'norm'
    | 'outputNorm'
    | 'sensitivities'
    | 'gap'
    | 'memory'
    | 'rigor'
    | 'length'
    | 'smallestLength'
    | 'evaluations'
    | 'lower'
    | 'timeLimit'
    | 'seed'
    | 'cellTolerance'
  >;
  readonly certificate: boolean;
  readonly prefixes: boolean;
}

/** One in so many trials goes to a GPU in software, which takes long. */
const GPU_SHARE = 1 / 150;

export function drawPlan(random: Random, scope: 'fixed' | 'any', outputs: number): Plan {
  const roll = random.next();
  const engine: EngineName = roll < GPU_SHARE ? 'webgpu' : roll < 0.25 ? 'cpu-blas' : 'cpu-wasm';
  const rule = random.pick(RULE_NAMES);
  const evaluations = random.pick([0, 2, 5]);
  const common = {
    evaluations,
    timeLimit: 10,
    lower: random.chance(0.15),
    seed: random.integer(0, 1000),
    // Little memory and many frequencies take for ever.
    ...(random.chance(0.15) ? { memory: random.pick(scope === 'any' ? [1e7] : [1e4, 1e5, 1e6]) } : {}),
    ...(random.chance(0.03) ? { rigor: false } : {}),
  };
  const certificate = random.chance(0.4);
  if (scope === 'any') {
    const how = random.pick([
      { rule },
      { rule },
      { method: 'all' as const },
      { method: 'closed-form' as const },
    ]);
    return {
      engine,
      options: {
        ...common,
        ...how,
        length: 'any',
        cellTolerance: random.pick([0.1, 0.3, 1]),
        ...(random.chance(0.3) ? { smallestLength: random.integer(1, 9) } : {}),
      },
      certificate,
      prefixes: false,
    };
  }
  const how = random.pick([
    {},
    {},
    {},
    { method: 'spectral-product' as const },
    { method: 'closed-form' as const },
    { method: 'unrolled' as const },
    { method: 'unrolled' as const, rule },
    { method: 'refined' as const },
    { rule },
  ]);
  return {
    engine,
    options: { ...common, ...how, ...target(random, outputs) },
    certificate,
    prefixes: random.chance(0.1),
  };
}

/** Methods that bound in other norms than ℓ2. */
const OF_NORMS = [undefined, 'moduli-product', 'closed-form', 'unrolled', 'refined', 'all'] as const;

/** For the norms of inputs and outputs, of which one at least is not ℓ2, and for single entries of the input. */
export function drawNormPlan(random: Random, outputs: number): Plan {
  const engine = random.chance(0.2) ? 'cpu-blas' : 'cpu-wasm';
  const norm = random.pick(['inf', 'inf', '1', '2'] as const);
  const outputNorm = random.pick(norm === '2' ? (['inf', '1'] as const) : (['2', 'inf', '1'] as const));
  const method = random.pick(OF_NORMS);
  const { target: asked } = target(random, outputs);
  // Differences of two outputs are numbers, and all margins go with ℓ∞ alone.
  const pair = asked === 'margins' && norm !== 'inf' ? undefined : asked;
  return {
    engine,
    options: {
      ...{ norm, evaluations: random.pick([0, 5, 20]), timeLimit: 10, seed: random.integer(0, 1000) },
      lower: random.chance(0.3),
      ...(method && { method }),
      ...(pair === undefined ? { outputNorm } : norm === '2' ? {} : { target: pair }),
      ...(norm === '1' && random.chance(0.5) ? { sensitivities: true } : {}),
    },
    certificate: random.chance(0.4),
    prefixes: false,
  };
}

/** For small networks of straight pieces: their exact constants, and everything else. */
export function drawPiecesPlan(random: Random, outputs: number): Plan {
  const roll = random.next();
  if (roll < 0.2) return drawNormPlan(random, outputs);
  if (roll < 0.5) return drawPlan(random, 'fixed', outputs);
  const { target: asked } = target(random, outputs);
  return {
    engine: random.chance(0.2) ? 'cpu-blas' : 'cpu-wasm',
    options: {
      ...{ method: 'exact', gap: random.pick([0, 1e-6, 0.01, 0.3]), timeLimit: random.pick([0.2, 3, 3]) },
      lower: random.chance(0.5),
      ...(typeof asked === 'object' && { target: asked }),
    },
    certificate: random.chance(0.4),
    prefixes: false,
  };
}

function target(random: Random, outputs: number): Pick<BoundOptions, 'target'> {
  if (outputs < 2 || random.chance(0.7)) return {};
  if (random.chance(0.5)) return { target: 'margins' };
  const [i, j] = random.shuffled([...Array(outputs).keys()]) as [number, number];
  return { target: [i, j] };
}
