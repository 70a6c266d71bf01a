/** Matrices as textures, for an engine on WebGL. */
import { InputError } from '../../errors.ts';
import type { Shape } from '../handles.ts';
import type { Storage, Stored } from '../queued/operations.ts';
import { type Block, bytesOf, type Context, type Extent, kernel } from './context.ts';

export type BlockMatrices = Stored<Block>;

const fromHost = kernel('copy', 'upload');

/** Numbers of an entry. */
export const widthOf = ({ complex }: Shape): 1 | 2 => (complex ? 2 : 1);

export function extentOf(shape: Shape): Extent {
  return { x: shape.columns * widthOf(shape), y: shape.rows, z: shape.batch };
}

export function textures(context: Context): Storage<Block> {
  return {
    hold: (data, shape) => uploaded(context, data, extentOf(shape)),
    entries: ({ data }) => context.read(data),
    bytes: (data) => ('texture' in data ? bytesOf(data) : data.byteLength),
    free: (data) => {
      if ('texture' in data) data.texture.delete();
    },
    close: () => context.close(),
  };
}

/** Numbers of the host on the device. */
export function uploaded(context: Context, data: Float64Array, extent: Extent): Block {
  return context.upload(fromHost, single(data), extent);
}

/** Rounded to float32. Infinity and NaN stay.
 *  @throws InputError for numbers beyond the range of float32. */
export function single(data: Float64Array): Float32Array {
  const out = Float32Array.from(data);
  for (let i = 0; i < out.length; i++) {
    if (Number.isFinite(out[i]!) || !Number.isFinite(data[i]!)) continue;
    throw new InputError(`webgl: numbers must fit float32, got ${data[i]}; choose the engine cpu`);
  }
  return out;
}
