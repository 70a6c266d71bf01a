/** What of a command line decides the answer, so that work which was done for the same can be found again. */
import { createHash } from 'node:crypto';
import { readRegularFile } from '../../files.node.ts';
import { MOST_BYTES } from '../../formats/given.ts';
import type { BoundQuestion } from '../commands/boundQuestion.ts';

/** Options by name, in the order of names; files by their SHA-256. */
export type Deciding = Readonly<Record<string, unknown>>;

/** Threads decide how long it takes. @throws InputError for files that cannot be read */
export async function decidingOptions(question: BoundQuestion & { readonly warm?: true }): Promise<Deciding> {
  const { method, rule, engine, memory, target, norm, outputNorm, evaluations, tolerance, gap } = question;
  const { length, smallestLength, cellTolerance, timeLimit, rigor, inflationLimit, lower, seed } = question;
  const { inputShape, output, units, input, batch, warm } = question;
  const fix: [string, string][] = [];
  for (const { name, file } of question.fix ?? []) fix.push([name, await sha256Of(file)]);
  const options: Record<string, unknown> = {
    ...{ method, rule, engine, memory, target, norm, outputNorm, evaluations, tolerance, gap },
    ...{ length, smallestLength, cellTolerance, timeLimit, inflationLimit, seed },
    ...{ inputShape, output, units, input, batch, warm },
    // What Commander makes of options that can be turned off, where nobody does.
    ...{ rigor: rigor === false ? false : undefined, lower: lower === false ? false : undefined },
    ...{ weights: question.weights === undefined ? undefined : await sha256Of(question.weights) },
    ...{ fix: fix.length > 0 ? fix : undefined },
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await readRegularFile(file, file, MOST_BYTES, (piece) => void hash.update(piece));
  return hash.digest('hex');
}

/**
 * The name of an answer.
 * @param sha256 of the network's files (`Network.source`)
 * @param version of this program: another one may find another bound
 */
export function keyOf(sha256: string, options: Deciding, version: string): string {
  return createHash('sha256')
    .update(JSON.stringify([version, sha256, options]))
    .digest('hex');
}
