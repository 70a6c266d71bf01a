/** All hunts, and how much each gets. */
import type { Hunt } from './hunt.ts';
import type { Kind } from './networks.ts';

export interface HuntRow {
  readonly name: string;
  /** Share of the time. */
  readonly weight: number;
  /** Trials of `--check`. */
  readonly check: number;
  /** Of one trial, where 60 are not enough: hunts that start processes under limits of their own. */
  readonly seconds?: number;
  readonly open: () => Promise<Hunt>;
}

/** Their trials are children under limits of 60 s of the processor each, now and then several of them to make a finding smaller. */
const OWN_LIMITS = 900;

export const HUNTS: readonly HuntRow[] = [
  networks('networks', 5, 120),
  networks('lengths', 4, 40),
  networks('constants', 1, 50),
  networks('norms', 2, 40),
  networks('pieces', 2, 40),
  {
    name: 'regions',
    weight: 3,
    check: 30,
    open: async () => new (await import('./regions.ts')).RegionHunt(),
  },
  {
    name: 'differences',
    weight: 2,
    check: 20,
    open: async () => new (await import('./differences.ts')).DifferenceHunt(),
  },
  {
    name: 'closed-forms',
    weight: 1,
    check: 30,
    open: async () => new (await import('./closedForms.ts')).ClosedFormHunt(),
  },
  {
    name: 'runtime',
    weight: 0.5,
    check: 20,
    open: async () => new (await import('./runtime.ts')).RuntimeHunt(),
  },
  {
    ...{ name: 'files', weight: 4, check: 70, seconds: OWN_LIMITS },
    open: async () => new (await import('./files/hunt.ts')).FilesHunt(),
  },
  {
    ...{ name: 'formats', weight: 2, check: 40, seconds: OWN_LIMITS },
    open: async () => new (await import('./formats/hunt.ts')).FormatsHunt(),
  },
  {
    ...{ name: 'certificates', weight: 4, check: 50, seconds: OWN_LIMITS },
    open: async () => new (await import('./certificates/hunt.ts')).CertificatesHunt(),
  },
  {
    ...{ name: 'multipliers', weight: 0.5, check: 20, seconds: OWN_LIMITS },
    open: async () => new (await import('./certificates/multipliersHunt.ts')).MultipliersHunt(),
  },
  {
    ...{ name: 'growth', weight: 1, check: 4, seconds: OWN_LIMITS },
    open: async () => new (await import('./growth/hunt.ts')).GrowthHunt(),
  },
  {
    ...{ name: 'commands', weight: 3, check: 8, seconds: OWN_LIMITS },
    open: async () => new (await import('./commands/hunt.ts')).CommandsHunt(),
  },
];

function networks(name: Kind, weight: number, check: number): HuntRow {
  return { name, weight, check, open: async () => new (await import('./networks.ts')).NetworkHunt(name) };
}
