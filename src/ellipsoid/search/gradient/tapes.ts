/** What a differentiable pass keeps of every step, and the adjoints of the steps. */
import type { Engine, Matrices, Vector } from '../../../engine/engine.ts';
import {
  type LinearStep,
  type MaximumStep,
  type NonlinearityStep,
  type ReadStep,
  totalRows,
} from '../../../program/program.ts';
import type { Frequencies } from '../../../spectrum/frequencies.ts';
import type { State } from '../../rules/affine.ts';
import {
  affineAdjoint,
  affineSymbolAdjoint,
  readAdjoint,
  readSymbolAdjoint,
} from '../../rules/affineAdjoint.ts';
import type { SectorTape } from '../../rules/nonlinearity.ts';
import { sectorAdjoint } from '../../rules/nonlinearityAdjoint.ts';
import { stateGradient, sumOverBatch } from '../../rules/stateGradient.ts';
import { copiesOf } from '../states.ts';
import { pushed } from './barrier.ts';
import { type PoolTape, poolAdjoint } from './pooling.ts';

export type Tape =
  | { readonly kind: 'repeat'; readonly rows: number; readonly channels: number }
  | {
      readonly kind: 'linear';
      readonly step: LinearStep | ReadStep;
      readonly symbol: Matrices;
      /** Before the step. */
      readonly frequencies: Frequencies;
      readonly before: State;
    }
  | {
      readonly kind: 'nonlinearity';
      readonly step: NonlinearityStep;
      readonly sector: SectorTape;
      readonly scale: Vector;
      readonly sums: Vector;
      readonly d: Vector;
      readonly shift: Vector;
      readonly before: State;
    }
  | {
      readonly kind: 'maximum';
      readonly step: MaximumStep;
      readonly pool: PoolTape;
      readonly shift: Vector;
      readonly before: State;
    };

/** What the adjoint of one step gives. */
export interface Adjoint {
  readonly before?: Matrices | Vector;
  readonly theta?: Vector;
  /** About the second derivative in every θ alone, where there is a rule for it. */
  readonly curvature?: Vector;
}

/** The gradient of the state before a step from that of the state after it. @param push weight of the barrier */
export function adjointOf(engine: Engine, tape: Tape, g: Matrices | Vector, push: Vector): Adjoint {
  switch (tape.kind) {
    case 'repeat': {
      if (g.kind !== 'vector') throw new Error('differentiable pass: a gradient of a diagonal was expected');
      const perChannel = tape.rows / tape.channels;
      const rowsOf = (c: number) => Int32Array.from({ length: perChannel }, (_, u) => c * perChannel + u);
      return {
        before: engine.sumOver(
          g,
          Array.from({ length: tape.channels }, (_, c) => rowsOf(c)),
        ),
      };
    }
    case 'linear': {
      if (tape.before === undefined) return {};
      const { step, symbol, frequencies } = tape;
      const inner =
        step.kind === 'linear'
          ? affineAdjoint(engine, symbol, matricesOnly(g), copiesOf(step))
          : readAdjoint(engine, symbol, matricesOnly(g), frequencies);
      return { before: asStateGradient(engine, inner, tape.before) };
    }
    case 'nonlinearity': {
      const { step, sector } = tape;
      const own = pushed(engine, sectorAdjoint(engine, step, sector, matricesOnly(g)), tape, push);
      // D = scale · ρ(S): θ moves D alone, ρ moves with S.
      const throughSums = engine.rowSumsAdjoint(
        sector.s,
        tape.sums,
        engine.multiply(own.multiplier, tape.scale),
      );
      const blocks = { ...own, argument: engine.add(own.argument, throughSums) };
      const theta = engine.multiply(own.multiplier, tape.d);
      const curvature = engine.multiply(own.curvature, tape.d);
      if (tape.before === undefined) return { theta, curvature };
      const whole = stateGradient(engine, step, totalRows(step.before), blocks);
      return {
        ...{ theta, curvature },
        before: asStateGradient(engine, engine.scaleByPower(whole, tape.shift, -1), tape.before),
      };
    }
    case 'maximum': {
      const { whole, theta } = poolAdjoint(engine, tape.step, tape.pool, g);
      if (tape.before === undefined) return { theta };
      return {
        theta,
        before: asStateGradient(engine, engine.scaleByPower(whole, tape.shift, -1), tape.before),
      };
    }
    default:
      return tape satisfies never;
  }
}

/** Half of the gradient of a step's symbols from that of the state after it. */
export function symbolAdjointOf(
  engine: Engine,
  { step, symbol, frequencies, before }: Extract<Tape, { kind: 'linear' }>,
  g: Matrices | Vector,
): Matrices {
  return step.kind === 'linear'
    ? affineSymbolAdjoint(engine, symbol, before, matricesOnly(g), copiesOf(step))
    : readSymbolAdjoint(engine, symbol, before, matricesOnly(g), frequencies);
}

/** A gradient in the form of the state it belongs to: matrices per frequency, one for all, or a diagonal. */
function asStateGradient(engine: Engine, g: Matrices, before: Matrices | Vector): Matrices | Vector {
  if (before.kind === 'matrices') return before.batch === g.batch ? g : sumOverBatch(engine, g);
  return engine.diagonalSum(g);
}

function matricesOnly(g: Matrices | Vector): Matrices {
  if (g.kind !== 'matrices') throw new Error('differentiable pass: a gradient of matrices was expected');
  return g;
}
