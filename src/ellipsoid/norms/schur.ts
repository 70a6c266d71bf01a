/**
 * A bound on the norm of a linear map that takes no frequencies and next to no memory: ‖A‖₂² is at most the largest sum of moduli of a
 * row times that of a column (Schur's test). Sums over a kernel are those of every row and column of the map that slides it,
 * whatever its stride and padding.
 */
import { largest } from '../../network/extremes.ts';
import { product } from '../../network/size.ts';
import type { Term } from '../../program/variables.ts';
import { roundedUp, type Scaled, scaled, squareRoot, times } from '../../scaled.ts';

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
      for (let t = 0; t < positions; t++) {
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
      for (let k = 0; k < weight.length; k++) {
        rows[Math.floor(k / width)]! += Math.abs(weight[k]!);
        columns[k % width]! += Math.abs(weight[k]!);
      }
      return above(largest(rows), largest(columns), Math.max(channels, width), weights);
    }
    case 'total':
      return above(Math.abs(map.value) * samples, Math.abs(map.value), 4, weights);
    default:
      return map satisfies never;
  }
}

/** √(rows · columns) from above, each a sum of so many rounded numbers. */
function above(rows: number, columns: number, terms: number, weights: number): Scaled {
  const root = squareRoot(times(scaled(rows), scaled(columns)));
  return roundedUp(times(root, scaled(1 + 2 * weights)), terms + 8);
}
