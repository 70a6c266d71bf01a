/** Closed forms of small dense chains in rational numbers: what multipliers come to without any rounding. */

import { RULE_NAMES } from '../src/ellipsoid/multipliers/closedForms.ts';
import { InputError, UnsupportedError } from '../src/errors.ts';
import {
  identity,
  isBelow,
  type Matrix,
  matrixOf,
  Rational,
  throughSector,
  times,
  transpose,
} from '../test/certificate/rational.ts';
import { Workbench } from './generate/workbench.ts';
import type { Finding, Hunt } from './hunt.ts';
import { Engines, LIBRARY, type Library } from './library.ts';
import type { ModelDescription } from './model/description.ts';
import { encode } from './model/encode.ts';
import { Random } from './random.ts';

interface Chain {
  readonly model: ModelDescription;
  /** [outputs, inputs] of every dense layer. */
  readonly weights: readonly Matrix[];
  /** The least and the largest slope of the activation behind every layer but the last. */
  readonly sectors: readonly (readonly [number, number])[];
}

/** How far above the exact number a bound may be: rounding in float64 costs far less. */
const LOOSE = 1e-3;
/** Below this part of the product of norms a bound stands for zero, and nothing is near it. */
const VANISHING = 1e-30;

export class ClosedFormHunt implements Hunt {
  readonly name = 'closed-forms';
  readonly unit = 'networks';
  readonly #library: Library;
  readonly #engines = new Engines();

  constructor(library: Library = LIBRARY) {
    this.#library = library;
  }

  async trial(seed: number): Promise<Finding | undefined> {
    const random = new Random(seed);
    const chain = drawChain(random);
    const rule = random.pick(RULE_NAMES);
    const engine = await this.#engines.get(random.chance(0.3) ? 'cpu-blas' : 'cpu-wasm');
    if (!engine) return undefined;
    const options = { method: 'closed-form', rule, lower: false } as const;
    const fault = await this.#fault(chain, { ...options, engine });
    if (fault === undefined) return undefined;
    return {
      hunt: this.name,
      seed,
      fault,
      files: new Map([['model.onnx', encode(chain.model)]]),
      reproduce: `bound(model.onnx, ${JSON.stringify({ ...options, engine: engine.information.description })})`,
    };
  }

  async #fault(chain: Chain, options: Parameters<Library['bound']>[1]): Promise<string | undefined> {
    try {
      const network = await this.#library.load(encode(chain.model), undefined);
      const result = await this.#library.bound(network, options);
      const { proof, bound } = result;
      if (!proof || bound === null) return undefined;
      const found = against(chain, proof.layers, bound, 'the closed form');
      if (found) return found;
      const { layers, claim } = await this.#library.certify(network, result);
      if (claim.bound === null) return undefined;
      const decoded = layers.map(({ exponent, values }) => ({ exponent, values: decode(values) }));
      return against(chain, decoded, claim.bound, 'the claim of the certificate');
    } catch (error) {
      if (error instanceof UnsupportedError || error instanceof InputError) return undefined;
      return `a chain of dense layers must be bounded or refused, got ${error instanceof Error ? error.stack : error}`;
    }
  }

  async close(): Promise<void> {
    await this.#engines.close();
  }
}

function drawChain(random: Random): Chain {
  const inputs = random.integer(1, 4);
  const bench = new Workbench(random, {
    opset: 13,
    type: 'double',
    style: random.pick(['plain', 'dyadic', 'positive', 'sparse']),
    sample: [inputs],
    batch: 1,
  });
  const weights: Matrix[] = [];
  const sectors: (readonly [number, number])[] = [];
  let [x, width] = ['x', inputs];
  const layers = random.integer(1, 3);
  for (let k = 0; k <= layers; k++) {
    const outputs = random.integer(1, 4);
    const weight = bench.tensor([outputs, width], width);
    weights.push(matrixOf(outputs, width, weight.values));
    x = bench.add('Gemm', [x, bench.initializer(weight)], { transB: { i: 1 } })!;
    width = outputs;
    if (k === layers) break;
    const alpha = random.pick([0.5, 0.75, 0.125, -0.5]);
    const [op, sector] = random.pick([
      ['Relu', [0, 1]],
      ['Abs', [-1, 1]],
      ['LeakyRelu', [alpha, 1]],
    ] as const);
    sectors.push(sector);
    x = bench.add(op, [x], op === 'LeakyRelu' ? { alpha: { f: alpha } } : {})!;
  }
  return { model: bench.finish(x), weights, sectors };
}

interface Multipliers {
  readonly exponent: number;
  readonly values: ArrayLike<number>;
}

/** What is wrong with a number that these multipliers are to prove. */
function against(
  { weights, sectors }: Chain,
  layers: readonly Multipliers[],
  bound: number,
  what: string,
): string | undefined {
  if (layers.length !== sectors.length) return undefined;
  let sigma: Matrix = identity(weights[0]![0]!.length);
  for (const [k, weight] of weights.entries()) {
    sigma = times(times(weight, sigma), transpose(weight));
    if (k === sectors.length) break;
    const { values, exponent } = layers[k]!;
    // Relative to the largest, entries of rows without any covariance are far too small for anything to follow.
    const d = Array.from(values, (value) => Rational.of(value * 2 ** exponent));
    const [low, high] = sectors[k]!.map(Rational.of) as [Rational, Rational];
    const after = throughSector(sigma, d, low, high);
    if (!after) return `multipliers of ${what} must dominate the covariance of layer ${k}`;
    sigma = after;
  }
  const square = (x: number) => Rational.of(x).times(Rational.of(x));
  if (bound > 0 && !isBelow(sigma, square(bound))) {
    const least = sigma.map((row, i) => row[i]!.toNumber());
    return `${what}, ${bound}, must not be below what its multipliers prove (diagonal ${least})`;
  }
  // Behind nothing, or where a dead neuron stands in between, multipliers as small as there may be say zero.
  const product = weights.reduce((norm, weight) => norm * frobenius(weight), 1);
  const zero = product === 0 || bound <= VANISHING * product;
  if (!zero && isBelow(sigma, square(bound / (1 + LOOSE))))
    return `${what}, ${bound}, must be near what its multipliers prove`;
  return undefined;
}

const frobenius = (matrix: Matrix) => Math.hypot(...matrix.flat().map((entry) => entry.toNumber()));

function decode(base64: string): Float64Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float64Array(bytes.buffer);
}
