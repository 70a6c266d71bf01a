/**
 * An architecture proposed from names and shapes of weights: layers with weights in the order of the file, and between any two of them a
 * question, since weights tell nothing of what has none.
 */
import type { Json } from '../fields.ts';
import type { NamedArray, NamedArrays } from '../weights/namedArrays.ts';
import { ARCHITECTURE_NAME, QUESTION, VERSION } from './questions.ts';

type Role = 'weight' | 'bias' | 'mean' | 'variance' | 'counter';

interface Part {
  readonly key: string;
  readonly array: NamedArray;
  /** Whether its name says that outputs are its last axis, as `kernel` of TensorFlow and JAX does. */
  readonly outputsLast: boolean | undefined;
}

/** Arrays that belong to one layer. */
interface Group {
  readonly name: string;
  readonly parts: Map<Role, Part>;
  readonly others: string[];
}

/** Names of arrays below that of their layer, and what they stand for. */
const ROLES: Readonly<Record<string, Role>> = {
  ...{ weight: 'weight', kernel: 'weight', gamma: 'weight', scale: 'weight', weights: 'weight', w: 'weight' },
  ...{ bias: 'bias', beta: 'bias', biases: 'bias', b: 'bias' },
  ...{ running_mean: 'mean', moving_mean: 'mean', mean: 'mean' },
  ...{ running_var: 'variance', moving_variance: 'variance', var: 'variance', variance: 'variance' },
  num_batches_tracked: 'counter',
};

const BELOW = new RegExp(`^(?:(.*?)[./_])?(${Object.keys(ROLES).join('|')})(?::0)?$`, 'i');
/** W1 and b1, weights{1} and biases{1}. */
const NUMBERED = /^(.*?)(w|weights?|b|bias(?:es)?)_?\{?(\d+)\}?$/i;

export interface ArchitectureProposal {
  readonly format: string;
  readonly version: number;
  readonly weights: string;
  readonly input: unknown;
  readonly layers: readonly { readonly [key: string]: unknown }[];
}

/** @param file of the weights, its plain name */
export function proposed(arrays: NamedArrays, file: string): ArchitectureProposal {
  const groups = groupsOf(arrays);
  const layers: { readonly [key: string]: Json }[] = [];
  let input: Json = QUESTION;
  let channels: number | undefined;
  let vector = false;
  for (const [k, group] of groups.entries()) {
    if (isNorm(group)) layers.push(batchNorm(group));
    else {
      const readings = readingsOf(group, channels);
      if (readings.length === 0) {
        const all = [...[...group.parts.values()].map(({ key }) => key), ...group.others];
        layers.push({ layer: QUESTION, name: `${group.name} (${all.join(', ')})` });
        continue;
      }
      const weight = group.parts.get('weight')!;
      const axes = weight.array.shape.length;
      const [kind, order] = [common(readings, 'kind'), common(readings, 'order') ?? QUESTION];
      const inputs = common(readings, 'inputs');
      if (kind === 'linear' && k > 0 && !vector) layers.push({ layer: 'flatten' });
      const groupCount = channels !== undefined && inputs !== undefined ? channels / inputs : 1;
      const grouped = kind === 'conv' && Number.isInteger(groupCount) ? groupCount : 1;
      layers.push({
        ...{ layer: kind ?? QUESTION, name: group.name, weight: weight.key },
        ...(group.parts.has('bias') && { bias: group.parts.get('bias')!.key }),
        ...(order !== 'outputs-first' && { order }),
        ...(kind !== 'linear' && { stride: QUESTION, padding: QUESTION, dilation: QUESTION }),
        ...(grouped > 1 && { groups: grouped }),
      });
      if (k === 0) input = [inputs ?? QUESTION, ...Array.from({ length: axes - 2 }, () => QUESTION)];
      channels = common(readings, 'outputs');
      vector = kind === 'linear';
    }
    layers.push({ layer: QUESTION, name: `after ${group.name}` });
  }
  return { format: ARCHITECTURE_NAME, version: VERSION, weights: file, input, layers };
}

function groupsOf(arrays: NamedArrays): Group[] {
  const groups = new Map<string, Group>();
  const groupOf = (name: string): Group => {
    const known = groups.get(name);
    if (known) return known;
    const group: Group = { name, parts: new Map(), others: [] };
    groups.set(name, group);
    return group;
  };
  for (const [key, array] of arrays) {
    const { name, role, outputsLast } = readName(key);
    const group = groupOf(name);
    if (role && !group.parts.has(role)) group.parts.set(role, { key, array, outputsLast });
    else group.others.push(key);
  }
  return [...groups.values()].filter(
    ({ parts, others }) => others.length > 0 || [...parts.keys()].some((role) => role !== 'counter'),
  );
}

function readName(key: string): { name: string; role?: Role; outputsLast?: boolean } {
  const below = BELOW.exec(key);
  if (below) {
    const own = below[2]!.toLowerCase();
    const name = below[1] ?? own;
    // Of `weight` by itself nobody knows which library wrote it, but PyTorch's names have dots.
    const outputsLast = own === 'kernel' ? true : own === 'weight' && key.includes('.') ? false : undefined;
    return { name, role: ROLES[own]!, ...(outputsLast !== undefined && { outputsLast }) };
  }
  const numbered = NUMBERED.exec(key);
  if (!numbered) return { name: key };
  const role = /^w/i.test(numbered[2]!) ? 'weight' : 'bias';
  return { name: `${numbered[1]}layer ${numbered[3]}`, role };
}

/** What a weight may be: a layer, and its channels by the order of the weight's axes. */
interface Reading {
  readonly kind: 'linear' | 'conv' | 'transposed-conv';
  readonly order: 'outputs-first' | 'outputs-last';
  readonly inputs: number;
  readonly outputs: number;
}

/** None for what is no layer with a weight. */
function readingsOf({ parts, others }: Group, channels: number | undefined): Reading[] {
  const weight = parts.get('weight');
  const shape = weight?.array.shape ?? [];
  const other = others.length > 0 || parts.has('mean') || parts.has('variance');
  if (other || !weight || shape.length < 2 || shape.length > 5) return [];
  const ends = { 'outputs-first': [shape[0]!, shape[1]!], 'outputs-last': [shape.at(-1)!, shape.at(-2)!] };
  const all = (['outputs-first', 'outputs-last'] as const).flatMap((order): Reading[] => {
    const [first, second] = ends[order] as [number, number];
    if (shape.length === 2) return [{ kind: 'linear', order, inputs: second, outputs: first }];
    return [
      { kind: 'conv', order, inputs: second, outputs: first },
      { kind: 'transposed-conv', order, inputs: first, outputs: second },
    ];
  });
  const named = ({ order }: Reading) => (order === 'outputs-last') === weight.outputsLast;
  const bias = entries(parts.get('bias')?.array);
  const tests: ((reading: Reading) => boolean)[] = [
    // `kernel` is always outputs last, while a name of PyTorch's may stand for something else: its bias goes first.
    ...(weight.outputsLast ? [named] : []),
    ...(bias === undefined ? [] : [({ outputs }: Reading) => outputs === bias]),
    ...(weight.outputsLast === undefined ? [] : [named]),
    ...(channels === undefined || shape.length === 2
      ? []
      : [({ kind, inputs }: Reading) => (kind === 'conv' ? channels % inputs === 0 : channels === inputs)]),
  ];
  // What fits none of them has another reason, and says nothing.
  return tests.reduce((left, test) => (left.some(test) ? left.filter(test) : left), all);
}

function entries(array: NamedArray | undefined): number | undefined {
  return array?.shape.reduce((size, side) => size * side, 1);
}

/** What all readings have in common. */
function common<K extends keyof Reading>(readings: readonly Reading[], key: K): Reading[K] | undefined {
  const [first] = readings;
  return readings.every((reading) => reading[key] === first![key]) ? first![key] : undefined;
}

function isNorm({ parts, others }: Group): boolean {
  return others.length === 0 && parts.has('mean') && parts.has('variance');
}

function batchNorm({ name, parts }: Group): { readonly [key: string]: Json } {
  const key = (role: Role, as: string) => (parts.has(role) ? { [as]: parts.get(role)!.key } : {});
  return {
    ...{ layer: 'batch-norm', name },
    ...key('weight', 'weight'),
    ...key('bias', 'bias'),
    ...key('mean', 'mean'),
    ...key('variance', 'variance'),
    eps: QUESTION,
  };
}
