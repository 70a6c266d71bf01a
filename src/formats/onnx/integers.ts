/** Integers that depend on the input: what may become of them. */
import type { Unsupported } from '../../errors.ts';
import type { GraphNode } from './graph.ts';
import { type ElementTypes, isInteger } from './values/elementType.ts';

/** What is the same of integers as of real numbers: they are moved, compared, and cast to floats. Sums and products would wrap around. */
const EXACT: ReadonlySet<string> = new Set([
  ...['Compress', 'EyeLike', 'ReverseSequence'],
  ...['Cast', 'Clip', 'Concat', 'DepthToSpace', 'Expand', 'Flatten', 'Gather', 'GatherElements', 'GatherND'],
  ...[
    'GlobalMaxPool',
    'Identity',
    'Max',
    'MaxPool',
    'Min',
    'Pad',
    'ReduceMax',
    'ReduceMin',
    'Relu',
    'Reshape',
    'ScatterElements',
  ],
  ...['ScatterND', 'Shape', 'Size', 'Slice', 'SpaceToDepth', 'Split', 'Squeeze', 'Tile', 'TopK', 'Transpose'],
  ...['Trilu', 'Unsqueeze', 'Where'],
]);

/** What says no more of integers than of real numbers, and is refused for its own reason. */
const COMPARISONS: ReadonlySet<string> = new Set([
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
]);

/** Whether every number of an integer type is one of the other. */
export function widens(from: string, to: string): boolean {
  const [own, other] = [from, to].map((type) => /^(u?)int(\d+)$/.exec(type));
  if (!own || !other) return false;
  const [bits, more] = [Number(own[2]), Number(other[2])];
  return own[1] === other[1] ? more >= bits : own[1] === 'u' && more > bits;
}

/** What is wrong with a node that reads integers which depend on the input, if anything is. @param data those of its inputs that do */
export function objectionToIntegers(
  node: GraphNode,
  data: readonly string[],
  types: ElementTypes,
): Unsupported | undefined {
  if (EXACT.has(node.opType) || COMPARISONS.has(node.opType)) return undefined;
  const type = data.map((name) => types.get(name)).find((found) => found !== undefined && isInteger(found));
  return type === undefined
    ? undefined
    : {
        node: node.name,
        found: `${node.opType} of ${type}`,
        reason: 'what is computed of integers wraps around or is rounded; cast them to floats first',
      };
}
