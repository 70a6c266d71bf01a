/** What a command line of `certify` says. */
import type { BallNorm } from '../../network/norms/norm.ts';
import type { EngineName } from '../library.ts';
import type { ModelOptions } from '../loading.ts';

export interface CertifyCommand extends ModelOptions {
  readonly file: string;
  readonly data: string;
  readonly inputs?: string;
  readonly labels?: string | false;
  readonly first?: number;
  readonly radius?: readonly number[];
  readonly norm?: BallNorm;
  readonly maxRadius: boolean;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly normalized: boolean;
  readonly clip?: readonly [low: number, high: number];
  readonly regions: boolean;
  readonly evaluations?: number;
  /** Seconds for one sample. */
  readonly timeLimit?: number;
  readonly starts?: number;
  readonly seed?: number;
  readonly engine: EngineName;
  readonly threads?: number;
  /** Bytes. */
  readonly memory?: number;
  /** Files. */
  readonly csv?: string;
  readonly plot?: string;
  readonly resume?: string;
  /** A folder. */
  readonly certificate?: string;
  readonly json: boolean;
  readonly quiet: boolean;
}
