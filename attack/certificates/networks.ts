/** Small networks as files, one of every way in which a certificate is made, with the steepest slope that is known of each. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
} from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { writeOnnx } from '../../src/formats/onnx/writing/write.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { smallCnn, smallMlp } from '../../test/certificate/networks.ts';
import { Random } from '../../test/support/random.ts';
import { convolution, RELU, SIGNAL_FAMILIES } from '../../test/support/signals.ts';
import type { Files } from '../files/mutate.ts';

export interface Specimen extends Files {
  readonly name: string;
  /** Options of `bound` that make its certificate. */
  readonly options: readonly string[];
}

const TORUS = ['--method', 'closed-form', '--rule', 'GC(1.5)'];
const UNROLLED = ['--method', 'unrolled', '--rule', 'GC(1.5)'];
const SEARCHED = ['--method', 'refined', '--evaluations', '10'];
const ANY_LENGTH = [...TORUS, '--length', 'any'];
const EXACT = ['--method', 'exact'];
const MARGINS = ['--target', 'margins'];

export const SPECIMENS: readonly Specimen[] = [
  specimen('dense', smallMlp(), SEARCHED),
  specimen('linear', linear(), TORUS),
  specimen('margins', linear(), [...TORUS, ...MARGINS]),
  specimen('margins, searched', shortcut(), [...SEARCHED, ...MARGINS]),
  specimen('shortcut', shortcut(), SEARCHED),
  specimen('signal', signal(), TORUS),
  specimen('signal unrolled', signal(), UNROLLED),
  specimen('pooled image', smallCnn(), TORUS),
  specimen('pooled image unrolled', smallCnn(), UNROLLED),
  specimen('any length', SIGNAL_FAMILIES['chain with a stride']!(12), ANY_LENGTH),
  specimen('pooled, any length', SIGNAL_FAMILIES.pooled!(24), ANY_LENGTH),
  specimen(
    'constant',
    straight((x) => x),
    EXACT,
  ),
  specimen(
    'constant, parts that are flat',
    straight((x) => Math.round(1.5 * x)),
    EXACT,
  ),
  { ...specimen('external data', smallMlp(2), SEARCHED), ...withExternalData(writeOnnx(smallMlp(2))) },
];

function specimen(name: string, network: Network, options: readonly string[]): Specimen {
  return { name, options, model: writeOnnx(network), external: new Map() };
}

function affine(random: Random, outputs: number, inputs: number): Operator {
  return { kind: 'affine', outputs, inputs, weight: random.normals(outputs * inputs).map(Math.fround) };
}

/** Nothing but matrices: its constant is known to the last digit. */
function linear(): Network {
  const random = new Random(3);
  const b = new NetworkBuilder('linear');
  const x = b.input('x', [5]);
  return b.build(b.add('second', affine(random, 3, 4), [b.add('first', affine(random, 4, 5), [x])]));
}

/** 3-5-4-2, whose first two neurons are one. */
function straight(entry: (x: number) => number): Network {
  const random = new Random(6);
  const sizes = [3, 5, 4, 2];
  return NetworkBuilder.fromDense(
    sizes.slice(1).map((rows, k) => {
      const weight = Array.from({ length: rows }, () => [...random.normals(sizes[k]!)].map(entry));
      if (k === 0) weight[1] = weight[0]!;
      const bias = [...random.normals(rows, 0.5)].map(entry);
      if (k === 0) bias[1] = bias[0]!;
      return { weight, bias, ...(k < 2 && { activation: 'relu' as const }) };
    }),
  );
}

/** x + f(x) twice. */
function shortcut(): Network {
  const random = new Random(4);
  const b = new NetworkBuilder('shortcut');
  let x = b.input('x', [4]);
  for (const k of [0, 1]) {
    const inner = b.add(`relu_${k}`, RELU, [b.add(`in_${k}`, affine(random, 4, 4), [x])]);
    const out = b.add(`out_${k}`, affine(random, 4, 4), [inner]);
    x = b.add(`sum_${k}`, { kind: 'add', coefficients: [1, 1] }, [x, out]);
  }
  return b.build(x);
}

/** Zero-padded convolutions of a short signal, with a stride. */
function signal(): Network {
  const random = new Random(5);
  const b = new NetworkBuilder('signal');
  const leaky: Operator = { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.25 } };
  let x = b.input('x', [2, 6]);
  x = b.add('phi_1', leaky, [b.add('conv_1', convolution(random, 2, 2, 3), [x])]);
  x = b.add('phi_2', leaky, [b.add('conv_2', convolution(random, 2, 2, 3, { stride: 2 }), [x])]);
  return b.build(b.add('conv_3', convolution(random, 2, 2, 3), [x]));
}

/** The model with every initialiser in one of two files, with room between them. */
export function withExternalData(bytes: Uint8Array): Files {
  const model = fromBinary(ModelProtoSchema, bytes);
  const external = new Map<string, Uint8Array>();
  for (const [k, tensor] of model.graph!.initializer.entries()) {
    if (tensor.rawData.length === 0) continue;
    const location = k % 2 === 0 ? 'a.bin' : 'b.bin';
    const before = external.get(location) ?? new Uint8Array();
    external.set(location, new Uint8Array(Buffer.concat([before, tensor.rawData, new Uint8Array(4)])));
    refer(tensor, { location, offset: before.length, length: tensor.rawData.length });
  }
  return { model: toBinary(ModelProtoSchema, model), external };
}

export function refer(tensor: TensorProto, where: Readonly<Record<string, string | number>>): void {
  tensor.externalData = Object.entries(where).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value: String(value) }),
  );
  tensor.rawData = new Uint8Array();
  tensor.dataLocation = 1;
}
