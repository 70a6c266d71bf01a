/** Multipliers of a normalised vector by what reads it (docs/mathematics.md §1). */
import { largest } from '../../network/extremes.ts';
import type { MaximumStep, Step } from '../../program/program.ts';
import type { LinearMap } from '../../program/variables.ts';
import { isWhole } from './boundary.ts';

/** An entry that hardly anything reads counts as if it were read by this share of the most. */
const LEAST_SHARE = 2 ** -20;

/**
 * θ of the step with D in proportion to 1/‖B e_i‖², B the map behind: of a diagonal B nothing is better. Undefined where other things live, or no
 * vector is made of it alone.
 */
export function thetaAhead(step: MaximumStep, next: Step | undefined): Float64Array | undefined {
  if (!isWhole(step) || next?.kind !== 'linear' || next.before.length !== 1) return undefined;
  const squares = new Float64Array(step.target.rows);
  for (const { term } of next.terms) if (!addSquares(term.map, squares)) return undefined;
  const most = largest(squares);
  if (!(most > 0 && most < Infinity)) return undefined;
  return squares.map((x) => -Math.log(Math.max(x / most, LEAST_SHARE ** 2)));
}

/** Adds the squares of a map's columns; false where it is none of vectors. */
function addSquares(map: LinearMap, squares: Float64Array): boolean {
  const columns = squares.length;
  switch (map.kind) {
    case 'identity':
      for (let c = 0; c < columns; c++) squares[c]! += map.scale[map.scale.length === 1 ? 0 : c]! ** 2;
      return true;
    case 'pick':
      for (const [row, c] of map.sources.entries()) {
        if (c >= 0) squares[c]! += map.scale[map.scale.length === 1 ? 0 : row]! ** 2;
      }
      return true;
    case 'read':
      for (let k = 0; k < map.weight.length; k++) squares[k % columns]! += map.weight[k]! ** 2;
      return true;
    default:
      return false;
  }
}
