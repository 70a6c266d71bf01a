/** One network of a sweep: from its file to an answer, whatever is wrong with it. */
import { createHash } from 'node:crypto';
import type { Progress, StoredMultipliers } from '../../bounds/result.ts';
import type { EngineHandle } from '../../engine/engine.ts';
import { type BoundQuestion, boundOptions } from '../commands/boundQuestion.ts';
import { readSearched } from '../commands/multipliers.ts';
import { toFailure } from '../failure.ts';
import type { Library } from '../library.ts';
import { openNetwork } from '../loading.ts';
import { type Answer, answerOf, failureAnswer } from './line.ts';
import { structureOf } from './structure.ts';

/** What is to be done. */
export interface Task {
  readonly file: string;
  /** Files of multipliers by structure, where searches are to start from them. */
  readonly starts?: Readonly<Record<string, string>>;
  /** What a search on this network has found that did not come to its end; `starts` do not count then. */
  readonly from?: readonly StoredMultipliers[];
  /** Milliseconds between two times that it tells what its searches have found; undefined: never. */
  readonly tell?: number;
}

/** What is heard of it on the way. */
export interface News {
  /** How much of it has been done, from 0 to 1. */
  share(share: number): void;
  /** A search has come to something better. */
  found?(found: StoredMultipliers): void;
}

/** What became of it. */
export interface Computed {
  /** Of the network's files; null where they could not be read. */
  readonly sha256: string | null;
  /** Names of the files beside it that hold its weights. */
  readonly external?: readonly string[];
  readonly structure: string;
  readonly answer: Answer;
  /** Of every search. */
  readonly searched?: readonly StoredMultipliers[];
  /** Whether another try may end otherwise: the system is what failed. */
  readonly passing: boolean;
}

export type SweepLibrary = Pick<Library, 'loadNetwork' | 'readArray' | 'readPoint' | 'bound'>;

/** @throws the signal's reason when it is aborted; all else is an answer */
export async function compute(
  { file, starts, from }: Task,
  question: BoundQuestion,
  library: SweepLibrary,
  engine: EngineHandle,
  signal: AbortSignal,
  news: News,
): Promise<Computed> {
  const since = performance.now();
  let known: Pick<Computed, 'sha256' | 'external' | 'structure'> = { sha256: null, structure: '' };
  try {
    const network = await openNetwork(file, question, library, signal);
    const { sha256, external } = network.source!;
    const structure = createHash('sha256').update(structureOf(network)).digest('hex');
    known = { sha256, structure, ...(external && { external }) };
    // What is damaged is no start.
    const start = starts?.[structure];
    const warm = from ?? (start === undefined ? undefined : await readSearched(start).catch(() => undefined));
    const result = await library.bound(network, {
      ...(await boundOptions(question, network, library)),
      ...{ engine, signal, since },
      ...(warm && { warm }),
      onProgress: ({ done, total }: Progress) => news.share(total > 0 ? done / total : 0),
      ...(news.found && { onFound: news.found }),
    });
    const { searched } = result;
    return {
      ...known,
      answer: answerOf(network, result, question.target === 'margins'),
      ...(searched && { searched }),
      passing: false,
    };
  } catch (error) {
    signal.throwIfAborted();
    const failure = toFailure(error, signal);
    return { ...known, answer: failureAnswer(failure), passing: failure.kind === 'system' };
  }
}
