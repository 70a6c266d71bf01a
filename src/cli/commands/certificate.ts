/**
 * Certificates as files: `lipsoid bound FILE --certificate out.json` writes one, `lipsoid certify FILE --certificate DIR` a folder of them, and
 * `lipsoid verify` checks them.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BoundResult } from '../../bounds/result.ts';
import type { Claim } from '../../certificate/claim.ts';
import type { CertifyExactOptions, ExactProof } from '../../certificate/constants/certifyExact.ts';
import { EXACT_FORMAT, type ExactClaim } from '../../certificate/constants/exactFormat.ts';
import type { ExactVerification } from '../../certificate/constants/verifyExact.ts';
import { LARGEST_CERTIFICATE } from '../../certificate/fields.ts';
import { parseJson } from '../../certificate/json.ts';
import { square } from '../../certificate/margins.ts';
import { REGION_FORMAT } from '../../certificate/regionFormat.ts';
import { SET_FORMAT } from '../../certificate/setFormat.ts';
import type { Verification } from '../../certificate/verify.ts';
import type { RegionVerification } from '../../certificate/verifyRegion.ts';
import type { SetVerification } from '../../certificate/verifySet.ts';
import { InputError, UnsupportedError } from '../../errors.ts';
import { readTextFile } from '../../files.node.ts';
import { largest } from '../../network/extremes.ts';
import type { Network } from '../../network/network.ts';
import { NORM_SIGNS } from '../../network/norms/norm.ts';
import { printableJson } from '../../printable.ts';
import { EXIT } from '../failure.ts';
import type { Library } from '../library.ts';
import { type ModelOptions, openNetwork } from '../loading.ts';
import { LIST } from '../output/certificateFolder.ts';
import { formatBound, formatCount } from '../output/format.ts';
import { marginLines } from '../output/marginTable.ts';
import { progressDisplay } from '../output/progress.ts';
import { bold, type Line, printDocument, printLines, type Terminal } from '../output/terminal.ts';

/** What became of a certificate, as `--json` prints it. */
export type Certified =
  | ({
      readonly file: string;
      readonly assurance: 'checked';
      /** Of all differences of two outputs, where they were asked for, and how many sets of multipliers prove them. */
      readonly margins?: readonly (readonly number[])[];
      readonly sets?: number;
    } & Claim)
  | CertifiedExactly
  | { readonly refused: string };

/** Of an exact constant: it lies between both. */
type CertifiedExactly = { readonly file: string; readonly assurance: 'checked' } & ExactClaim;

export interface Made {
  readonly verdict: Certified;
  /** Of the file. */
  readonly text?: string;
}

/** A certificate of the result, as the text of a file, or why the checker has none. */
export async function certified(
  file: string,
  network: Network,
  result: BoundResult,
  library: Pick<Library, 'certify' | 'certifyExact'>,
  by: string,
): Promise<Made> {
  const { exact, exactTree, proof, target, weights } = result;
  // Where it is the constant another bound may be less by its rounding. A constant is not of units of one's own.
  if (exact && exactTree && (result.method === 'exact' || exact.status === 'exact') && !weights) {
    const { upper, lower, steepest: at } = exact;
    const steepest = at && { x: Float64Array.from(at.input), v: Float64Array.from(at.direction) };
    const found = { upper, lower, steepest, tree: exactTree };
    const made = await certifiedExactly(file, network, found, { pair: target }, library, by);
    if (!('refused' in made.verdict) || !proof) return made;
  }
  try {
    const certificate = await library.certify(network, result, { by });
    const { margins } = certificate;
    const verdict: Certified = {
      ...{ file, ...certificate.claim, assurance: 'checked' },
      ...(margins && { margins: square(margins.bounds), sets: margins.sets.length + 1 }),
    };
    return { verdict, text: `${printableJson(certificate)}\n` };
  } catch (error) {
    if (error instanceof UnsupportedError) {
      return { verdict: { refused: error.items.map((item) => item.reason).join('; ') } };
    }
    if (error instanceof InputError) return { verdict: { refused: error.message } };
    throw error;
  }
}

/** As `certified`, of what branch and bound has found. @param where as it was told */
export async function certifiedExactly(
  file: string,
  network: Network,
  found: ExactProof,
  where: Pick<CertifyExactOptions, 'pair' | 'box' | 'ball'>,
  library: Pick<Library, 'certifyExact'>,
  by: string,
): Promise<Made> {
  try {
    const certificate = await library.certifyExact(network, found, { by, ...where });
    const text = `${printableJson(certificate)}\n`;
    if (text.length > LARGEST_CERTIFICATE) {
      const refused = `the proof has ${text.length} characters, of ${LARGEST_CERTIFICATE} that verify reads`;
      return { verdict: { refused } };
    }
    return { verdict: { file, assurance: 'checked', ...certificate.claim }, text };
  } catch (error) {
    if (error instanceof UnsupportedError)
      return { verdict: { refused: error.items.map((item) => item.reason).join('; ') } };
    if (error instanceof InputError) return { verdict: { refused: error.message } };
    throw error;
  }
}

/** What a certificate of an exact constant adds to the answer. */
export function exactCertificateText(certified: Certified): string {
  if ('refused' in certified) return `No certificate: ${certified.refused}`;
  if (!('slope' in certified)) throw new Error('certificate: not one of an exact constant');
  const { file, ...claim } = certified;
  return `Certificate ${file}: checked, ${betweenText(claim)}`;
}

function betweenText({ slope, bound }: ExactClaim): string {
  const most = `the constant is at most ${bound}`;
  return slope > 0 ? `${most}, and at least ${slope}` : most;
}

/** What a certificate adds to the answer: how its claim stands to the bound beside it. */
export function certificateText(certified: Certified, result: BoundResult): string {
  if ('refused' in certified || 'slope' in certified) return exactCertificateText(certified);
  const { file, margins, sets, ...claim } = certified;
  const checked = `Certificate ${file}: checked, the bound is at most ${claimText(claim)}`;
  const further = margins
    ? ` ${marginsText(margins, result.margins)}, by ${formatCount(sets!, 'set')} of multipliers.`
    : '';
  if (result.log10 === null || !(claim.log10 - result.log10 > 1e-6)) return `${checked}.${further}`;
  const why =
    result.method === 'spectral-product' || result.method === 'moduli-product'
      ? 'no multipliers prove that one'
      : result.length
        ? 'it knows less of what lies between frequencies'
        : result.norms.output === 'inf' || result.norms.input === '1'
          ? 'it has one set of multipliers for all entries'
          : 'rounding is paid for';
  return `${checked}, above ${formatBound(result.bound, result.log10)}: ${why}.${further}`;
}

function weightsText(weights: readonly number[]): string {
  const shown = weights.slice(0, MOST_WEIGHTS).join(', ');
  return weights.length > MOST_WEIGHTS
    ? `${shown} … (${weights.length} numbers; the certificate has all)`
    : shown;
}

/** How the margins of a certificate stand to those of the table. */
function marginsText(claimed: readonly (readonly number[])[], table: BoundResult['margins']): string {
  const above = claimed.flatMap((row, i) => row.slice(0, i).map((x, j) => x / table![i]![j]! - 1));
  const most = largest(above);
  if (!(most > 1e-6)) return 'It has all margins too';
  return `It has all margins too, ${(100 * most).toPrecision(2)} % above the table at most`;
}

function claimText({ bound, log10 }: Claim): string {
  return bound === null ? `10^${log10}` : String(bound);
}

export interface VerifyCommand extends ModelOptions {
  readonly certificate: string;
  readonly file: string;
  /** Where the certificate is of the difference of two networks: the file of the second. */
  readonly second?: string;
  readonly json: boolean;
}

/** What a verdict is, as `--json` prints it, and for people. */
interface Verdict {
  readonly document: object;
  readonly accepted: boolean;
  readonly lines: readonly Line[];
}

/** Writes the verdict to stdout, returns the exit code. Errors of the library pass through. */
export async function verifyCommand(
  { certificate, file, second, json, ...options }: VerifyCommand,
  library: Pick<
    Library,
    | 'loadNetwork'
    | 'readArray'
    | 'verify'
    | 'verifyExact'
    | 'verifyRegion'
    | 'verifySet'
    | 'differenceNetwork'
  >,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const isFolder = (await stat(certificate).catch(() => undefined))?.isDirectory() === true;
  const path = isFolder ? join(certificate, LIST) : certificate;
  const document = await readCertificateFile(path);
  const first = await openNetwork(file, options, library, signal);
  const network =
    second === undefined
      ? first
      : await library.differenceNetwork(first, await openNetwork(second, options, library, signal));
  if (!network) throw new InputError(`${file} and ${second}: do the same, so that no certificate is of them`);
  const verdict = await judged(network, document, dirname(path), library, terminal, signal);
  if (json) printDocument(terminal.stdout, verdict.document);
  else printLines(terminal.stdout, verdict.lines);
  return verdict.accepted ? EXIT.success : EXIT.rejected;
}

/** @throws InputError for files that cannot be read or are no JSON */
export async function readCertificateFile(path: string): Promise<unknown> {
  const what = `certificate ${path}`;
  return parseJson(await readTextFile(path, what, LARGEST_CERTIFICATE), what);
}

/** By what a document says that it is. */
async function judged(
  network: Network,
  document: unknown,
  folder: string,
  library: Pick<Library, 'verify' | 'verifyExact' | 'verifyRegion' | 'verifySet'>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Verdict> {
  const format = (document as { readonly format?: unknown } | null)?.format;
  if (format === SET_FORMAT) {
    const progress = progressDisplay(terminal.stderr);
    const verdict = await library
      .verifySet(network, document, (file) => readCertificateFile(join(folder, file)), {
        signal,
        onProgress: ({ done, total }) =>
          progress.show({ method: 'verify', layer: `certificate ${done} of ${total}`, done, total }),
      })
      .finally(() => progress.clear());
    return { document: verdict, accepted: verdict.accepted, lines: setLines(verdict) };
  }
  if (format === REGION_FORMAT) {
    const verdict = await library.verifyRegion(network, document, { signal });
    return { document: verdict, accepted: verdict.accepted, lines: regionLines(verdict) };
  }
  if (format === EXACT_FORMAT) {
    const verdict = await library.verifyExact(network, document, { signal });
    return { document: verdict, accepted: verdict.accepted, lines: exactLines(verdict) };
  }
  const verdict = await library.verify(network, document, { signal });
  return { document: verdict, accepted: verdict.accepted, lines: verdictLines(verdict) };
}

function regionLines({ accepted, reason, margin, region }: RegionVerification): Line[] {
  if (!accepted) return [bold('rejected'), ...(reason ?? '').split('\n')];
  const { label, radius } = region!;
  return [
    bold('accepted'),
    `Output ${label} is the largest at every input within ${radius} (ℓ2) of that in the certificate, by ${formatBound(margin, null, 'down')} at least.`,
  ];
}

function exactLines({ accepted, reason, claimed, target, box, ball, parts }: ExactVerification): Line[] {
  if (!accepted) return [bold('rejected'), ...(reason ?? '').split('\n')];
  const change = target
    ? `|f${target[0]}(x) − f${target[1]}(x) − f${target[0]}(y) + f${target[1]}(y)|`
    : '‖f(x) − f(y)‖₂';
  const places = [
    ...(box ? [`with entries from (${shown(box.low)}) to (${shown(box.high)})${narrowestOf(box)}`] : []),
    ...(ball ? [`within ${ball.radius} (ℓ2) of (${shown(ball.centre)})`] : []),
  ];
  const where = places.length > 0 ? ` ${places.join(' and ')}` : '';
  return [
    bold('accepted'),
    `${change} ≤ L · ‖x − y‖₂ for all inputs${where}, the least such L: ${betweenText(claimed!)} (${formatCount(parts!, 'part')} of the input space).`,
  ];
}

/** Where sides differ, the least, which may be among those that are not shown. */
function narrowestOf({
  low,
  high,
}: {
  readonly low: readonly number[];
  readonly high: readonly number[];
}): string {
  const widths = low.map((from, n) => high[n]! - from);
  const least = widths.reduce((a, b) => Math.min(a, b), Infinity);
  return widths.some((width) => width !== least) ? ` (the narrowest side is ${least} wide)` : '';
}

function shown(entries: readonly number[]): string {
  // Most boxes have one side.
  const [first] = entries;
  if (entries.length > 1 && entries.every((entry) => entry === first)) return `${first}, …`;
  return weightsText(entries);
}

/** Rejected samples that are listed. */
const MOST_LISTED = 20;

function setLines({ accepted, reason, samples, certified, radii, rejected }: SetVerification): Line[] {
  if (reason !== undefined) return [bold('rejected'), ...reason.split('\n')];
  // Objects have whole numbers first.
  const ascending = Object.entries(certified).sort(([a], [b]) => Number(a) - Number(b));
  const counts = ascending.map(
    ([radius, count]) =>
      `${count} of ${samples} samples: the label's output is the largest at every input within ${radius} (ℓ2).`,
  );
  const all = `${formatCount(radii.length, 'certificate')} of ${radii.length + rejected.length} accepted, for ${formatCount(samples ?? 0, 'sample')}.`;
  return [
    bold(accepted ? 'accepted' : 'rejected'),
    all,
    ...counts,
    ...rejected.slice(0, MOST_LISTED).map(({ index, reason: why }) => `sample ${index}: ${why}`),
    ...(rejected.length > MOST_LISTED ? [`and ${rejected.length - MOST_LISTED} more.`] : []),
  ];
}

/** Weights that are shown. */
const MOST_WEIGHTS = 12;

function verdictLines(verification: Verification): Line[] {
  const { accepted, reason, bound, log10, claimed, margins, lengths, norms, weights } = verification;
  if (!accepted) return [bold('rejected'), ...(reason ?? '').split('\n')];
  const proven = log10 === null ? '' : `, proven: ${claimText({ bound, log10 })}`;
  return [
    bold('accepted'),
    `‖f(x) − f(y)‖${NORM_SIGNS[norms!.output]} ≤ L · ‖${weights ? '(x − y) / w' : 'x − y'}‖${NORM_SIGNS[norms!.input]} for all inputs${lengths ? ' of every length' : ''}: L = ${claimText(claimed!)}${proven}`,
    ...(weights ? [`w: ${weightsText(weights)}`] : []),
    ...(margins ? marginLines(margins) : []),
  ];
}
