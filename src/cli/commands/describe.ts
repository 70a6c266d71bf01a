/** `lipsoid describe`: an architecture to go with a file of weights, and what is left to be said. */
import { EXIT } from '../failure.ts';
import type { Library } from '../library.ts';
import { formatCount } from '../output/format.ts';
import { printDocument, printLines, type Terminal } from '../output/terminal.ts';

/** Writes the proposal to stdout and its questions to stderr, returns the exit code. Errors of the library pass through. */
export async function describeCommand(
  file: string,
  library: Pick<Library, 'describeWeights'>,
  { stdout, stderr }: Terminal,
): Promise<number> {
  const { proposal, questions } = await library.describeWeights(file);
  printDocument(stdout, proposal);
  if (questions.length > 0) {
    printLines(stderr, [
      `${formatCount(questions.length, 'answer')} to be put where there is "?" (docs/formats.md has the layers; none stands for no layer):`,
      ...questions.map((question) => `  ${question}`),
    ]);
  }
  return EXIT.success;
}
