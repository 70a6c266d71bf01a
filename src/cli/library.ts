/** What the command line needs of the library. `main.ts` passes the real one, tests pass fakes. */
import type { EngineOptions } from '../engine/create.ts';
import type { Network } from '../network/network.ts';

type Index = typeof import('../index.ts');

export interface LoadOptions {
  /** Without the batch axis, where the file leaves it open: [channels, ...spatial] or [features]. */
  readonly inputShape?: readonly number[];
  /** Name of the output to bound, where the file has several. */
  readonly output?: string;
}

export interface Library extends Pick<Index, 'createEngine' | 'bound' | 'inspect'> {
  loadNetwork(path: string, options?: LoadOptions): Promise<Network>;
}

export type EngineName = NonNullable<EngineOptions['engine']>;
