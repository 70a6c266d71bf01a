/**
 * Maxima and minima of two tensors, however they are spelt, as sorted pairs: b + relu(a − b), a − relu(a − b), ½ (a + b ± |a − b|) and their
 * like. Of a sorted pair more is known than of a sum with a function: it is 1-Lipschitz, and keeps its sum.
 */
import type { Network, Node, TensorId } from '../network.ts';
import { constants } from '../weights/origin.ts';
import { Rewriter } from './rewriter.ts';

/** Σ coefficient · atom, an atom being a tensor that no sum and no multiple has made. */
type Form = ReadonlyMap<TensorId, number>;

/** Atoms of a sum that is looked into. */
const MOST_ATOMS = 6;
/** Sums of multiples of 2⁻²⁰ below 2²⁰ are exact. */
const UNIT = 2 ** 20;

/** scale · relu(larger − smaller), or of the modulus. */
interface Kink {
  readonly function: 'relu' | 'abs';
  readonly scale: number;
  readonly minuend: TensorId;
  readonly subtrahend: TensorId;
}

export function sortPairs(network: Network): Network {
  const rewriter = new Rewriter(network);
  const forms = new Map<TensorId, Form>();
  const kinks = new Map<TensorId, Kink>();
  const sorted = new Map<string, TensorId>();
  const formOf = (id: TensorId): Form => forms.get(id) ?? new Map([[id, 1]]);
  for (const node of network.nodes) {
    const form = ownForm(node, rewriter.inputs(node).map(formOf));
    const found = form && extremeOf(form, kinks);
    if (found) {
      replace(rewriter, node, found, sorted);
      continue;
    }
    const output = rewriter.copy(node);
    if (form) forms.set(output, form);
    const kink = kinkOf(node, formOf(rewriter.inputs(node)[0]!));
    if (kink) kinks.set(output, kink);
  }
  return rewriter.finish();
}

/** Of sums and multiples with few bits, without constants. */
function ownForm({ operator }: Node, inputs: readonly Form[]): Form | undefined {
  if (operator.kind === 'add')
    return operator.roundings ? undefined : combined(operator.coefficients, inputs);
  const { kind } = operator;
  if (kind !== 'scale' || operator.roundings || operator.shift || operator.scale.length !== 1)
    return undefined;
  return combined([...operator.scale], inputs);
}

function combined(coefficients: readonly number[], inputs: readonly Form[]): Form | undefined {
  const sum = new Map<TensorId, number>();
  for (const [k, form] of inputs.entries()) {
    for (const [atom, own] of form) sum.set(atom, (sum.get(atom) ?? 0) + coefficients[k]! * own);
  }
  for (const [atom, value] of sum) if (value === 0) sum.delete(atom);
  const plain = (value: number) => Math.abs(value) < UNIT && Number.isInteger(value * UNIT);
  const regular = [...coefficients, ...sum.values()].every(plain);
  return regular && sum.size <= MOST_ATOMS ? sum : undefined;
}

function kinkOf({ operator }: Node, form: Form): Kink | undefined {
  if (operator.kind !== 'nonlinearity') return undefined;
  const { name } = operator.function;
  if (name !== 'relu' && name !== 'abs') return undefined;
  const [first, second, third] = [...form].sort(([, a], [, b]) => b - a);
  if (!first || !second || third || !(first[1] > 0) || first[1] !== -second[1]) return undefined;
  return { function: name, scale: first[1], minuend: first[0], subtrahend: second[0] };
}

/** scale times the larger, or the smaller, of two tensors. */
interface Extreme {
  readonly scale: number;
  readonly larger: boolean;
  readonly pair: readonly [TensorId, TensorId];
}

function extremeOf(form: Form, kinks: ReadonlyMap<TensorId, Kink>): Extreme | undefined {
  const own = [...form].flatMap(([atom, coefficient]) => {
    const kink = kinks.get(atom);
    return kink ? [{ kink, weight: coefficient * kink.scale, atom }] : [];
  });
  // What a kink is made of may have kinks itself.
  const last = own.reduce((most, { atom }) => Math.max(most, atom), -1);
  const top = own.find(({ atom }) => atom === last)?.kink;
  if (!top) return undefined;
  const [p, q] = [top.subtrahend, top.minuend];
  const rest = new Map(form);
  let [fromP, fromQ, modulus] = [0, 0, 0];
  for (const { kink, weight, atom } of own) {
    const straight = kink.minuend === q && kink.subtrahend === p;
    if (!straight && !(kink.minuend === p && kink.subtrahend === q)) continue;
    rest.delete(atom);
    if (kink.function === 'abs') modulus += weight;
    else if (straight) fromP += weight;
    else fromQ += weight;
  }
  const [alpha, beta] = [rest.get(p) ?? 0, rest.get(q) ?? 0];
  rest.delete(p);
  rest.delete(q);
  if (rest.size > 0) return undefined;
  // relu(q − p) = larger − p = q − smaller, relu(p − q) = larger − q = p − smaller, |q − p| = larger − smaller = 2 larger − p − q.
  const pair: [TensorId, TensorId] = p < q ? [p, q] : [q, p];
  const whole = fromP + fromQ + 2 * modulus;
  if (whole === 0) return undefined;
  if (alpha === fromP + modulus && beta === fromQ + modulus) return { scale: whole, larger: true, pair };
  if (alpha === -fromQ - modulus && beta === -fromP - modulus) return { scale: -whole, larger: false, pair };
  return undefined;
}

function replace(
  rewriter: Rewriter,
  node: Node,
  { scale, larger, pair }: Extreme,
  sorted: Map<string, TensorId>,
): void {
  const [channels] = rewriter.shape(pair[0]);
  const known = sorted.get(pair.join());
  const both = known ?? sortedPair(rewriter, node.name, pair, channels!);
  sorted.set(pair.join(), both);
  const first = larger ? 0 : channels!;
  const sources = Int32Array.from({ length: channels! }, (_, k) => first + k);
  const picked = { kind: 'gather', sources } as const;
  if (scale === 1) rewriter.replace(node, picked, [both]);
  else {
    const name = `${node.name} (${larger ? 'larger' : 'smaller'})`;
    const extreme = rewriter.add(name, picked, [both], name);
    rewriter.replace(node, { kind: 'scale', scale: constants(Float64Array.of(scale)) }, [extreme]);
  }
}

/** The larger entries, then the smaller ones. */
function sortedPair(
  rewriter: Rewriter,
  name: string,
  pair: readonly [TensorId, TensorId],
  channels: number,
): TensorId {
  const beside = rewriter.add(`${name} (both)`, { kind: 'concat' }, pair, `${name} (both)`);
  const groups = Array.from({ length: channels }, (_, k) => Int32Array.of(k, channels + k));
  const f = { name: 'sort', descending: true } as const;
  return rewriter.add(
    name,
    { kind: 'grouped', function: f, groups, wide: false },
    [beside],
    `${name} (sorted)`,
  );
}
