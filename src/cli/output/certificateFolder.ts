/** A folder of certificates, one file a sample, and a list of them: checked before the work begins, every file written whole or not at all. */
import { mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LARGEST_CERTIFICATE } from '../../certificate/fields.ts';
import { parseJson } from '../../certificate/json.ts';
import { type RegionCertificate, readRegionCertificate } from '../../certificate/regionFormat.ts';
import {
  type CertificateSet,
  type CertifiedSample,
  SET_FORMAT,
  SET_VERSION,
} from '../../certificate/setFormat.ts';
import { InputError } from '../../errors.ts';
import { readTextFile, reasonOf } from '../../files.node.ts';
import { printableJson } from '../../printable.ts';
import { besides, replace } from './outputFile.ts';
import { OutputError } from './terminal.ts';

/** The list of a folder. */
export const LIST = 'certificates.json';
/** Digits of the number of a sample in the name of its file, at least. */
const DIGITS = 4;

export class CertificateFolder {
  readonly #path: string;
  readonly #samples: CertifiedSample[] = [];

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Makes the folder where there is none, and looks whether files can be written there.
   * @param goesOn whether an earlier run has left certificates in it; otherwise it must be empty
   * @throws InputError
   */
  static async open(option: string, path: string, goesOn: boolean): Promise<CertificateFolder> {
    const wrong = (what: string) => new InputError(`${option}: ${path}: ${what}`);
    const failed = (error: unknown) => {
      throw wrong(`must be a folder that can be written to, got an error: ${reasonOf(error)}`);
    };
    const status = await stat(path).catch(() => undefined);
    if (!status) await mkdir(path).catch(failed);
    else if (!status.isDirectory()) throw wrong('must be a folder, got a file');
    const probe = besides(join(path, LIST));
    await open(probe, 'wx').then((file) => file.close(), failed);
    await unlink(probe);
    // What a crash has left half written is nobody's.
    const names = (await readdir(path)).filter((name) => !name.startsWith('.lipsoid-'));
    const own = (name: string) => name === LIST || /^sample-\d+\.json$/.test(name);
    const other = names.find((name) => !goesOn || !own(name));
    if (other !== undefined) {
      const which = goesOn ? 'that of the run that --resume goes on with' : 'a new folder, or an empty one';
      throw wrong(`must be ${which}, got one with ${other}`);
    }
    return new CertificateFolder(path);
  }

  /** Takes over what an earlier run has left of a sample. @throws InputError for a file that is no certificate */
  async resume(index: number): Promise<void> {
    const file = fileOf(index);
    const path = join(this.#path, file);
    if (!(await stat(path).catch(() => undefined))) return;
    const text = await readTextFile(path, path, LARGEST_CERTIFICATE);
    const { label, radius } = readRegionCertificate(parseJson(text, path)).region;
    this.#samples.push({ index, label, radius, file });
  }

  /** @throws OutputError */
  async add(index: number, certificate: RegionCertificate): Promise<void> {
    const { label, radius } = certificate.region;
    const file = fileOf(index);
    await this.#write(file, certificate);
    this.#samples.push({ index, label, radius, file });
  }

  /** Writes the list of all that are there, and returns it. @throws OutputError */
  async finish(
    about: Omit<CertificateSet, 'format' | 'version' | 'samples'>,
  ): Promise<readonly CertifiedSample[]> {
    const list: CertificateSet = {
      format: SET_FORMAT,
      version: SET_VERSION,
      ...about,
      samples: this.#samples.toSorted((a, b) => a.index - b.index),
    };
    await this.#write(LIST, list);
    return list.samples;
  }

  async #write(file: string, document: object): Promise<void> {
    const path = join(this.#path, file);
    await replace(path, `${printableJson(document)}\n`, undefined).catch((error: unknown) => {
      throw new OutputError(`${path} cannot be written: ${reasonOf(error)}`);
    });
  }
}

function fileOf(index: number): string {
  return `sample-${String(index).padStart(DIGITS, '0')}.json`;
}
