/** Every elementwise function, by its name: one row each. */
import { clip, hardSigmoid, hardSwish, softShrink } from './clip.ts';
import type { Definition } from './definition.ts';
import { celu, elu, selu } from './elu.ts';
import { gelu, geluTanh } from './gelu.ts';
import { mask } from './mask.ts';
import { abs, leakyRelu, prelu, relu } from './relu.ts';
import { asinh, atan, erf, sigmoid, sigmoidSquare, softsign, tanh, tanhSquare } from './sigmoid.ts';
import { cos, sin } from './sine.ts';
import { gaussian, smoothModulus } from './square.ts';
import { mish, silu, softplus, swish } from './swish.ts';

const ROWS = {
  relu,
  'leaky-relu': leakyRelu,
  prelu,
  elu,
  celu,
  selu,
  clip,
  'hard-sigmoid': hardSigmoid,
  'hard-swish': hardSwish,
  'soft-shrink': softShrink,
  sigmoid,
  'sigmoid-square': sigmoidSquare,
  tanh,
  'tanh-square': tanhSquare,
  softplus,
  softsign,
  silu,
  swish,
  gelu,
  'gelu-tanh': geluTanh,
  mish,
  abs,
  sin,
  cos,
  atan,
  asinh,
  gaussian,
  'smooth-modulus': smoothModulus,
  erf,
  mask,
};

/** The name of an elementwise function with its parameters; discriminated by `name`. */
export type Elementwise = Parameters<(typeof ROWS)[keyof typeof ROWS]['value']>[0];
export type ElementwiseName = Elementwise['name'];
/** The function of one name. */
export type Named<N extends ElementwiseName> = Extract<Elementwise, { readonly name: N }>;

/** Each row stands under the name of its function. */
export const ELEMENTWISE: { readonly [N in ElementwiseName]: Definition<Named<N>> } = ROWS;

/** The row of a function. */
export function definitionOf<F extends Elementwise>(f: F): Definition<F> {
  if (!Object.hasOwn(ELEMENTWISE, f.name)) {
    throw new Error(`elementwise: unknown function ${JSON.stringify(f)}`);
  }
  // TypeScript does not see that the name of F picks the row of F.
  return ELEMENTWISE[f.name] as Definition<never> as Definition<F>;
}
