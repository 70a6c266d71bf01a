/** Changes of certificates of exact constants. */
import type { ExactCertificate, StoredNode } from '../../src/certificate/constants/exactFormat.ts';
import { decodeValues, encodeValues } from '../../src/certificate/fields.ts';
import type { Random } from '../random.ts';

type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T;
export type LooseExact = Writable<ExactCertificate>;
type Node = Writable<StoredNode>;

/** A change of what a certificate says, made so that its reader still takes it for one. */
type Change = (certificate: LooseExact, random: Random) => void;

const FACTORS: readonly number[] = [
  ...[0, -1, 1 - 1e-15, 1 + 1e-12, 1 - 1e-9, 1 + 1e-6, 0.99, 0.5, 2, 1e3, 1e-3, 1e150, 1e-150],
  ...[Number.NaN, Infinity],
];

/** Where a node ends, with all that it is split into. */
function endOf(tree: readonly Node[], from: number): number {
  let end = from;
  for (let open = 1; open > 0 && end < tree.length; end++) open += tree[end]!.kind === 'split' ? 1 : -1;
  return end;
}

function scaled(values: string, random: Random): string {
  const numbers = decodeValues(values, '');
  if (numbers.length === 0) return values;
  const k = random.integer(0, numbers.length - 1);
  const factor = random.pick(FACTORS);
  return encodeValues(
    random.chance(0.3) ? numbers.map((x) => x * factor) : numbers.with(k, numbers[k]! * factor),
  );
}

export const EXACT_CHANGES: Readonly<Record<string, Change>> = {
  exchangeParts({ tree }, random) {
    const [a, b] = [random.integer(0, tree.length - 1), random.integer(0, tree.length - 1)];
    [tree[a], tree[b]] = [tree[b]!, tree[a]!];
  },
  /** The two sides of a split. */
  exchangeSides({ tree }, random) {
    const splits = [...tree.keys()].filter((k) => tree[k]!.kind === 'split');
    if (splits.length === 0) return;
    const lower = random.pick(splits) + 1;
    const upper = endOf(tree, lower);
    const sides = [...tree.slice(upper, endOf(tree, upper)), ...tree.slice(lower, upper)];
    tree.splice(lower, sides.length, ...sides);
  },
  /** One part in place of another, or of what has been split. */
  graft({ tree }, random) {
    const [at, from] = [random.integer(0, tree.length - 1), random.integer(0, tree.length - 1)];
    const part = structuredClone(tree.slice(from, endOf(tree, from)));
    tree.splice(at, endOf(tree, at) - at, ...part);
  },
  dropOrRepeat({ tree }, random) {
    const at = random.integer(0, tree.length - 1);
    if (random.chance(0.5)) tree.splice(at, random.integer(1, 3));
    else tree.splice(at, 0, structuredClone(tree[at]!));
  },
  split({ tree }, random) {
    const node = random.pick(tree);
    if (node.kind !== 'split') return;
    node.unit = random.chance(0.7) ? node.unit + random.pick([-1, 1]) : random.pick([0, 1, 99, 2 ** 30]);
    node.unit = Math.max(0, node.unit);
    if (random.chance(0.3)) node.at = random.pick([0, 1, 2, 2 ** 30]);
  },
  numbers({ tree }, random) {
    const node = random.pick(tree);
    if (node.kind === 'empty') node.multipliers = scaled(node.multipliers, random);
    if (node.kind === 'bounded') node.sigma = scaled(node.sigma, random);
    if (node.kind === 'flat' && node.rows.length > 0)
      random.pick(node.rows).weight = random.pick(['0', '1', '2', 'ff', 'f'.repeat(2560)]);
  },
  units({ tree }, random) {
    const node = random.pick(tree);
    if (node.kind !== 'empty' && node.kind !== 'bounded') return;
    if (node.units.length === 0) return;
    const k = random.integer(0, node.units.length - 1);
    node.units[k] = random.pick([node.units[0]!, node.units[k]! + 1, 0, 2 ** 30]);
    if (random.chance(0.2)) node.units.pop();
  },
  empty({ tree }, random) {
    const node = random.pick(tree.filter(({ kind }) => kind === 'empty'));
    if (node?.kind !== 'empty') return;
    const k = random.integer(0, node.pieces.length - 1);
    if (random.chance(0.5))
      node.pieces =
        node.pieces.slice(0, k) + random.pick(['.', '0', '1', '2', '9']) + node.pieces.slice(k + 1);
    if (random.chance(0.3)) node.movable = random.pick([[], node.movable.slice(1), [...node.movable, 0]]);
    if (random.chance(0.3)) node.bare = !node.bare;
  },
  kind({ tree }, random) {
    const k = random.integer(0, tree.length - 1);
    if (tree[k]!.kind !== 'split')
      tree[k] = random.pick<Node>([{ kind: 'unreachable' }, { kind: 'flat', rows: [] }]);
  },
  claim({ claim }, random) {
    claim.bound *= random.pick([1, 1 - 2 ** -52, 1 - 1e-9, 1 - 1e-6, 0.999, 0.5, 1.5]);
    claim.slope *= random.pick([1, 1 + 2 ** -52, 1 + 1e-9, 1.01, 2, 0.5]);
    if (random.chance(0.1)) claim.bound = random.pick([0, 1e-300]);
  },
  domain(certificate, random) {
    const { attained } = certificate;
    const which = random.integer(0, 2);
    if (which === 0)
      certificate.target = random.pick([null, [0, 1], [0, 0], [1, 99]]) as LooseExact['target'];
    else if (attained && which === 1) attained.input = scaled(attained.input, random);
    else if (attained) attained.direction = scaled(attained.direction, random);
  },
  /** What nobody needs, in megabytes. */
  huge({ tree }, random) {
    const node = random.pick(tree);
    if (node.kind === 'bounded') node.sigma = 'A'.repeat(32 * 2 ** 17);
    else if (node.kind === 'empty') node.pieces = '.'.repeat(3e6);
    else for (let k = 0; k < 2e5; k++) tree.push({ kind: 'split', unit: 0, at: 0 });
  },
};
