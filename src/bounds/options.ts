/** Checks of what a caller asks for. */
import { RULE_NAMES } from '../ellipsoid/multipliers/closedForms.ts';
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { isEuclidean, NORMS, type NormPair } from '../network/norms/norm.ts';
import { keepsOutputOrder } from '../network/outputOrder.ts';
import { product } from '../network/size.ts';
import { DEFAULTS } from './defaults.ts';
import { type BoundOptions, METHODS, type MethodName } from './result.ts';

type Checked = Omit<BoundOptions, 'engine' | 'multipliers' | 'target' | 'weights'>;

/** The method that the options mean. @throws InputError naming the choices */
export function checkedMethod(options: Checked): MethodName {
  const { method, rule, memory, evaluations, tolerance, gap, timeLimit, since, inflationLimit, seed } =
    options;
  if (method !== undefined && !METHODS.includes(method)) {
    throw new InputError(`method: one of ${METHODS.join(', ')}, got ${String(method)}`);
  }
  if (rule !== undefined && !RULE_NAMES.includes(rule)) {
    throw new InputError(`rule: one of ${RULE_NAMES.join(', ')}, got ${String(rule)}`);
  }
  if (memory !== undefined && !(memory > 0))
    throw new InputError(`memory: a positive number of bytes, got ${memory}`);
  if (evaluations !== undefined && !(Number.isInteger(evaluations) && evaluations >= 0)) {
    throw new InputError(`evaluations: a whole number, got ${evaluations}`);
  }
  if (inflationLimit !== undefined && !(inflationLimit >= 0))
    throw new InputError(`inflation limit: not negative, got ${inflationLimit}`);
  if (tolerance !== undefined && !(tolerance >= 0))
    throw new InputError(`tolerance: not negative, got ${tolerance}`);
  if (gap !== undefined && !(gap >= 0)) throw new InputError(`gap: not negative, got ${gap}`);
  if (timeLimit !== undefined && !(timeLimit >= 0))
    throw new InputError(`time limit: not negative, got ${timeLimit}`);
  if (since !== undefined && !Number.isFinite(since))
    throw new InputError(`since: a time on performance.now(), got ${since}`);
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new InputError(`seed: a whole number below 2^32, got ${seed}`);
  }
  if (
    rule !== undefined &&
    (method === 'spectral-product' ||
      method === 'moduli-product' ||
      method === 'refined' ||
      method === 'exact')
  ) {
    throw new InputError(`rule: the method ${method} has no rules`);
  }
  checkLength(options);
  if (rule !== undefined && method !== 'unrolled') return 'closed-form';
  return method ?? DEFAULTS.method;
}

/** @param method as `checkedMethod` has it. @throws InputError for norms that are none, or do not go with the rest */
export function checkedNorms(
  {
    norm,
    outputNorm = DEFAULTS.outputNorm,
    target,
    length,
    sensitivities,
  }: Pick<BoundOptions, 'norm' | 'outputNorm' | 'target' | 'length' | 'sensitivities'>,
  method: MethodName,
): NormPair {
  const input = norm ?? (sensitivities ? '1' : DEFAULTS.norm);
  for (const [name, value] of Object.entries({ norm: input, 'output norm': outputNorm })) {
    if (!NORMS.includes(value))
      throw new InputError(`${name}: one of ${NORMS.join(', ')}, got ${String(value)}`);
  }
  if (sensitivities && input !== '1') {
    throw new InputError(`sensitivities: the largest of them is the bound in norm 1, got norm ${input}`);
  }
  const norms = { input, output: outputNorm };
  if (method === 'exact' && target === 'margins') {
    throw new InputError('target: the method exact bounds the whole output or one pair, got margins');
  }
  if (isEuclidean(norms)) {
    if (method === 'moduli-product') {
      throw new InputError('method: moduli-product goes with norm inf or 1, or such an output norm');
    }
    return norms;
  }
  if (method === 'exact') throw new InputError('method: exact goes with norm 2 of inputs and outputs');
  if (length !== undefined) {
    throw new InputError('length: bounds for any length are in the norm 2 of inputs and outputs');
  }
  if (target !== undefined && target !== 'global' && outputNorm !== '2') {
    throw new InputError('output norm: differences of two outputs are numbers, which have no other norm');
  }
  if (target === 'margins' && input === '1') {
    throw new InputError('target: all margins go with norm 2 and inf; with norm 1 one pair at a time');
  }
  return norms;
}

/** @throws InputError for weights that are not as many numbers of at least 0 as the input has entries, and not all 0 */
export function checkWeights(network: Network, weights: ArrayLike<number>): void {
  const entries = product(network.tensors[network.input]!.shape);
  if (weights.length !== entries) {
    throw new InputError(
      `weights: one number for each of ${entries} entries of the input, got ${weights.length}`,
    );
  }
  const wrong = Array.from(weights).find((w) => !(w >= 0 && w < Infinity));
  if (wrong !== undefined) throw new InputError(`weights: numbers of at least 0, got ${wrong}`);
  if (Array.from(weights).every((w) => w === 0)) throw new InputError('weights: some above 0, got none');
}

function checkLength({ length, smallestLength, cellTolerance, method }: Checked): void {
  if (length === undefined) {
    if (smallestLength !== undefined) throw new InputError('smallest length: goes with length any');
    if (cellTolerance !== undefined) throw new InputError('cell tolerance: goes with length any');
    return;
  }
  if (length !== 'any')
    throw new InputError(`length: any, or none for that of the file, got ${String(length)}`);
  if (smallestLength !== undefined && !(Number.isInteger(smallestLength) && smallestLength >= 1)) {
    throw new InputError(`smallest length: a whole number of at least 1, got ${smallestLength}`);
  }
  if (cellTolerance !== undefined && !(cellTolerance > 0)) {
    throw new InputError(`cell tolerance: above 0, got ${cellTolerance}`);
  }
  if (method === 'spectral-product' || method === 'unrolled' || method === 'exact') {
    throw new InputError(`length: any goes with the methods all, closed-form and refined, got ${method}`);
  }
}

/** @throws InputError where a pair of outputs is asked for that the network does not have */
export function checkTarget(network: Network, target: BoundOptions['target']): void {
  if (target === undefined || target === 'global') return;
  const { shape } = network.tensors[network.output]!;
  if (shape.length !== 1 || shape[0]! < 2 || !keepsOutputOrder(network)) {
    throw new InputError(
      `target: margins need an output that is a vector of at least 2, got [${shape.join(', ')}]`,
    );
  }
  if (network.nodes.some((n) => n.operator.kind === 'softmax')) {
    throw new InputError('target: margins are of logits, got a network that ends in a softmax');
  }
  if (target === 'margins') return;
  const [i, j] = target;
  const valid = (k: number) => Number.isInteger(k) && k >= 0 && k < shape[0]!;
  if (!valid(i) || !valid(j) || i === j) {
    throw new InputError(`target: two different outputs from 0 to ${shape[0]! - 1}, got ${i},${j}`);
  }
}

/** Beyond these e^θ leaves the range of float64. */
const LARGEST_THETA = 700;

/**
 * What a caller gives as multipliers may come from anywhere. Whether they fit the layers is seen where these are known.
 * @throws InputError for what `BoundResult.multipliers` never is, and for the multipliers of another network
 */
export function checkMultipliers(network: Network, multipliers: unknown): void {
  if (multipliers === undefined) return;
  const hash = storedNetwork('multipliers', multipliers);
  if (hash !== (network.source?.sha256 ?? null)) {
    throw new InputError('multipliers: of another network, the SHA-256 of its files differs');
  }
}

/** @throws InputError for what `BoundResult.multipliers` never is */
export function checkWarm(warm: unknown): void {
  if (warm === undefined) return;
  if (!Array.isArray(warm)) throw new InputError(`warm: must be a list, got ${brief(warm)}`);
  for (const multipliers of warm) storedNetwork('warm', multipliers);
}

/** What stored multipliers say that they are of. @throws InputError */
function storedNetwork(option: string, multipliers: unknown): unknown {
  const refuse = (why: string) => new InputError(`${option}: ${why}`);
  if (!hasExactly(multipliers, ['version', 'network', 'path', 'layers'])) {
    throw refuse('must be an object with version, network, path and layers, as --save-multipliers writes it');
  }
  const { version, network: hash, path, layers } = multipliers;
  if (version !== 2) throw refuse(`must be of version 2, got ${brief(version)}`);
  if (path !== 'torus' && path !== 'unrolled') {
    throw refuse(`path must be torus or unrolled, got ${brief(path)}`);
  }
  if (!Array.isArray(layers)) throw refuse(`layers must be an array, got ${brief(layers)}`);
  for (const [k, layer] of layers.entries()) {
    if (!hasExactly(layer, ['name', 'theta']) || typeof layer.name !== 'string' || !isTheta(layer.theta)) {
      throw refuse(
        `layer ${k} must have a name and as theta numbers from -${LARGEST_THETA} to ${LARGEST_THETA}`,
      );
    }
  }
  return hash;
}

function hasExactly<K extends string>(value: unknown, names: readonly K[]): value is Record<K, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => Object.hasOwn(value, name)) && Object.keys(value).length === names.length;
}

function isTheta(value: unknown): boolean {
  return Array.isArray(value) && value.every((t) => typeof t === 'number' && Math.abs(t) <= LARGEST_THETA);
}

function brief(value: unknown): string {
  return typeof value === 'object' ? 'something else' : String(value).slice(0, 40);
}
