/** What bounding a network would take, without doing it. */

import { programBytes, programCost } from '../ellipsoid/memory/cost.ts';
import { RULE_NAMES } from '../ellipsoid/multipliers/closedForms.ts';
import { type Unsupported, UnsupportedError } from '../errors.ts';
import type { Network, Source } from '../network/network.ts';
import { countParameters } from '../network/parameters.ts';
import { simplify } from '../network/simplify/simplify.ts';
import { compile } from '../program/compile.ts';
import type { Program } from '../program/program.ts';
import { runCount } from './paths/runCount.ts';
import { layerReports } from './report/layers.ts';
import type { LayerReport } from './result.ts';

export interface InspectedLayer extends LayerReport {
  /** Numbers stored in the layer, after simplification. */
  readonly parameters: number;
}

export interface Inspection {
  readonly name: string;
  readonly source?: Source;
  /** Numbers stored in the file's layers. */
  readonly parameters: number;
  /** Of the simplified network. */
  readonly layers: readonly InspectedLayer[];
  /** Bytes of the largest covariance at all frequencies; 0 where the network is refused. */
  readonly bytes: number;
  /** Floating-point operations of all closed-form rules; 0 where the network is refused. */
  readonly flops: number;
  /** What the closed-form method refuses; the unrolled method may still cover padding modes that have no symbol. */
  readonly refused: readonly Unsupported[];
}

export function inspect(network: Network): Inspection {
  const simple = simplify(network);
  let program: Program | undefined;
  let refused: readonly Unsupported[] = [];
  try {
    program = compile(simple);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    refused = error.items;
  }
  return {
    name: network.name,
    ...(network.source ? { source: network.source } : {}),
    parameters: countParameters(network),
    layers: layerReports(simple, program, undefined).map((layer, k) => ({
      ...layer,
      parameters: countParameters({ ...simple, nodes: [simple.nodes[k]!] }),
    })),
    bytes: program ? programBytes(program) : 0,
    flops: program ? runCount(RULE_NAMES) * programCost(program) : 0,
    refused,
  };
}
