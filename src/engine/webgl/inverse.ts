import { type Block, type Context, kernel } from './context.ts';
import { type BlockMatrices, extentOf, single, widthOf } from './textures.ts';

const inverseStart = kernel('inverseStart', 'numbers', 'block', 'count', 'count');
const inverseStep = kernel('inverseStep', 'block', 'count', 'count');
const inverseStepComplex = kernel('inverseStepComplex', 'block', 'count', 'count');
const inverseFinish = kernel('inverseFinish', 'block', 'count');
const column = kernel('column', 'block', 'count');
const fill = kernel('fill', 'number');

/** R = (diag D − S)⁻¹ per batch entry, by Gauss–Jordan elimination; where a pivot of one of them is not positive, NaN all over and `definite` 0 rather than 1. */
export function inverse(
  context: Context,
  d: Float64Array,
  s: BlockMatrices,
): { inverse: Block; definite: number } {
  const n = s.rows;
  const width = widthOf(s);
  const extent = extentOf(s);
  const step = s.complex ? inverseStepComplex : inverseStep;
  const withPivots = { ...extent, x: extent.x + 1 };
  let x = context.run(inverseStart, withPivots, single(d), s.data, n, width);
  for (let k = 0; k < n; k++) {
    const next = context.run(step, withPivots, x, k, n);
    x.texture.delete();
    x = next;
  }
  const pivots = context.take(context.run(column, { x: n, y: s.batch, z: 1 }, x, n * width));
  const definite = pivots.every((pivot) => pivot > 0 && pivot < Number.POSITIVE_INFINITY);
  const out = definite ? context.run(inverseFinish, extent, x, width) : context.run(fill, extent, Number.NaN);
  x.texture.delete();
  return { inverse: out, definite: Number(definite) };
}
