/** The path for signals of any length: which networks have it, and from which length on. */

import { UnsupportedError } from '../../errors.ts';
import { largest } from '../../network/extremes.ts';
import { existingLength, lengthened, sidesAt } from '../../network/lengths/lengths.ts';
import { simplify } from '../../network/simplify/simplify.ts';
import { product } from '../../network/size.ts';
import { compile } from '../../program/compile.ts';
import type { Program } from '../../program/program.ts';
import type { Variable } from '../../program/variables.ts';
import { beyondMemory } from '../budget.ts';
import { DEFAULTS } from '../defaults.ts';
import type { BoundTask } from '../task.ts';
import type { AnyLengthPath } from './path.ts';

type AnyLengthTask = Pick<BoundTask, 'original' | 'query' | 'room'> & {
  readonly engine: Pick<BoundTask['engine'], 'information'>;
};

/**
 * @throws UnsupportedError listing what ties the network to the length of its file
 * @throws MemoryError where its covariances do not fit the budget
 */
export function anyLengthPath({ engine, original, query, room }: AnyLengthTask): AnyLengthPath {
  const { smallestLength } = query;
  const long = simplify(lengthened(original, smallestLength));
  const sides = smallestLength === undefined ? undefined : sidesAt(original, smallestLength);
  const exists = existingLength(original, smallestLength ?? DEFAULTS.smallestLength);
  const program = compile(long, { lengths: { shortest: (node) => sides?.get(node) } });
  const beyond = beyondMemory(engine, program, room);
  if (beyond) throw beyond;
  refuseLongKernels(program);
  const samples = samplesOf(program, sides);
  const axes = largest(program.segments.map((s) => s.axes));
  if (axes < 1 || axes > MOST_AXES) {
    const node = original.tensors[original.input]!.name;
    const reason = `signals of any length have one axis to ${MOST_AXES}`;
    throw new UnsupportedError([{ node, found: `${axes} spatial axes`, reason }]);
  }
  return { kind: 'any length', program, samples, exists, axes };
}

/** Of signals whose frequencies are planned. */
const MOST_AXES = 3;

/** Samples of a kernel that are looked at one by one, at every frequency: more would take minutes. */
const MOST_SAMPLES = 2 ** 17;

/** @throws UnsupportedError naming every layer whose kernel is too long */
function refuseLongKernels(program: Program): void {
  const found = new Map<string, number>();
  for (const step of program.segments.flatMap((segment) => segment.steps)) {
    if (step.kind !== 'linear') continue;
    for (const { term, target } of step.terms) {
      if (term.map.kind !== 'convolution' && term.map.kind !== 'transposed') continue;
      const samples = product(term.map.kernel.sides);
      if (samples > MOST_SAMPLES) found.set(term.name ?? target.variable.name, samples);
    }
  }
  if (found.size === 0) return;
  throw new UnsupportedError(
    [...found].map(([node, samples]) => ({
      node,
      found: `a kernel of ${samples} samples`,
      reason: `for any length at most ${MOST_SAMPLES} are supported; bound it without the option length`,
    })),
  );
}

/** Samples that every mean over a whole signal has at least, by the variable that it is taken of. */
function samplesOf(
  program: Program,
  shortest: ReadonlyMap<string, readonly number[]> | undefined,
): Map<Variable, number> {
  const samples = new Map<Variable, number>();
  for (const { kind, ...step } of program.segments.flatMap((s) => s.steps)) {
    if (kind !== 'read' || !('terms' in step)) continue;
    for (const { term, source } of step.terms) {
      const sides = shortest?.get(term.name ?? '');
      if (term.map.kind !== 'total' || !sides) {
        throw new UnsupportedError([
          {
            node: term.name ?? source.variable.name,
            found: 'a read of all positions',
            reason: 'it ties the network to the length of the file; bound it without the option length',
          },
        ]);
      }
      samples.set(
        source.variable,
        sides.reduce((p, n) => p * n, 1),
      );
    }
  }
  return samples;
}
