/** What lies beside the certificates of a data set: which samples have one, for people and for a summary (docs/certify.md). */
import { digest, integer, list, members, readNetwork, type StoredNetwork, text, wrong } from './fields.ts';

export const SET_FORMAT = 'lipsoid-certificates';
export const SET_VERSION = 1;

export interface CertificateSet {
  readonly format: typeof SET_FORMAT;
  readonly version: typeof SET_VERSION;
  readonly network: StoredNetwork;
  /** Where the samples come from; their numbers are in the certificates. */
  readonly data: { readonly file: string; readonly sha256: string; readonly samples: number };
  /** Radii that were asked for. */
  readonly radii: readonly number[];
  readonly samples: readonly CertifiedSample[];
}

/** A sample that has a certificate. */
export interface CertifiedSample {
  /** Its number in the data, from 0. */
  readonly index: number;
  readonly label: number;
  readonly radius: number;
  /** Name of the certificate's file, beside this one. */
  readonly file: string;
}

const MOST_SAMPLES = 1e6;
const MOST_RADII = 1e4;

/** @throws InputError that says where the value is none */
export function readSet(value: unknown): CertificateSet {
  const top = members(value, 'certificates', ['format', 'version', 'network', 'data', 'radii', 'samples']);
  if (top.format !== SET_FORMAT) throw wrong('format', `"${SET_FORMAT}"`, top.format);
  if (top.version !== SET_VERSION) throw wrong('version', `${SET_VERSION}`, top.version);
  const data = members(top.data, 'data', ['file', 'sha256', 'samples']);
  const count = integer(data.samples, 'data.samples', 0);
  const [seen, files] = [new Set<number>(), new Set<string>()];
  return {
    format: SET_FORMAT,
    version: SET_VERSION,
    network: readNetwork(top.network),
    data: {
      file: text(data.file, 'data.file'),
      sha256: digest(data.sha256, 'data.sha256'),
      samples: count,
    },
    radii: list(top.radii, 'radii', MOST_RADII).map((radius, k) => positive(radius, `radii[${k}]`)),
    samples: list(top.samples, 'samples', MOST_SAMPLES).map((sample, k) => {
      const where = `samples[${k}]`;
      const own = members(sample, where, ['index', 'label', 'radius', 'file']);
      const index = integer(own.index, `${where}.index`, 0);
      if (index >= count || seen.has(index))
        throw wrong(`${where}.index`, `a sample of ${count} that is not named before`, index);
      seen.add(index);
      const file = text(own.file, `${where}.file`);
      // A name in the same folder, and nothing that leads elsewhere.
      if (!/^[\w-]+\.json$/.test(file))
        throw wrong(`${where}.file`, 'the name of a file beside this one', file);
      // One proof is one sample's.
      if (files.has(file)) throw wrong(`${where}.file`, 'a file that is not named before', file);
      files.add(file);
      return {
        ...{ index, file },
        label: integer(own.label, `${where}.label`, 0),
        radius: positive(own.radius, `${where}.radius`),
      };
    }),
  };
}

function positive(value: unknown, where: string): number {
  if (!(typeof value === 'number' && value > 0 && value < Infinity))
    throw wrong(where, 'a number above 0', value);
  return value;
}
