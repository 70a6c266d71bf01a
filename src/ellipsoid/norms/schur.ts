/**
 * A bound on the norm of a linear map that takes no frequencies and next to no memory: ‖A‖₂² is at most the largest sum of moduli of a
 * row times that of a column (Schur's test). Sums over a kernel are those of every row and column of the map that slides it,
 * whatever its stride and padding.
 */
import { largest } from '../../network/extremes.ts';
import { product } from '../../network/size.ts';
import type { Term } from '../../program/variables.ts';
import { roundedUp, type Scaled, scaled, squareRoot, times } from '../../scaled.ts';
import type { TapTable } from '../../spectrum/taps.ts';
import { pickNorm } from './gains.ts';

/** @param weights relative error of the map's numbers */
export function schurNorm({ map, source, channels }: Term, weights: number): Scaled {
  const samples = product(source.window);
  switch (map.kind) {
    case 'identity':
      return roundedUp(times(scaled(largest(map.scale.map(Math.abs))), scaled(1 + 2 * weights)));
    case 'convolution':
    case 'transposed': {
      const positions = product(map.kernel.sides);
      if (map.kind === 'convolution' && map.box !== undefined) {
        const sum = Math.abs(map.box) * positions;
        return above(sum, sum, 4, weights);
      }
      const rows = new Float64Array(channels);
      const columns = new Float64Array(source.channels);
      const { table } = map.kernel;
      for (let t = 0; t < positions; t++) {
        if (table) addModuli(table, t, rows, columns);
        else
          map.kernel.entries(t, (row, column, value) => {
            rows[row]! += Math.abs(value);
            columns[column]! += Math.abs(value);
          });
      }
      return above(largest(rows), largest(columns), positions * Math.max(channels, source.channels), weights);
    }
    case 'read': {
      const { weight } = map;
      const width = source.channels * samples;
      const rows = new Float64Array(channels);
      const columns = new Float64Array(width);
      addModuli({ weight, outputs: channels, inputs: width, byOutput: width, byInput: 1 }, 0, rows, columns);
      return above(largest(rows), largest(columns), Math.max(channels, width), weights);
    }
    case 'pick':
      return roundedUp(times(pickNorm(map), scaled(1 + 2 * weights)));
    case 'total':
      return above(Math.abs(map.value) * samples, Math.abs(map.value), 4, weights);
    default:
      return map satisfies never;
  }
}

/** Adds the moduli of one kernel position to the sums of its rows and columns. */
function addModuli(
  { weight, outputs, inputs, byOutput, byInput }: TapTable,
  t: number,
  rows: Float64Array,
  columns: Float64Array,
): void {
  for (let o = 0; o < outputs; o++) {
    let sum = rows[o]!;
    for (let i = 0, at = o * byOutput + t; i < inputs; i++, at += byInput) {
      const modulus = Math.abs(weight[at]!);
      sum += modulus;
      columns[i]! += modulus;
    }
    rows[o] = sum;
  }
}

/** √(rows · columns) from above, each a sum of so many rounded numbers. */
function above(rows: number, columns: number, terms: number, weights: number): Scaled {
  const root = squareRoot(times(scaled(rows), scaled(columns)));
  return roundedUp(times(root, scaled(1 + 2 * weights)), terms + 8);
}
