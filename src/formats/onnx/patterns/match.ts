/** Which pattern ends in a node. */
import type { GraphNode } from '../graph.ts';
import { matchChosen } from './chosen.ts';
import { matchCircularPadding } from './circularPadding.ts';
import { matchGate } from './gate.ts';
import { matchHouseholder } from './householder.ts';
import { matchMaxGather } from './maxGather.ts';
import {
  matchInverseRoot,
  matchLength,
  matchNormalization,
  matchShiftedNormalization,
} from './normalization.ts';
import type { Pattern, Surroundings } from './pattern.ts';
import {
  matchGaussian,
  matchHinge,
  matchLogSigmoid,
  matchSigmoid,
  matchSmoothModulus,
  matchSoftplus,
  matchSoftShrink,
  matchSoftsign,
  matchSquare,
} from './pointwise.ts';
import { matchLogarithm, matchLogSoftmax, matchLogSumExp, matchSoftmax } from './softmax.ts';

/** The pattern whose last node is `node`, if it is one. */
export function matchPattern(node: GraphNode, around: Surroundings): Pattern | undefined {
  if (node.domain !== '') return undefined;
  switch (node.opType) {
    case 'Mul':
      return matchGate(node, around) ?? matchSquare(node, around) ?? matchNormalization(node, around);
    case 'Div':
      return (
        matchGate(node, around) ??
        matchSoftsign(node, around) ??
        matchSigmoid(node, around) ??
        matchSoftmax(node, around) ??
        matchNormalization(node, around) ??
        matchInverseRoot(node, around)
      );
    case 'Reciprocal':
      return matchSigmoid(node, around) ?? matchInverseRoot(node, around);
    case 'Add':
      return matchLogSumExp(node, around) ?? matchShiftedNormalization(node, around);
    case 'Sub':
      return matchLogSoftmax(node, around);
    case 'Sqrt':
      return matchLength(node, around) ?? matchSmoothModulus(node, around);
    case 'Exp':
      return matchGaussian(node, around);
    case 'Pow':
      return (
        matchSquare(node, around) ??
        matchLength(node, around) ??
        matchSmoothModulus(node, around) ??
        matchInverseRoot(node, around)
      );
    case 'Log':
      return matchLogSigmoid(node, around) ?? matchSoftplus(node, around) ?? matchLogarithm(node, around);
    case 'ReduceLogSum':
      return matchLogarithm(node, around);
    case 'Where':
      return matchSoftShrink(node, around) ?? matchHinge(node, around) ?? matchChosen(node, around);
    case 'Concat':
      return matchCircularPadding(node, around) ?? matchHouseholder(node, around);
    case 'ReduceMax':
      return matchMaxGather(node, around);
    default:
      return undefined;
  }
}
