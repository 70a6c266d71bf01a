/** Gradients of whole states, put together from those of their blocks. */
import type { Engine, Matrices } from '../../engine/engine.ts';
import type { MaximumStep, NonlinearityStep } from '../../program/program.ts';
import { rangesOf } from './nonlinearity.ts';

/**
 * Gradient of the whole state before a nonlinear step from its blocks: rows that were kept, and the argument's own, which may
 * be among them.
 */
export function stateGradient(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  size: number,
  blocks: {
    readonly kept: Matrices | undefined;
    readonly across: Matrices | undefined;
    readonly argument: Matrices;
  },
): Matrices {
  const own = rangesOf([step.source]);
  if (!blocks.kept || !blocks.across) {
    return step.source.rows === size ? blocks.argument : engine.submatrixAdjoint(blocks.argument, own, size);
  }
  const all = engine.assemble(blocks.kept, blocks.across, blocks.argument);
  return engine.submatrixAdjoint(all, [...rangesOf(step.kept), ...own], size);
}

/** Sum over the batch, where one state served all frequencies. */
export function sumOverBatch(engine: Engine, g: Matrices): Matrices {
  return engine.scaleBatch(engine.alias(g, g.batch), engine.vector([g.batch]));
}
