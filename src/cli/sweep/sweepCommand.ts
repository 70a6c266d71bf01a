/** What a command line of `sweep` says. */
import type { BoundQuestion } from '../commands/boundQuestion.ts';

export interface SweepCommand extends BoundQuestion {
  /** Files, and patterns of files. */
  readonly patterns: readonly string[];
  readonly out: string;
  /** The folder of finished work; default: beside `out`. */
  readonly cache?: string;
  readonly shard?: Shard;
  /** Networks that are worked on at a time, each in a process of its own where there are several; default 1. */
  readonly jobs?: number;
  /** Where workers take networks from: the address of a Redis server. */
  readonly queue?: string;
  /** Searches start from what networks of the same structure have found. */
  readonly warm?: true;
  /** A file. */
  readonly csv?: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The part of a sweep that one of several machines does: `index` from 1 to `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}
