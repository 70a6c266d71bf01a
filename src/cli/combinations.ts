/** Which options of a command go together. A limit that cannot be reached is no contradiction; what could never be done is. */
import { DEFAULTS } from '../bounds/defaults.ts';
import { checkedMethod, checkedNorms } from '../bounds/options.ts';
import type { MethodName } from '../bounds/result.ts';
import type { LocalKind } from '../certify/proofs/localForm.ts';
import type { Norm } from '../network/norms/norm.ts';
import type { BoundCommand } from './commands/bound.ts';
import type { BoundQuestion } from './commands/boundQuestion.ts';
import type { CertifyCommand } from './commands/certifyCommand.ts';
import type { DifferenceCommand } from './commands/difference.ts';
import type { ExportGradientCommand } from './commands/exports/exportGradient.ts';
import { UsageError } from './failure.ts';
import type { SweepCommand } from './sweep/sweepCommand.ts';
import { flagOf } from './words.ts';

/** Of `bound`. @throws UsageError naming the options, InputError for values that the library refuses as well */
export function checkCombination(
  command: BoundQuestion &
    Partial<Pick<BoundCommand, 'certificate' | 'resume' | 'multipliers' | 'saveMultipliers'>>,
): void {
  const { method, rule, target, certificate, resume, multipliers, saveMultipliers, gap } = command;
  const refuse = (option: string, why: string) => new UsageError(`${option}: ${why}`);
  if (rule !== undefined && method !== 'closed-form' && method !== 'unrolled') {
    throw refuse('--rule', `goes with --method closed-form or unrolled, got --method ${method}`);
  }
  checkedNorms(command, checkedMethod(command));
  const isProduct = method === 'spectral-product' || method === 'moduli-product';
  if (gap !== undefined && method !== 'exact' && method !== 'all') {
    throw refuse('--gap', `goes with --method exact, got --method ${method}`);
  }
  if (resume !== undefined && (method !== 'exact' || command.weights !== undefined)) {
    const got = method === 'exact' ? '--weights' : `--method ${method}`;
    throw refuse('--resume', `goes with --method exact and without --weights, got ${got}`);
  }
  const asked = rule === undefined ? `--method ${method}` : `--rule ${rule}`;
  for (const [option, file] of [
    ['--multipliers', multipliers],
    ['--save-multipliers', saveMultipliers],
  ] as const) {
    if (file !== undefined && !searches(command)) {
      throw refuse(option, `goes with a search, --method all, refined or unrolled, got ${asked}`);
    }
  }
  if (target === 'margins' && (isProduct || method === 'exact')) {
    throw refuse('--target margins', `goes with methods that know covariances, got --method ${method}`);
  }
  if (certificate === undefined) return;
  if (method === 'exact') {
    if (command.weights === undefined) return;
    throw refuse('--certificate', 'of an exact constant is one without --weights');
  }
  if (typeof target === 'object') {
    throw refuse('--certificate', 'is for the bound of the whole output, got a pair as --target');
  }
  if (isProduct) {
    throw refuse('--certificate', `needs multipliers, which --method ${method} has none of`);
  }
}

function searches({ rule, method }: BoundQuestion): boolean {
  return rule === undefined && (method === 'all' || method === 'refined' || method === 'unrolled');
}

/** Of `sweep`. @throws UsageError naming the options, InputError for values that the library refuses as well */
export function checkSweep(command: SweepCommand): void {
  checkCombination(command);
  if (command.queue !== undefined) {
    if (command.warm)
      throw new UsageError('--warm: starts from networks in their order, which --queue does not keep');
    for (const name of ['jobs', 'threads'] as const) {
      if (command[name] !== undefined)
        throw new UsageError(`--${name}: is for each worker to say, got --queue`);
    }
  }
  if (command.warm && !searches(command)) {
    const asked = command.rule === undefined ? `--method ${command.method}` : `--rule ${command.rule}`;
    throw new UsageError(`--warm: goes with a search, --method all, refined or unrolled, got ${asked}`);
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
  norm,
}: CertifyCommand): void {
  if (norm === 'inf' && certificate !== undefined) {
    throw new UsageError('--certificate: is of ℓ2 balls around samples, got --norm inf');
  }
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

/** Of `difference`. @throws UsageError naming the options */
export function checkDifference({ at, radius, norm, certificate }: DifferenceCommand): void {
  if ((at === undefined) !== (radius === undefined)) {
    const [given, missing] = at === undefined ? ['--radius', '--at'] : ['--at', '--radius'];
    throw new UsageError(`${given}: goes with ${missing}: a region is all inputs within a radius of a point`);
  }
  if (at !== undefined && norm === '1') throw new UsageError('--norm: 2 or inf in a region, got 1');
  if (at !== undefined && certificate !== undefined) {
    throw new UsageError(
      '--certificate: is of the bound for all inputs, whose multipliers are checked; what --at says has no certificate yet',
    );
  }
}

/** What goes with `bound --at` and `--domain`. */
const WITH_A_REGION = [
  'at',
  'radius',
  'kind',
  'domain',
  'norm',
  'outputNorm',
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
  'method',
  'timeLimit',
];
/** Methods that a region has, and what goes with `--at` for them alone. */
const OF_REGIONS: Partial<Record<MethodName, readonly string[]>> = {
  all: ['evaluations'],
  'closed-form': [],
  refined: ['evaluations'],
  exact: ['gap', 'seed', 'certificate', 'resume'],
};

interface Place {
  readonly at?: string;
  readonly radius?: number;
  readonly domain?: readonly number[];
  readonly kind?: LocalKind;
}

/** Whether options name a region. @throws UsageError */
function checkPlace({ at, radius, domain, kind }: Place): void {
  if (at === undefined && radius !== undefined) {
    throw new UsageError('--radius: goes with --at, the file of a point');
  }
  if (at === undefined && (domain === undefined || kind === 'anchored')) {
    throw new UsageError('--kind: goes with --at, the file of a point; incremental with --domain alone');
  }
  if (radius === undefined && domain === undefined) {
    throw new UsageError('--at: goes with --radius, how far from the point, or --domain');
  }
}

/** Of `export-gradient`. @throws UsageError naming the options */
export function checkGradient(flags: ExportGradientCommand): void {
  const { at, radius, domain, kind } = flags;
  if ([at, radius, domain, kind].every((option) => option === undefined)) return;
  checkPlace(flags);
  for (const name of ['multipliers', 'saveMultipliers'] as const) {
    if (flags[name] === undefined) continue;
    throw new UsageError(`${flagOf(name)}: multipliers in a region are of that region alone`);
  }
}

/** Of `bound --at` and `--domain`. @param flags as they were given. @throws UsageError naming the options */
export function checkRegion(
  flags: Place & {
    readonly norm?: Norm;
    readonly outputNorm?: Norm;
    readonly lower?: boolean;
    readonly method?: MethodName;
  },
): void {
  const { at, kind, norm, outputNorm, method } = flags;
  if (norm === '1') throw new UsageError('--norm: 2 or inf in a region, got 1');
  if (method === 'exact' && ((norm ?? '2') !== '2' || (outputNorm ?? '2') !== '2')) {
    throw new UsageError('--method exact: finds the constant from ℓ2 to ℓ2, got other norms');
  }
  checkPlace(flags);
  if (method === 'exact' && kind === 'anchored') {
    throw new UsageError('--kind: incremental with --method exact, got anchored');
  }
  const region = at === undefined ? '--domain' : '--at';
  const own = OF_REGIONS[method ?? DEFAULTS.method];
  if (!own) {
    const methods = Object.keys(OF_REGIONS).join(', ');
    throw new UsageError(`--method: ${methods} with ${region}, got ${method}`);
  }
  for (const [name, value] of Object.entries(flags)) {
    // What Commander makes of options that can be turned off, where nobody does.
    const isDefault = value === true && name !== 'sensitivities';
    if (WITH_A_REGION.includes(name) || own.includes(name) || value === undefined || isDefault) continue;
    const option = flagOf(value === false ? `no-${name}` : name);
    const asked = method === undefined ? '' : ` and --method ${method}`;
    throw new UsageError(`${option}: does not go with ${region}${asked}`);
  }
}
