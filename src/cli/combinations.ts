/** Which options of a command go together. A limit that cannot be reached is no contradiction; what could never be done is. */
import { checkedMethod } from '../bounds/options.ts';
import type { LocalKind } from '../certify/proofs/localBound.ts';
import type { BoundCommand } from './commands/bound.ts';
import type { CertifyCommand } from './commands/certifyCommand.ts';
import { UsageError } from './failure.ts';
import { flagOf } from './words.ts';

/** Of `bound`. @throws UsageError naming the options, InputError for values that the library refuses as well */
export function checkCombination(command: BoundCommand): void {
  const { method, rule, target, certificate, multipliers, saveMultipliers } = command;
  const refuse = (option: string, why: string) => new UsageError(`${option}: ${why}`);
  if (rule !== undefined && method !== 'closed-form' && method !== 'unrolled') {
    throw refuse('--rule', `goes with --method closed-form or unrolled, got --method ${method}`);
  }
  checkedMethod(command);
  const searches = rule === undefined && method !== 'closed-form' && method !== 'spectral-product';
  const asked = rule === undefined ? `--method ${method}` : `--rule ${rule}`;
  for (const [option, file] of [
    ['--multipliers', multipliers],
    ['--save-multipliers', saveMultipliers],
  ] as const) {
    if (file !== undefined && !searches) {
      throw refuse(option, `goes with a search, --method all, refined or unrolled, got ${asked}`);
    }
  }
  if (target === 'margins' && method === 'spectral-product') {
    throw refuse(
      '--target margins',
      'goes with methods that know covariances, got --method spectral-product',
    );
  }
  if (certificate === undefined) return;
  if (typeof target === 'object') {
    throw refuse('--certificate', 'is for the bound of the whole output, got a pair as --target');
  }
  if (method === 'spectral-product') {
    throw refuse('--certificate', 'needs multipliers, which --method spectral-product has none of');
  }
}

/** Of `certify`. @throws UsageError naming the options */
export function checkCertify({
  radius = [],
  mean,
  std,
  normalized,
  regions,
  evaluations,
  certificate,
}: CertifyCommand): void {
  if (!regions && certificate !== undefined) {
    throw new UsageError('--certificate: is of proofs around samples, got --no-regions');
  }
  if (!regions && evaluations !== undefined) {
    throw new UsageError('--evaluations: are of proofs around samples, got --no-regions');
  }
  if (new Set(radius).size < radius.length) {
    throw new UsageError(`--radius: must differ from each other, got ${radius.join(', ')}`);
  }
  if ((mean === undefined) !== (std === undefined)) {
    const [given, missing] = mean ? ['--mean', '--std'] : ['--std', '--mean'];
    throw new UsageError(`${given}: goes with ${missing}, the network's input being (pixel − mean) / std`);
  }
  if (normalized && !std) throw new UsageError('--normalized: goes with --mean and --std');
  if (std && !std.every((s) => s > 0)) throw new UsageError(`--std: above 0, got ${std.join(', ')}`);
}

/** What goes with `bound --at` and `--domain`: it is one closed form, with nothing to choose. */
const WITH_A_REGION = [
  'at',
  'radius',
  'kind',
  'domain',
  'engine',
  'threads',
  'memory',
  'inputShape',
  'output',
  'input',
  'fix',
  'batch',
  'json',
  'quiet',
];

/** Of `bound --at` and `--domain`. @param flags as they were given. @throws UsageError naming the options */
export function checkRegion(flags: {
  readonly at?: string;
  readonly radius?: number;
  readonly domain?: readonly number[];
  readonly kind?: LocalKind;
  readonly lower?: boolean;
}): void {
  const { at, radius, domain, kind } = flags;
  if (at === undefined && radius !== undefined) {
    throw new UsageError('--radius: goes with --at, the file of a point');
  }
  if (at === undefined && (domain === undefined || kind === 'anchored')) {
    throw new UsageError('--kind: goes with --at, the file of a point; incremental with --domain alone');
  }
  if (radius === undefined && domain === undefined) {
    throw new UsageError('--at: goes with --radius, how far from the point, or --domain');
  }
  const region = at === undefined ? '--domain' : '--at';
  for (const [name, value] of Object.entries(flags)) {
    // What Commander makes of options that can be turned off, where nobody does.
    if (WITH_A_REGION.includes(name) || value === undefined || value === true) continue;
    const option = flagOf(value === false ? `no-${name}` : name);
    throw new UsageError(`${option}: does not go with ${region}`);
  }
}
