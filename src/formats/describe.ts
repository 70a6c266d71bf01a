/** Architectures proposed for files of weights. */
import type { ArchitectureProposal } from './architecture/describe.ts';
import type { ModelFiles } from './load.ts';

export type { ArchitectureProposal } from './architecture/describe.ts';

export interface Description {
  /** JSON for a file beside that of the weights. */
  readonly proposal: ArchitectureProposal;
  /** What it leaves open, in words: `stride, padding, dilation of conv1`. */
  readonly questions: readonly string[];
}

/** @throws InputError for what is no file of weights */
export async function describedWeights({ name, model }: ModelFiles): Promise<Description> {
  const [{ openWeights }, { proposed }, { questionsIn }] = await Promise.all([
    import('./weights/open.ts'),
    import('./architecture/describe.ts'),
    import('./architecture/questions.ts'),
  ]);
  const proposal = proposed(await openWeights(model.bytes, name), name);
  return { proposal, questions: questionsIn(proposal) };
}
