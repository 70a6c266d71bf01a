/** Certificates as files: `lipsoid bound FILE --certificate out.json` writes one, `lipsoid verify out.json FILE` checks one. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import type { BoundResult } from '../bounds/result.ts';
import type { Claim } from '../certificate/claim.ts';
import type { Verification } from '../certificate/verify.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { EXIT } from './failure.ts';
import { formatBound } from './format.ts';
import type { Library } from './library.ts';
import { bold, type Terminal } from './terminal.ts';

/** Nothing that Lipsoid wrote comes near this. */
const LARGEST_FILE = 2 ** 28;

/** What became of a certificate, as `--json` prints it. */
export type Certified =
  | ({ readonly file: string; readonly assurance: 'checked' } & Claim)
  | { readonly refused: string };

/** Writes a certificate of the result to a file, or says why the checker has none. */
export async function writeCertificate(
  file: string,
  network: Network,
  result: BoundResult,
  library: Pick<Library, 'certify'>,
  by: string,
): Promise<Certified> {
  try {
    const certificate = await library.certify(network, result, { by });
    await writeFile(file, `${JSON.stringify(certificate)}\n`);
    return { file, ...certificate.claim, assurance: 'checked' };
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    return { refused: error.items.map((item) => item.reason).join('\n') };
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
  const certificate = await readJson(path);
  const network = await library.loadNetwork(file, options);
  const verdict = await library.verify(network, certificate, { signal });
  const text = json ? JSON.stringify(verdict, null, 2) : verdictLines(verdict, terminal).join('\n');
  terminal.stdout.write(`${text}\n`);
  return verdict.accepted ? EXIT.success : EXIT.rejected;
}

function verdictLines(
  { accepted, reason, bound, log10, claimed, lengths }: Verification,
  { stdout }: Terminal,
): string[] {
  if (!accepted) return [bold('rejected', stdout), reason ?? ''];
  const proven = log10 === null ? '' : `, proven: ${claimText({ bound, log10 })}`;
  return [
    bold('accepted', stdout),
    `‖f(x) − f(y)‖₂ ≤ L · ‖x − y‖₂ for all inputs${lengths ? ' of every length' : ''}: L = ${claimText(claimed!)}${proven}`,
  ];
}

/** @throws InputError for files that cannot be read or are no JSON */
async function readJson(file: string): Promise<unknown> {
  const refuse = (why: string) => new InputError(`certificate ${file}: ${why}`);
  let text: string;
  try {
    const status = await stat(file);
    if (!status.isFile()) throw refuse('must be a file');
    if (status.size > LARGEST_FILE) throw refuse('larger than any certificate');
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw error instanceof InputError
      ? error
      : refuse(error instanceof Error ? error.message : String(error));
  }
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('must be JSON');
  }
}
