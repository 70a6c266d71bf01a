/** The bound of a TensorFlow.js model as a term of the loss that it is trained with. */
import {
  type BoundGradient,
  type BoundGradientOptions,
  boundGradient,
} from '../bounds/gradient/boundGradient.ts';
import { InputError } from '../errors.ts';
import { fromLayersModel, type LayersModel } from '../formats/tensorflowJs/layersModel.ts';

/** Of a tensor of TensorFlow.js, what the term is made with. */
export interface PenaltyTensor<T> {
  mul(other: T): T;
  add(other: T): T;
  sum(): T;
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

/** Of TensorFlow.js (`import * as tf from '@tensorflow/tfjs'`), what the term is made with. */
export interface PenaltyTensorFlow<T extends PenaltyTensor<T>> {
  tensor(values: Float32Array, shape: number[]): T;
}

/** A `tf.LayersModel` that is being trained. */
export interface TrainedModel<T extends PenaltyTensor<T>> extends LayersModel {
  readonly weights: readonly { readonly originalName: string; read(): T }[];
}

export interface LipschitzPenaltyOptions
  extends Pick<BoundGradientOptions, 'engine' | 'target' | 'memory' | 'signal'> {
  /** Of one sample, with channels last, where the model leaves it open. */
  readonly inputShape?: readonly number[];
  /** Of the search for multipliers: the first one, default 50, and those that start from what the one before found, default 2. */
  readonly firstEvaluations?: number;
  readonly evaluations?: number;
}

export interface LipschitzPenalty<T> {
  /**
   * Bounds the model as it is now: what `term` is made of from here on. To be called before each step, or before each of several that may
   * share a gradient.
   * @throws as `boundGradient` and `fromLayersModel`
   */
  update(): Promise<BoundGradient>;
  /**
   * ln L to first order around the weights of the last update, a scalar: value and gradient there are those of the bound. To be added to
   * the loss, times a weight.
   * @throws InputError before the first update
   */
  term(): T;
  /** Lets go of its tensors. */
  dispose(): void;
}

const FIRST_EVALUATIONS = 50;
const EVALUATIONS = 2;

/**
 * A regulariser: the logarithm of the bound of a model's Lipschitz constant, of which each update starts from the multipliers of the one before.
 * @param tf what has made the model
 */
export function lipschitzPenalty<T extends PenaltyTensor<T>>(
  model: TrainedModel<T>,
  tf: PenaltyTensorFlow<T>,
  options: LipschitzPenaltyOptions = {},
): LipschitzPenalty<T> {
  const { inputShape, firstEvaluations = FIRST_EVALUATIONS, evaluations = EVALUATIONS, ...rest } = options;
  let last: BoundGradient | undefined;
  /** Gradients by weight, and what makes the value that of the bound. */
  let linear: { readonly gradients: ReadonlyMap<string, T>; readonly offset: T } | undefined;
  const dispose = () => {
    for (const gradient of linear?.gradients.values() ?? []) gradient.dispose();
    linear?.offset.dispose();
    linear = undefined;
  };
  return {
    async update() {
      const network = await fromLayersModel(model, inputShape ? { inputShape } : {});
      const found = await boundGradient(network, {
        ...rest,
        evaluations: last ? evaluations : firstEvaluations,
        ...(last && { multipliers: last.multipliers }),
      });
      last = found;
      dispose();
      const gradients = new Map(
        found.weights.map(({ name, shape, values }) => [
          name,
          tf.tensor(Float32Array.from(values), [...shape]),
        ]),
      );
      // At the weights as they are the term is the bound.
      const here = model.weights.reduce((sum, weight) => {
        const own = found.weights.find(({ name }) => name === weight.originalName);
        return own ? sum + dot(own.values, weight.read().dataSync()) : sum;
      }, 0);
      const offset = tf.tensor(Float32Array.of(found.smooth - here), []);
      linear = { gradients, offset };
      return found;
    },
    term() {
      if (!linear) throw new InputError('lipschitzPenalty: update comes before the first term');
      return along(model, linear.gradients, linear.offset);
    },
    dispose,
  };
}

/** offset + Σ ⟨w, gradient⟩ over the weights of the model that have one. */
function along<T extends PenaltyTensor<T>>(
  { weights }: TrainedModel<T>,
  gradients: ReadonlyMap<string, T>,
  offset: T,
): T {
  return weights.reduce((sum, weight) => {
    const gradient = gradients.get(weight.originalName);
    return gradient ? sum.add(weight.read().mul(gradient).sum()) : sum;
  }, offset);
}

function dot(a: Float64Array, b: ArrayLike<number>): number {
  return a.reduce((sum, x, n) => sum + x * b[n]!, 0);
}
