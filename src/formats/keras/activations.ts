/** Keras's activations by their names. */
import type { Elementwise } from '../../network/elementwise/table.ts';
import type { TensorId } from '../../network/network.ts';
import { isObject, type Json, shown } from '../fields.ts';
import { PLAIN } from '../layers/functions.ts';
import { isOwnModule } from './modules.ts';
import type { Place } from './place.ts';

/** Slope of `leaky_relu` by name; the layer has another. */
const LEAKY: Elementwise = { name: 'leaky-relu', slope: 0.2 };

const FUNCTIONS: Readonly<Record<string, Elementwise>> = {
  relu: PLAIN.relu,
  relu6: PLAIN.relu6,
  leaky_relu: LEAKY,
  elu: { name: 'elu', alpha: 1 },
  celu: { name: 'celu', alpha: 1 },
  selu: PLAIN.selu,
  sigmoid: PLAIN.sigmoid,
  tanh: PLAIN.tanh,
  softplus: PLAIN.softplus,
  softsign: PLAIN.softsign,
  silu: PLAIN.silu,
  swish: PLAIN.silu,
  gelu: PLAIN.gelu,
  mish: PLAIN.mish,
  hard_silu: PLAIN['hard-swish'],
  hard_swish: PLAIN['hard-swish'],
  hard_tanh: PLAIN['hard-tanh'],
};

/** @throws UnsupportedError for functions that are not known or have no bounded slope */
export function activation(
  place: Place,
  x: TensorId,
  value: Json | undefined,
  part = 'activation',
): TensorId {
  const name = nameOf(value);
  if (name === 'linear') return x;
  if (name === 'softmax' || name === 'log_softmax') {
    return place.add({ kind: 'softmax', logarithm: name === 'log_softmax' }, [x], part);
  }
  const f = name === 'hard_sigmoid' ? hardSigmoid(place) : functionOf(name);
  if (f) return place.add({ kind: 'nonlinearity', function: f }, [x], part);
  return place.refuse(
    `the activation ${name ?? shown(value)}`,
    `it is not known or its slope has no bound; known are ${['linear', 'softmax', 'hard_sigmoid', ...Object.keys(FUNCTIONS)].join(', ')}`,
  );
}

/** Until Keras 3, and in TensorFlow.js, it had another slope than PyTorch's. */
function hardSigmoid(place: Place): Elementwise {
  const { version } = place.reading;
  if (version === undefined) {
    place.refuse('hard_sigmoid', 'its slope is that of a version of Keras, which the file does not say');
  }
  return { name: 'hard-sigmoid', alpha: version >= 3 ? 1 / 6 : 0.2, beta: 0.5 };
}

function functionOf(name: string | undefined): Elementwise | undefined {
  return name !== undefined && Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
}

/** Keras 3 writes functions as objects too; those of somebody else have a name of theirs, `Custom>relu`, or a module. */
function nameOf(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return 'linear';
  if (typeof value === 'string') return value;
  if (!isObject(value) || value.class_name !== 'function' || typeof value.config !== 'string')
    return undefined;
  const { module, registered_name: registered, config } = value;
  const own = isOwnModule(module) || module === 'builtins';
  return own && [undefined, null, 'function', config].includes(registered as string) ? config : undefined;
}
