/** What command lines ask of one network, and how the library is asked it. */
import type { BoundOptions, MethodName } from '../../bounds/result.ts';
import type { RuleName } from '../../ellipsoid/multipliers/closedForms.ts';
import type { Network } from '../../network/network.ts';
import type { Norm } from '../../network/norms/norm.ts';
import type { EngineName, Library } from '../library.ts';
import type { ModelOptions } from '../loading.ts';

export interface BoundQuestion extends ModelOptions {
  readonly method: MethodName;
  readonly rule?: RuleName;
  readonly engine: EngineName;
  readonly threads?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly target?: 'global' | 'margins' | readonly [number, number];
  readonly norm?: Norm;
  readonly outputNorm?: Norm;
  /** A file. */
  readonly weights?: string;
  readonly evaluations?: number;
  readonly tolerance?: number;
  readonly gap?: number;
  readonly length?: 'any';
  readonly smallestLength?: number;
  readonly cellTolerance?: number;
  /** Seconds. */
  readonly timeLimit?: number;
  readonly rigor?: boolean;
  /** As a fraction. */
  readonly inflationLimit?: number;
  readonly lower?: boolean;
  readonly seed?: number;
}

/** Those of a question that are about what computes. */
export function engineOptions({ engine, threads }: Pick<BoundQuestion, 'engine' | 'threads'>) {
  return { engine, ...(threads !== undefined && { threads }) };
}

/** All others but the model's own. @throws InputError for weights that cannot be read */
export async function boundOptions(
  question: BoundQuestion,
  network: Network,
  { readPoint }: Pick<Library, 'readPoint'>,
): Promise<Omit<BoundOptions, 'engine'>> {
  const { method, rule, memory, target, norm, outputNorm, evaluations, tolerance, gap } = question;
  const { length, smallestLength, cellTolerance, timeLimit, rigor, inflationLimit, lower, seed } = question;
  const weights =
    question.weights === undefined
      ? undefined
      : await readPoint(question.weights, network.tensors[network.input]!.shape);
  return {
    method,
    ...(target !== undefined && { target }),
    ...(norm !== undefined && { norm }),
    ...(outputNorm !== undefined && { outputNorm }),
    ...(weights && { weights }),
    ...(evaluations !== undefined && { evaluations }),
    ...(tolerance !== undefined && { tolerance }),
    ...(gap !== undefined && { gap }),
    ...(timeLimit !== undefined && { timeLimit }),
    ...(length !== undefined && { length }),
    ...(smallestLength !== undefined && { smallestLength }),
    ...(cellTolerance !== undefined && { cellTolerance }),
    ...(rigor !== undefined && { rigor }),
    ...(inflationLimit !== undefined && { inflationLimit }),
    ...(lower !== undefined && { lower }),
    ...(seed !== undefined && { seed }),
    ...(rule !== undefined && { rule }),
    ...(memory !== undefined && { memory }),
  };
}
