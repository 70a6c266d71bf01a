/** Hunts for bounds below the truth: random models, evaluated by themselves, against everything that the library says of them. */

import { circuitOf } from './evaluate/interpret.ts';
import { type Examiner, examine, type Trial, type Violation } from './examine.ts';
import { type Generated, generate, generateConstants } from './generate/network.ts';
import { generatePieces } from './generate/pieces.ts';
import type { Finding, Hunt } from './hunt.ts';
import { Engines, LIBRARY, type Library } from './library.ts';
import { sampleOf } from './model/description.ts';
import { encode } from './model/encode.ts';
import { drawNormPlan, drawPiecesPlan, drawPlan, type Plan } from './plan.ts';
import { Random } from './random.ts';
import { shrunk } from './shrink.ts';
import { Tally } from './tally.ts';

/** Products with the Jacobian per model. */
const EFFORT = 600;
/** Milliseconds for one model: another finds more. */
const PATIENCE = 15_000;
/** Milliseconds for one model while a fault is made smaller. */
const SHRINKING = 2000;

export type Kind = 'networks' | 'lengths' | 'constants' | 'norms' | 'pieces';

export class NetworkHunt implements Hunt {
  readonly name: Kind;
  readonly unit = 'networks';
  readonly tally = new Tally();
  readonly #examiner: Examiner;
  readonly #engines = new Engines();

  constructor(name: Kind, library: Library = LIBRARY, effort = EFFORT) {
    this.name = name;
    this.#examiner = { library, engines: this.#engines, tally: this.tally, effort, patience: PATIENCE };
  }

  async trial(seed: number): Promise<Finding | undefined> {
    const trial = drawn(this.name, seed);
    const violation = await examine(trial, this.#examiner);
    return violation && this.#finding(trial, violation);
  }

  async #finding(trial: Trial, { kind, fault }: Violation): Promise<Finding> {
    const { tally: _, ...examiner } = this.#examiner;
    const silent = { ...examiner, patience: SHRINKING };
    let last: Violation | undefined;
    const model = await shrunk(trial.model, async (smaller) => {
      const again = await examine({ ...trial, model: smaller }, silent);
      if (again?.kind === kind) last = again;
      return again?.kind === kind;
    });
    const description = { fault: last?.fault ?? fault, plan: trial.plan, slope: last?.slope, model };
    return {
      hunt: this.name,
      seed: trial.seed,
      fault: last?.fault ?? fault,
      files: new Map([
        ['model.onnx', encode(model)],
        ['original.onnx', encode(trial.model)],
        ['trial.json', new TextEncoder().encode(JSON.stringify(description, null, 1))],
      ]),
      reproduce: `bound(model.onnx, ${JSON.stringify({ ...trial.plan.options, engine: trial.plan.engine })})`,
    };
  }

  async close(): Promise<void> {
    await this.#engines.close();
  }
}

/** What a seed stands for. */
export function drawn(kind: Kind, seed: number): Trial {
  const random = new Random(seed);
  const { model, nasty } = modelOf(kind, random);
  const circuit = circuitOf(model, sampleOf(model));
  return { model, plan: planOf(kind, random, circuit.outputs.length), nasty, seed };
}

function planOf(kind: Kind, random: Random, outputs: number): Plan {
  if (kind === 'norms') return drawNormPlan(random, outputs);
  if (kind === 'pieces') return drawPiecesPlan(random, outputs);
  return drawPlan(random, kind === 'lengths' ? 'any' : 'fixed', outputs);
}

function modelOf(kind: Kind, random: Random): Generated {
  switch (kind) {
    case 'networks':
    case 'norms':
      return generate(random, 'fixed');
    case 'lengths':
      return generate(random, 'any');
    case 'constants':
      return generateConstants(random);
    case 'pieces':
      return generatePieces(random);
    default:
      throw new Error(`unknown kind ${kind satisfies never}`);
  }
}
