/** `lipsoid export-sdp`: a network's bound as a semidefinite program, for a solver that knows nothing of Lipsoid. */
import { largest } from '../../../network/extremes.ts';
import type { Formulation, SdpProblem } from '../../../sdp/export.ts';
import { EXIT } from '../../failure.ts';
import type { Library } from '../../library.ts';
import { type ModelOptions, openNetwork } from '../../loading.ts';
import { formatCount } from '../../output/format.ts';
import { externalFiles, OutputFile } from '../../output/outputFile.ts';
import { printDocument, printLines, type Terminal } from '../../output/terminal.ts';

export interface ExportSdpCommand extends ModelOptions {
  readonly file: string;
  readonly formulation: Formulation;
  /** Where to write the problem. */
  readonly out: string;
  readonly json: boolean;
}

/** Writes the file, then what it is to stdout; returns the exit code. Nothing is written for a network that is refused. */
export async function exportSdpCommand(
  command: ExportSdpCommand,
  library: Library,
  terminal: Terminal,
): Promise<number> {
  const { file, formulation, out, json } = command;
  const named = { option: '--out', path: out };
  const [output] = await OutputFile.openAll([named], [{ option: 'FILE', path: file }], json);
  try {
    const network = await openNetwork(file, command, library);
    await OutputFile.keepApart([output!], externalFiles(file, network));
    const { text, ...problem } = library.exportSdp(network, formulation);
    await output!.write(text);
    const sha256 = network.source?.sha256 ?? null;
    if (json) printDocument(terminal.stdout, { network: { file, sha256 }, out, ...problem });
    else printLines(terminal.stdout, summary(out, problem));
  } finally {
    await output!.close();
  }
  return EXIT.success;
}

function summary(out: string, { formulation, variables, blocks, scale }: Omit<SdpProblem, 'text'>): string[] {
  const side = largest(blocks);
  return [
    `${out}: ${formulation}, ${formatCount(variables, 'variable')}, ${formatCount(blocks.length, 'block')}, the largest matrix ${side}×${side}.`,
    `The bound is ${scale} · √optimum of this minimisation. Solve it with: lipsoid solve-sdp ${out}`,
  ];
}
