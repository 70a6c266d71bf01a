/** Checkpoints of a small training: a perceptron that learns which of three half planes a point lies deepest in. */
import { NetworkBuilder } from '../../../src/network/builder.ts';
import type { Network } from '../../../src/network/network.ts';
import { Random } from '../../support/random.ts';

const INPUTS = 8;
const WIDTH = 16;
const CLASSES = 3;
const BATCH = 16;
const RATE = 0.1;

interface Layer {
  readonly outputs: number;
  readonly inputs: number;
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

/** The networks after so many steps each, of a training of so many whose rate falls to zero along a cosine. */
export function checkpoints(at: readonly number[], steps: number): Network[] {
  const random = new Random(5);
  const sizes = [INPUTS, WIDTH, WIDTH, CLASSES];
  const layers = sizes.slice(1).map((outputs, k): Layer => {
    const inputs = sizes[k]!;
    const spread = Math.sqrt(6 / inputs);
    const weight = Float64Array.from({ length: outputs * inputs }, () => random.between(-spread, spread));
    return { outputs, inputs, weight, bias: new Float64Array(outputs) };
  });
  const teacher = Float64Array.from({ length: CLASSES * INPUTS }, () => random.between(-1, 1));
  const networks: Network[] = [];
  for (let step = 1; step <= steps; step++) {
    const rate = (RATE * (1 + Math.cos((Math.PI * step) / steps))) / 2 / BATCH;
    for (let sample = 0; sample < BATCH; sample++) {
      const x = Float64Array.from({ length: INPUTS }, () => random.between(-1, 1));
      const scores = times(
        { outputs: CLASSES, inputs: INPUTS, weight: teacher, bias: new Float64Array(CLASSES) },
        x,
      );
      learn(layers, x, scores.indexOf(Math.max(...scores)), rate);
    }
    if (at.includes(step)) networks.push(networkOf(layers));
  }
  return networks;
}

/** One step down the gradient of the cross-entropy. */
function learn(layers: readonly Layer[], x: Float64Array, label: number, rate: number): void {
  const states = [x];
  for (const [k, layer] of layers.entries()) {
    const y = times(layer, states[k]!);
    states.push(k < layers.length - 1 ? y.map((v) => Math.max(0, v)) : y);
  }
  const logits = states.at(-1)!;
  const top = Math.max(...logits);
  const weights = logits.map((v) => Math.exp(v - top));
  const sum = weights.reduce((a, b) => a + b, 0);
  let slope = weights.map((v, k) => v / sum - (k === label ? 1 : 0));
  for (let k = layers.length - 1; k >= 0; k--) {
    const { outputs, inputs, weight, bias } = layers[k]!;
    const below = new Float64Array(inputs);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        below[i]! += weight[o * inputs + i]! * slope[o]!;
        weight[o * inputs + i]! -= rate * slope[o]! * states[k]![i]!;
      }
      bias[o]! -= rate * slope[o]!;
    }
    slope = below.map((v, i) => (states[k]![i]! > 0 ? v : 0));
  }
}

function times({ outputs, inputs, weight, bias }: Layer, x: Float64Array): Float64Array {
  return Float64Array.from({ length: outputs }, (_, o) =>
    x.reduce((sum, v, i) => sum + weight[o * inputs + i]! * v, bias[o]!),
  );
}

function networkOf(layers: readonly Layer[]): Network {
  const b = new NetworkBuilder('trained');
  let last = b.input('x', [INPUTS]);
  for (const [k, { outputs, inputs, weight, bias }] of layers.entries()) {
    last = b.add(`fc${k}`, { kind: 'affine', outputs, inputs, weight: weight.slice(), bias: bias.slice() }, [
      last,
    ]);
    if (k < layers.length - 1)
      last = b.add(`relu${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [last]);
  }
  return b.build(last);
}
