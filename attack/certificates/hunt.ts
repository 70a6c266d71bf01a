/**
 * Mutated certificates: one that is accepted must claim no less than the steepest slope known, and no less than what its multipliers
 * prove in exact numbers. And pairs of networks whose files hold the same bytes, cut in other places.
 */
import type { Finding, Hunt } from '../hunt.ts';
import { type LimitedOptions, LimitedProcess } from '../limited/process.ts';
import { Random } from '../random.ts';
import { Tally } from '../tally.ts';
import type { CertificateAnswer, CertificateJob } from './child.ts';
import { Folders } from './folders.ts';
import { mutatedCertificate } from './mutate.ts';
import { SPECIMENS, type Specimen } from './networks.ts';
import { drawPair } from './pairs.ts';

/** Of the processor: a network of a few dozen numbers takes far less, on the largest torus that is allowed too. */
const MOST_SECONDS = 20;
/** A file that is larger than any certificate of such a network can be is read and refused, no more: seconds, and seconds per byte. */
const LARGE_BYTES = 5e6;
const SECONDS_LARGE = 1;
const SECONDS_PER_BYTE = 2e-7;
const PAIRS_SHARE = 0.05;

interface Made {
  readonly specimen: Specimen;
  readonly folder: string;
  readonly certificate: string;
}

export class CertificatesHunt implements Hunt {
  readonly name = 'certificates';
  readonly unit = 'certificates';
  readonly #child: LimitedProcess<CertificateJob, CertificateAnswer>;
  readonly #folders = new Folders();
  readonly #made = new Map<Specimen, Made | Finding>();
  readonly tally = new Tally();

  constructor({ child, limits }: LimitedOptions = {}) {
    this.#child = new LimitedProcess(child ?? new URL('child.ts', import.meta.url), limits);
  }

  async trial(seed: number): Promise<Finding | undefined> {
    const random = new Random(seed);
    if (random.chance(PAIRS_SHARE)) return this.#pair(seed, random);
    const made = await this.#make(random.pick(SPECIMENS), seed);
    if ('fault' in made) return made;
    const { specimen, folder, certificate } = made;
    const { text, changes } = mutatedCertificate(JSON.parse(certificate), random);
    const fault = await this.#judge(folder, text);
    if (fault === undefined) return undefined;
    return {
      hunt: this.name,
      seed,
      fault: `certificate of ${specimen.name}, changed: ${changes.join(', ')}: ${fault}`,
      files: new Map([['model.onnx', specimen.model], ...specimen.external, ['c.json', encoded(text)]]),
      reproduce: 'lipsoid verify c.json model.onnx',
    };
  }

  async close(): Promise<void> {
    await this.#child.close();
    this.#folders.remove();
  }

  async #make(specimen: Specimen, seed: number): Promise<Made | Finding> {
    const known = this.#made.get(specimen);
    if (known) return known;
    const folder = this.#folders.write(specimen);
    const outcome = await this.#child.run({ kind: 'make', folder, options: specimen.options });
    const fault = outcome.kind === 'failed' ? outcome.fault : outcome.value.faults[0];
    const made =
      outcome.kind === 'done' && fault === undefined
        ? { specimen, folder, certificate: outcome.value.certificate! }
        : {
            ...{ hunt: this.name, seed, fault: `certificate of ${specimen.name}: ${fault}` },
            files: new Map([['model.onnx', specimen.model], ...specimen.external]),
            reproduce: `lipsoid bound model.onnx ${specimen.options.join(' ')} --certificate c.json`,
          };
    this.#made.set(specimen, made);
    return made;
  }

  async #judge(folder: string, text: string): Promise<string | undefined> {
    const outcome = await this.#child.run({ kind: 'verify', folder, text });
    if (outcome.kind === 'failed') return outcome.fault;
    const { faults, accepted, exact, seconds } = outcome.value;
    const how = exact ? 'accepted, and recomputed in exact numbers' : 'accepted';
    this.tally.count('outcomes', accepted ? how : 'rejected');
    if (faults.length > 0) return faults[0];
    // Verified twice, as text and as JSON.
    const each = seconds / 2;
    const large = SECONDS_LARGE + SECONDS_PER_BYTE * text.length;
    const most = text.length > LARGE_BYTES ? large : MOST_SECONDS;
    if (each > most)
      return `${text.length} bytes take ${each.toFixed(1)} s of the processor, more than ${most} s`;
    return undefined;
  }

  /** Files that differ must have hashes that differ, and the certificate of one must not count for the other. */
  async #pair(seed: number, random: Random): Promise<Finding | undefined> {
    const { how, first, second } = drawPair(random);
    const [a, b] = [this.#folders.write(first), this.#folders.write(second)];
    try {
      const options = ['--method', 'closed-form', '--rule', 'GC(1.5)'];
      const made = await this.#child.run({ kind: 'make', folder: a, options });
      const finding = (fault: string): Finding => ({
        ...{ hunt: this.name, seed, fault: `${how}: ${fault}` },
        files: new Map([...named('first', first), ...named('second', second)]),
        reproduce:
          'in one folder first-*, in another second-*, without the prefix: lipsoid bound model.onnx --certificate c.json for the first, lipsoid verify c.json model.onnx for the second; the hashes that inspect --json prints',
      });
      if (made.kind === 'failed') return finding(made.fault);
      if (made.value.faults.length > 0) return finding(made.value.faults[0]!);
      const certificate = made.value.certificate!;
      const other = await this.#child.run({ kind: 'verify', folder: b, text: certificate });
      if (other.kind === 'failed') return finding(other.fault);
      const { faults, accepted, sha256 } = other.value;
      if (faults.length > 0) return finding(faults[0]!);
      if (sha256 === made.value.sha256) return finding('two networks have one SHA-256');
      if (accepted) return finding('the certificate of one is accepted for the other');
      const forged = certificate.replace(made.value.sha256, sha256);
      const claimed = await this.#child.run({ kind: 'verify', folder: b, text: forged });
      if (claimed.kind === 'failed') return finding(claimed.fault);
      return claimed.value.faults.length > 0 ? finding(claimed.value.faults[0]!) : undefined;
    } finally {
      this.#folders.remove(a);
      this.#folders.remove(b);
    }
  }
}

function* named(
  folder: string,
  { model, external }: { model: Uint8Array; external: ReadonlyMap<string, Uint8Array> },
) {
  yield [`${folder}-model.onnx`, model] as const;
  for (const [name, bytes] of external) yield [`${folder}-${name}`, bytes] as const;
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
