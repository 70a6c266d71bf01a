/** Circular padding as exporters without a Pad for it write it: slices of both ends, joined to the image. */
import type { Follows } from '../../../network/lengths/follows.ts';
import { everyAxis } from '../../../network/size.ts';
import type { GraphNode } from '../graph.ts';
import { makerOf, type Pattern, type Surroundings } from './pattern.ts';

interface CircularPadding {
  readonly input: string;
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

/** Concat(last samples of x, x, first samples of x) along a spatial axis; one such node per axis. */
export function matchCircularPadding(node: GraphNode, around: Surroundings): Pattern | undefined {
  const steps: CircularPadding[] = [];
  for (let at: GraphNode | undefined = node; at; at = makerOf(steps.at(-1)!.input, around)) {
    const step = circularStep(at, around);
    if (!step || steps.some(({ axis }) => axis === step.axis)) break;
    steps.push(step);
  }
  const innermost = steps.at(-1);
  if (!innermost) return undefined;
  return {
    inputs: [innermost.input],
    convert: (call) => {
      const x = call.image(0);
      const before = everyAxis(x.shape.length - 1, 0);
      const after = everyAxis(x.shape.length - 1, 0);
      for (const step of steps) {
        const axis = step.axis - 2;
        const side = x.shape[axis + 1] ?? call.malformed('axes must be those of the input', step.axis);
        call.demand(step.before <= side && step.after <= side, `slices must be at most ${side} long`, [
          step.before,
          step.after,
        ]);
        before[axis] = step.before;
        after[axis] = step.after;
      }
      // Slices of a shorter signal take what there is.
      const follows: Follows = { kind: 'own fields', from: Math.max(...before, ...after) };
      return call.emit({ kind: 'pad', padding: { mode: 'circular', before, after } }, [x], follows);
    },
  };
}

function circularStep(node: GraphNode, around: Surroundings): CircularPadding | undefined {
  const axis = node.attributes.integer('axis', undefined);
  if (node.opType !== 'Concat' || axis === undefined || axis < 2 || node.inputs.length < 2) return undefined;
  const slices = node.inputs.map((name) => sliceOf(name, axis, around));
  const middle = node.inputs.findIndex((name) => slices.every((slice) => !slice || slice.input === name));
  const input = node.inputs[middle];
  if (input === undefined || middle > 1 || node.inputs.length > middle + 2) return undefined;
  if (slices.some((slice, k) => (k === middle ? false : !slice))) return undefined;
  const first = middle === 1 ? slices[0]! : undefined;
  const last = slices[middle + 1];
  const before = first ? -first.start : 0;
  const toEnd = !first || (before > 0 && first.end >= 2 ** 31 - 1);
  const fromStart = !last || (last.start === 0 && last.end > 0 && last.end < 2 ** 31 - 1);
  if (!toEnd || !fromStart) return undefined;
  return { input, axis, before, after: last ? last.end : 0 };
}

/** A Slice of step 1 along one axis, as the file states it. */
function sliceOf(
  name: string,
  axis: number,
  around: Surroundings,
): { input: string; start: number; end: number } | undefined {
  const node = makerOf(name, around);
  if (node?.opType !== 'Slice') return undefined;
  const list = (attribute: string, index: number) =>
    node.opset < 10
      ? node.attributes.integers(attribute)
      : [...(around.constant(node.inputs[index] ?? '')?.data ?? [])];
  const [starts, ends, axes] = [list('starts', 1), list('ends', 2), list('axes', 3)];
  const steps = node.inputs[4] ? list('steps', 4) : [1];
  const alone = [starts, ends, axes, steps].every((values) => values?.length === 1);
  if (!alone || axes![0] !== axis || steps![0] !== 1) return undefined;
  return { input: node.inputs[0]!, start: starts![0]!, end: ends![0]! };
}
