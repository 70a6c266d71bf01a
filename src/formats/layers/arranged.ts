/** Weights in the order of axes that networks have. */
import { strided } from '../../arrays/storedArray.ts';
import { strides } from '../../network/size.ts';
import { madeOf } from '../../network/weights/origin.ts';

export interface Weight {
  readonly shape: readonly number[];
  readonly numbers: Float32Array | Float64Array;
}

/** The transpose: axis k of the result is axis `permutation[k]`. */
export function arranged({ shape, numbers }: Weight, permutation: readonly number[]): Weight {
  const steps = strides(shape);
  const sides = permutation.map((axis) => shape[axis]!);
  const result = strided(
    numbers,
    0,
    sides,
    permutation.map((axis) => steps[axis]!),
  );
  // Of the result's axes, those that the weight has them in.
  const own = strides(sides);
  const back = permutation.map((_, axis) => own[permutation.indexOf(axis)]!);
  const moved = madeOf(result, numbers, (gradient) => strided(gradient, 0, shape, back));
  return { shape: sides, numbers: moved };
}

/** Of a weight whose last axes are [inputs, outputs], the one whose first are [outputs, inputs]. */
export function outputsFirst(weight: Weight): Weight {
  const axes = weight.shape.length;
  const spatial = Array.from({ length: axes - 2 }, (_, k) => k);
  return arranged(weight, [axes - 1, axes - 2, ...spatial]);
}
