/** Certificates as files: `lipsoid bound FILE --certificate out.json` writes one, `lipsoid verify out.json FILE` checks one. */
import type { BoundResult } from '../../bounds/result.ts';
import type { Claim } from '../../certificate/claim.ts';
import { LARGEST_CERTIFICATE } from '../../certificate/format.ts';
import { parseJson } from '../../certificate/json.ts';
import type { Verification } from '../../certificate/verify.ts';
import { InputError, UnsupportedError } from '../../errors.ts';
import { readTextFile } from '../../files.node.ts';
import type { Network } from '../../network/network.ts';
import { printableJson } from '../../printable.ts';
import { EXIT } from '../failure.ts';
import type { Library } from '../library.ts';
import { formatBound } from '../output/format.ts';
import { bold, type Line, printDocument, printLines, type Terminal } from '../output/terminal.ts';

/** What became of a certificate, as `--json` prints it. */
export type Certified =
  | ({ readonly file: string; readonly assurance: 'checked' } & Claim)
  | { readonly refused: string };

/** A certificate of the result, as the text of a file, or why the checker has none. */
export async function certified(
  file: string,
  network: Network,
  result: BoundResult,
  library: Pick<Library, 'certify'>,
  by: string,
): Promise<{ readonly verdict: Certified; readonly text?: string }> {
  try {
    const certificate = await library.certify(network, result, { by });
    const verdict = { file, ...certificate.claim, assurance: 'checked' } as const;
    return { verdict, text: `${printableJson(certificate)}\n` };
  } catch (error) {
    if (error instanceof UnsupportedError) {
      return { verdict: { refused: error.items.map((item) => item.reason).join('; ') } };
    }
    if (error instanceof InputError) return { verdict: { refused: error.message } };
    throw error;
  }
}

/** What a certificate adds to the answer: how its claim stands to the bound beside it. */
export function certificateText(certified: Certified, result: BoundResult): string {
  if ('refused' in certified) return `No certificate: ${certified.refused}`;
  const { file, ...claim } = certified;
  const checked = `Certificate ${file}: checked, the bound is at most ${claimText(claim)}`;
  if (result.log10 === null || !(claim.log10 - result.log10 > 1e-6)) return `${checked}.`;
  const why =
    result.method === 'spectral-product'
      ? 'no multipliers prove that one'
      : result.length
        ? 'it knows less of what lies between frequencies'
        : 'rounding is paid for';
  return `${checked}, above ${formatBound(result.bound, result.log10)}: ${why}.`;
}

function claimText({ bound, log10 }: Claim): string {
  return bound === null ? `10^${log10}` : String(bound);
}

export interface VerifyCommand {
  readonly certificate: string;
  readonly file: string;
  readonly inputShape?: readonly number[];
  readonly output?: string;
  readonly json: boolean;
}

/** Writes the verdict to stdout, returns the exit code. Errors of the library pass through. */
export async function verifyCommand(
  { certificate: path, file, json, ...options }: VerifyCommand,
  library: Pick<Library, 'loadNetwork' | 'verify'>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const what = `certificate ${path}`;
  const certificate = parseJson(await readTextFile(path, what, LARGEST_CERTIFICATE), what);
  const network = await library.loadNetwork(file, { ...options, signal });
  const verdict = await library.verify(network, certificate, { signal });
  if (json) printDocument(terminal.stdout, verdict);
  else printLines(terminal.stdout, verdictLines(verdict));
  return verdict.accepted ? EXIT.success : EXIT.rejected;
}

function verdictLines({ accepted, reason, bound, log10, claimed, lengths }: Verification): Line[] {
  if (!accepted) return [bold('rejected'), ...(reason ?? '').split('\n')];
  const proven = log10 === null ? '' : `, proven: ${claimText({ bound, log10 })}`;
  return [
    bold('accepted'),
    `‖f(x) − f(y)‖₂ ≤ L · ‖x − y‖₂ for all inputs${lengths ? ' of every length' : ''}: L = ${claimText(claimed!)}${proven}`,
  ];
}
