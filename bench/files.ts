/**
 * ONNX files of the size of real ones, with random weights in float32:
 *
 *     npx tsx bench/files.ts FOLDER vgg16 resnet18     # any of alexnet, vgg16, resnet18, resnet50
 *
 * Each network once in one file, as `vgg16.onnx`, and once with its weights beside it, as `vgg16_external.onnx`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
} from '../src/formats/onnx/protobuf/onnx_pb.ts';
import { EXTERNAL } from '../src/formats/onnx/values/tensors.ts';
import { writeOnnx } from '../src/formats/onnx/writing/write.ts';
import type { Network } from '../src/network/network.ts';
import { alexNet, resNet18, resNet50, vgg16 } from './networks.ts';

const NETWORKS: Readonly<Record<string, () => Network>> = {
  alexnet: alexNet,
  vgg16,
  resnet18: resNet18,
  resnet50: resNet50,
};

/** Weights smaller than this many bytes stay in the model, as PyTorch leaves them. */
const LEAST_EXTERNAL = 1024;

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined || !names.every((name) => name in NETWORKS)) {
  throw new Error(`usage: npx tsx bench/files.ts FOLDER [${Object.keys(NETWORKS).join('] [')}]`);
}
mkdirSync(folder, { recursive: true });
for (const name of names.length > 0 ? names : Object.keys(NETWORKS)) {
  const bytes = writeOnnx(inSingle(NETWORKS[name]!()));
  writeFileSync(join(folder, `${name}.onnx`), bytes);
  const { model, data } = withExternalData(bytes, `${name}_external.onnx.data`);
  writeFileSync(join(folder, `${name}_external.onnx`), model);
  writeFileSync(join(folder, `${name}_external.onnx.data`), data);
}

/** The network with weights that float32 holds. */
function inSingle(network: Network): Network {
  const nodes = network.nodes.map((node) => {
    const { operator } = node;
    if (!('weight' in operator)) return node;
    return { ...node, operator: { ...operator, weight: Float32Array.from(operator.weight) } };
  });
  return { ...network, nodes: nodes as Network['nodes'] };
}

/** The model with its large weights in a file of their own, one after the other, each on a border of 4 kB as PyTorch writes them. */
function withExternalData(bytes: Uint8Array, location: string): { model: Uint8Array; data: Uint8Array } {
  const model = fromBinary(ModelProtoSchema, bytes);
  const large = model.graph!.initializer.filter(({ rawData }) => rawData.length >= LEAST_EXTERNAL);
  const border = (n: number) => Math.ceil(n / 4096) * 4096;
  const data = new Uint8Array(large.reduce((sum, { rawData }) => border(sum) + rawData.length, 0));
  let end = 0;
  for (const tensor of large) {
    const offset = border(end);
    data.set(tensor.rawData, offset);
    end = offset + tensor.rawData.length;
    refer(tensor, location, offset);
  }
  return { model: toBinary(ModelProtoSchema, model), data };
}

function refer(tensor: TensorProto, location: string, offset: number): void {
  const entries = { location, offset: `${offset}`, length: `${tensor.rawData.length}` };
  tensor.externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  tensor.dataLocation = EXTERNAL;
  tensor.rawData = new Uint8Array();
}
