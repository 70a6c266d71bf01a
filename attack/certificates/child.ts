/** Certificates and multipliers as files, given to the command line. */
import '../limited/watchedFiles.ts';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  EXACT_FORMAT,
  type ExactCertificate,
  readExactCertificate,
} from '../../src/certificate/constants/exactFormat.ts';
import { decodeValues } from '../../src/certificate/fields.ts';
import { readCertificate } from '../../src/certificate/format.ts';
import { exactConstant, loadNetwork } from '../../src/index.ts';
import type { Network } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';
import { linearise, pull, sampledLowerBound } from '../../test/support/forward.ts';
import { Random } from '../../test/support/random.ts';
import { commandLine, type Spoken, sharedEngine } from '../limited/commandLine.ts';
import { serve } from '../limited/serve.ts';
import { hiddenCharacter } from '../mutation/text.ts';
import { provesExactly } from './exact.ts';

/** `folder` holds `model.onnx` and its data. */
export type CertificateJob =
  /** Writes `c.json` and `m.json` there. */
  | { readonly kind: 'make'; readonly folder: string; readonly options: readonly string[] }
  | { readonly kind: 'verify'; readonly folder: string; readonly text: string }
  | {
      readonly kind: 'start';
      readonly folder: string;
      readonly text: string;
      readonly options: readonly string[];
    };

export interface CertificateAnswer {
  readonly faults: readonly string[];
  /** Of `make`: the certificate, and the multipliers where there was a search. */
  readonly certificate?: string;
  readonly multipliers?: string;
  /** Of the network: log10 of the steepest slope known. */
  readonly slope: number;
  readonly sha256: string;
  readonly accepted: boolean;
  /** A bound came of it. */
  readonly bounded: boolean;
  /** Whether an accepted claim was recomputed in numbers that do not round. */
  readonly exact: boolean;
  /** Of the processor. */
  readonly seconds: number;
}

/** Of the slope that is known, for its own rounding. */
const SLACK = 1e-9;
const SAMPLES = 60;

interface Subject {
  readonly network: Network;
  readonly slope: number;
  /** Of output i minus output j: the steepest slope known. */
  readonly pairs: readonly (readonly number[])[];
}

const subjects = new Map<string, Promise<Subject>>();

/** Loaded once for a folder: folders of changing files have names of their own. */
function subjectIn(folder: string): Promise<Subject> {
  const known = subjects.get(folder);
  if (known) return known;
  const made = loadNetwork(join(folder, 'model.onnx')).then((network) => ({
    network,
    slope: Math.log10(sampledLowerBound(network, SAMPLES, 1) * (1 - SLACK)),
    pairs: pairSlopes(network),
  }));
  subjects.set(folder, made);
  return made;
}

/** ‖∇(f_i − f_j)‖ at random points. */
function pairSlopes(network: Network): number[][] {
  const random = new Random(2);
  const [inputs, outputs] = [network.input, network.output].map((id) => product(network.tensors[id]!.shape));
  const steepest = Array.from({ length: outputs! }, () => new Array<number>(outputs!).fill(0));
  for (let k = 0; k < SAMPLES; k++) {
    const at = linearise(network, random.normals(inputs!));
    for (let i = 0; i < outputs!; i++) {
      for (let j = 0; j < i; j++) {
        const u = new Float64Array(outputs!);
        [u[i], u[j]] = [1, -1];
        const slope = Math.hypot(...pull(at, u)) * (1 - SLACK);
        steepest[i]![j] = steepest[j]![i] = Math.max(steepest[i]![j]!, slope);
      }
    }
  }
  return steepest;
}

async function work(job: CertificateJob): Promise<CertificateAnswer> {
  const { network, slope, pairs } = await subjectIn(job.folder);
  const start = process.cpuUsage();
  const own = { accepted: false, bounded: false, exact: false, ...(await done(job, network, slope, pairs)) };
  const { user, system } = process.cpuUsage(start);
  const polluted = 'polluted' in {} || 'claim' in {};
  if (polluted) own.faults.push('Object.prototype was changed');
  return { slope, sha256: network.source!.sha256, seconds: (user + system) / 1e6, ...own };
}

async function done(
  job: CertificateJob,
  network: Network,
  slope: number,
  pairs: Subject['pairs'],
): Promise<Partial<CertificateAnswer> & { faults: string[] }> {
  const { folder } = job;
  const model = join(folder, 'model.onnx');
  const [certificate, multipliers] = [join(folder, 'c.json'), join(folder, 'm.json')];
  switch (job.kind) {
    case 'make': {
      const save = job.options.includes('refined') ? ['--save-multipliers', multipliers] : [];
      const argv = [
        'bound',
        model,
        '--json',
        '--no-lower',
        '--engine',
        'cpu',
        ...job.options,
        ...save,
        '--certificate',
        certificate,
      ];
      const { code, stdout } = await commandLine(argv);
      if (code !== 0) return { faults: [`no certificate: ${stdout}`] };
      return {
        faults: [],
        certificate: readFileSync(certificate, 'utf8'),
        ...(save.length > 0 && { multipliers: readFileSync(multipliers, 'utf8') }),
      };
    }
    case 'verify': {
      writeFileSync(certificate, job.text);
      const shown = await commandLine(['verify', certificate, model]);
      const spoken = await commandLine(['verify', certificate, model, '--json']);
      const faults = [...saidFaults(shown, [0, 1, 4]), ...codeFaults(spoken, [0, 1, 4])];
      if (shown.code !== spoken.code) faults.push(`exit code ${shown.code}, with --json ${spoken.code}`);
      if (spoken.code !== 0) return { faults };
      if (isExact(job.text)) {
        faults.push(...(await exactFaults(network, slope, job.text)));
        return { faults, accepted: true };
      }
      faults.push(...marginFaults(pairs, spoken.stdout));
      return { ...acceptedFaults(network, slope, job.text, spoken.stdout, faults), accepted: true };
    }
    case 'start': {
      writeFileSync(multipliers, job.text);
      const argv = [
        'bound',
        model,
        '--no-lower',
        '--engine',
        'cpu',
        '--multipliers',
        multipliers,
        ...job.options,
      ];
      const spoken = await commandLine([...argv, '--json']);
      const faults = codeFaults(spoken, [0, 1, 2]);
      if (spoken.code === 1) faults.push(...saidFaults(await commandLine(argv), [1]));
      if (spoken.code !== 0) return { faults };
      const { log10, methods } = JSON.parse(spoken.stdout) as {
        log10: number | null;
        methods: { log10: number | null; bound: number | null; method: string }[];
      };
      for (const row of [{ log10, method: 'all', bound: null }, ...methods])
        if (row.log10 !== null && row.log10 < slope)
          faults.push(`the bound 10^${row.log10} (${row.method}) is below the slope 10^${slope}`);
        else if (row.bound === 0) faults.push(`the bound 0 (${row.method}) is below the slope 10^${slope}`);
      return { faults, bounded: true };
    }
  }
}

function isExact(text: string): boolean {
  return (JSON.parse(text) as { format?: unknown }).format === EXACT_FORMAT;
}

/** What accepted certificates of constants must keep: the constant, as the search finds it, is between their numbers. */
async function exactFaults(network: Network, slope: number, text: string): Promise<string[]> {
  let read: ExactCertificate;
  try {
    read = readExactCertificate(JSON.parse(text));
  } catch (error) {
    return [`accepts what is no certificate: ${(error as Error).message}`];
  }
  const { claim, target } = read;
  const { lower, upper } = await exactConstant(network, target ? { pair: target } : {});
  const least = target ? lower : Math.max(lower, 10 ** slope);
  return [
    ...(claim.bound >= least * (1 - SLACK)
      ? []
      : [`accepts ${claim.bound}, but the constant is ${least} at least`]),
    ...(claim.slope <= upper
      ? []
      : [`accepts a slope of ${claim.slope}, but the constant is ${upper} at most`]),
  ];
}

/** What accepted margins must keep. */
function marginFaults(pairs: Subject['pairs'], verdict: string): string[] {
  const { margins } = JSON.parse(verdict) as { margins?: (number | null)[][] };
  return (margins ?? []).flatMap((row, i) =>
    row.flatMap((margin, j) =>
      i === j || margin === null || margin >= pairs[i]![j]!
        ? []
        : [`accepts ${margin} for outputs ${i} and ${j}, but the slope is ${pairs[i]![j]}`],
    ),
  );
}

/** What an accepted certificate must keep. */
function acceptedFaults(
  network: Network,
  slope: number,
  text: string,
  verdict: string,
  faults: string[],
): Partial<CertificateAnswer> & { faults: string[] } {
  const { claimed } = JSON.parse(verdict) as { claimed: { bound: number | null; log10: number } };
  if (!(claimed.log10 >= slope)) faults.push(`accepts 10^${claimed.log10}, but the slope is 10^${slope}`);
  if (claimed.bound !== null && !(claimed.bound >= 10 ** slope))
    faults.push(`accepts ${claimed.bound}, but the slope is 10^${slope}`);
  let read: ReturnType<typeof multipliersOf>;
  try {
    read = multipliersOf(text);
  } catch (error) {
    return { faults: [...faults, `accepts what is no certificate: ${(error as Error).message}`] };
  }
  const { layers, unrolledFrom, claim } = read;
  if (claim.bound === null || unrolledFrom !== null) return { faults };
  const holds = provesExactly(network, layers, claim.bound);
  if (holds === false)
    faults.push(`accepts ${claim.bound}, which its multipliers do not prove in exact numbers`);
  return { faults, exact: holds !== undefined };
}

function multipliersOf(text: string) {
  const certificate = readCertificate(JSON.parse(text));
  const layers = certificate.layers.map((layer, k) => ({
    ...layer,
    values: decodeValues(layer.values, `layers[${k}].values`),
  }));
  return { ...certificate, layers };
}

function codeFaults({ code, stdout, stderr }: Spoken, allowed: readonly number[]): string[] {
  return allowed.includes(code) ? [] : [`exit code ${code}: ${(stderr || stdout).slice(0, 300)}`];
}

function saidFaults(spoken: Spoken, allowed: readonly number[]): string[] {
  const faults = codeFaults(spoken, allowed);
  const hidden = hiddenCharacter(spoken.stdout) ?? hiddenCharacter(spoken.stderr);
  if (hidden) faults.push(`prints ${hidden}`);
  return faults;
}

await sharedEngine();
serve(work);
