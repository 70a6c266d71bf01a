/** Batch normalisation at inference: one scale and one shift per channel. */
import { InputError } from '../../errors.ts';
import type { NetworkBuilder } from '../../network/builder.ts';
import { multipliable } from '../../network/exact.ts';
import type { TensorId } from '../../network/network.ts';
import { inDouble, type Numbers } from '../../network/numbers.ts';
import type { Scale } from '../../network/operator.ts';
import { madeOf } from '../../network/weights/origin.ts';

export interface Statistics {
  readonly mean: Numbers;
  readonly variance: Numbers;
  /** Absent: 1 and 0. */
  readonly gamma?: Numbers;
  readonly beta?: Numbers;
  /** In the number format of the variance, as runtimes and ONNX have it. */
  readonly epsilon: number;
}

/** Of γ / √(variance + ε): a sum, a root, a quotient. */
const ROUNDINGS = 3;

/**
 * γ (x − mean) / √(variance + ε) + β.
 * @throws InputError for another number of channels, and where the root is none
 */
export function batchNormalization(
  builder: NetworkBuilder,
  name: string,
  x: TensorId,
  statistics: Statistics,
): TensorId {
  const channels = builder.shape(x)[0]!;
  for (const what of ['mean', 'variance', 'gamma', 'beta'] as const) {
    const length = statistics[what]?.length ?? channels;
    if (length !== channels) {
      throw new InputError(
        `${name}: ${what} must have ${channels} entries, one for each channel, got ${length}`,
      );
    }
  }
  const epsilon =
    statistics.variance instanceof Float32Array ? Math.fround(statistics.epsilon) : statistics.epsilon;
  const deviation = inDouble(statistics.variance).map((value) => {
    const sum = value + epsilon;
    if (!(sum > 0 && sum < Infinity)) {
      throw new InputError(`${name}: variance + epsilon must be positive and finite, got ${sum}`);
    }
    return Math.sqrt(sum);
  });
  const mean = inDouble(statistics.mean);
  const gamma = statistics.gamma ? inDouble(statistics.gamma) : deviation.map(() => 1);
  const beta = statistics.beta ? inDouble(statistics.beta) : deviation.map(() => 0);
  const inverse = deviation.map((value) => 1 / value);
  if (multipliable(gamma, inverse)) {
    const quotient = deviation.map((value, c) => gamma[c]! / value);
    const back = (gradient: Float64Array) => gradient.map((g, c) => g / deviation[c]!);
    const scale = statistics.gamma ? madeOf(quotient, statistics.gamma, back) : quotient;
    return builder.add(name, scaled(scale, mean, beta), [x]);
  }
  // What float64 does not hold as a quotient is left as two scales.
  const centred = builder.add(
    `${name} normalized`,
    scaled(
      inverse,
      mean,
      mean.map(() => 0),
    ),
    [x],
  );
  return builder.add(name, { kind: 'scale', scale: gamma, shift: beta }, [centred]);
}

/** scale · (x − mean) + beta */
function scaled(scale: Float64Array, mean: Float64Array, beta: Float64Array): Scale {
  const shift = scale.map((factor, c) => beta[c]! - factor * mean[c]!);
  return {
    kind: 'scale',
    scale,
    shift,
    shiftMagnitude: shift.map((value, c) => Math.abs(value) + 2 * Math.abs(scale[c]! * mean[c]!)),
    roundings: ROUNDINGS,
  };
}
