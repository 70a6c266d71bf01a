/** What the command line needs of the library. `main.ts` passes the real one, tests pass fakes. */
import type { EngineOptions } from '../engine/create.ts';

export type { LoadOptions } from '../node.ts';

export type Library = Pick<
  typeof import('../node.ts'),
  | 'loadNetwork'
  | 'describeWeights'
  | 'createEngine'
  | 'bound'
  | 'boundGradient'
  | 'certifySamples'
  | 'openSamples'
  | 'readPoint'
  | 'readArray'
  | 'localBound'
  | 'localBoundGradient'
  | 'exactConstant'
  | 'difference'
  | 'differenceNetwork'
  | 'inspect'
  | 'certify'
  | 'certifyExact'
  | 'verifyExact'
  | 'exactBeginning'
  | 'verify'
  | 'certifyRegion'
  | 'verifyRegion'
  | 'verifySet'
  | 'exportSdp'
  | 'solveSdp'
>;

export type EngineName = NonNullable<EngineOptions['engine']>;
