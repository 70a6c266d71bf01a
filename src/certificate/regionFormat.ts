/** The certificate file of a region (docs/certificate.md, "Regions"), and a reader that accepts exactly its members. */
import { encoded, integer, list, members, readNetwork, type StoredNetwork, text, wrong } from './fields.ts';

export const REGION_FORMAT = 'lipsoid-region-certificate';
export const REGION_VERSION = 1;

/** Arrays are little-endian float64 in base64. */
export interface RegionCertificate {
  readonly format: typeof REGION_FORMAT;
  readonly version: typeof REGION_VERSION;
  readonly network: StoredNetwork;
  /** Who found the multipliers; for people. */
  readonly found: { readonly by: string; readonly engine: string };
  /** What is claimed: the output of the label stays the largest at every x within the radius (ℓ2) of the centre. */
  readonly region: StoredRegion;
  readonly layers: readonly { readonly name: string; readonly multipliers: string }[];
  readonly centres: readonly StoredCentre[];
}

export interface StoredRegion {
  /** In the order of the network's input. */
  readonly centre: string;
  readonly label: number;
  readonly radius: number;
  /** The network reads scale · x: one number, or one a channel. Null: x itself. */
  readonly scale: string | null;
  /** Limits that x keeps, entry by entry; null: none. */
  readonly limits: { readonly low: string; readonly high: string } | null;
}

export interface StoredCentre {
  readonly offset: string | null;
  readonly layers: readonly {
    readonly name: string;
    readonly multipliers: string;
    readonly spread: string;
    readonly middle: string;
  }[];
}

/** Numbers of one array: as many as the checker lets live at once, and more than any input has. */
const MOST_VALUES = 2 ** 20;
const MOST_LAYERS = 1e4;
const MOST_CENTRES = 4096;

/** @throws InputError that says where the value is no such certificate */
export function readRegionCertificate(value: unknown): RegionCertificate {
  const top = members(value, 'certificate', [
    'format',
    'version',
    'network',
    'found',
    'region',
    'layers',
    'centres',
  ]);
  if (top.format !== REGION_FORMAT) throw wrong('format', `"${REGION_FORMAT}"`, top.format);
  if (top.version !== REGION_VERSION) throw wrong('version', `${REGION_VERSION}`, top.version);
  const network = readNetwork(top.network);
  const found = members(top.found, 'found', ['by', 'engine']);
  return {
    format: REGION_FORMAT,
    version: REGION_VERSION,
    network,
    found: { by: text(found.by, 'found.by'), engine: text(found.engine, 'found.engine') },
    region: readRegion(top.region),
    layers: list(top.layers, 'layers', MOST_LAYERS).map((layer, k) => {
      const where = `layers[${k}]`;
      const own = members(layer, where, ['name', 'multipliers']);
      return { name: text(own.name, `${where}.name`), multipliers: array(own.multipliers, where) };
    }),
    centres: list(top.centres, 'centres', MOST_CENTRES).map((centre, k) =>
      readCentre(centre, `centres[${k}]`),
    ),
  };
}

function readRegion(value: unknown): StoredRegion {
  const region = members(value, 'region', ['centre', 'label', 'radius', 'scale', 'limits']);
  const { radius, scale } = region;
  if (!(typeof radius === 'number' && radius > 0 && radius < Infinity))
    throw wrong('region.radius', 'a number above 0', radius);
  const limits = region.limits === null ? null : members(region.limits, 'region.limits', ['low', 'high']);
  return {
    centre: array(region.centre, 'region.centre'),
    label: integer(region.label, 'region.label', 0),
    radius,
    scale: scale === null ? null : array(scale, 'region.scale'),
    limits: limits && {
      low: array(limits.low, 'region.limits.low'),
      high: array(limits.high, 'region.limits.high'),
    },
  };
}

function readCentre(value: unknown, where: string): StoredCentre {
  const centre = members(value, where, ['offset', 'layers']);
  return {
    offset: centre.offset === null ? null : array(centre.offset, `${where}.offset`),
    layers: list(centre.layers, `${where}.layers`, MOST_LAYERS).map((layer, k) => {
      const at = `${where}.layers[${k}]`;
      const own = members(layer, at, ['name', 'multipliers', 'spread', 'middle']);
      return {
        name: text(own.name, `${at}.name`),
        multipliers: array(own.multipliers, `${at}.multipliers`),
        spread: array(own.spread, `${at}.spread`),
        middle: array(own.middle, `${at}.middle`),
      };
    }),
  };
}

function array(value: unknown, where: string): string {
  return encoded(value, where, MOST_VALUES);
}
