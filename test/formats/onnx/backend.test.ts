/**
 * ONNX's own backend models, which Debian's package libonnx-testdata ships: a node or a small network each, with inputs and outputs. All
 * inputs but the first are held at the numbers that come with them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { Budget } from '../../../src/formats/budget.ts';
import { ModelProtoSchema, TensorProtoSchema } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { readOnnx } from '../../../src/formats/onnx/read.ts';
import { decodeTensor } from '../../../src/formats/onnx/values/tensors.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';

const ROOT = '/usr/share/libonnx-testdata/data';

/** Casts to halves are read as what they are up to rounding; of a shape every sample of a batch says the same. */
const OTHERWISE = /^test_(cast(like)?_(DOUBLE|FLOAT)_to_FLOAT16|shape_start_)/;

/** Why nothing can be read: no bound exists, or there is no network of numbers, at inference, to bound. */
const NOTHING_THERE =
  /no global bound exists|must be a tensor of numbers|wraps around|random numbers|must not depend on the input|bounded at inference|evaluation mode|a network must have an input|to data type 8|got like/;

type Outcome = 'read' | 'refused' | 'nothing there' | 'without numbers' | { readonly difference: string };

function tensorIn(file: string) {
  if (!existsSync(file)) return undefined;
  const stores = { external: new Map<string, Uint8Array>(), movable: false };
  try {
    return decodeTensor(file, fromBinary(TensorProtoSchema, readFileSync(file)), stores, new Budget(1e8));
  } catch {
    // Text, sequences and half numbers of other kinds.
    return undefined;
  }
}

async function outcomesOf(folder: string, name: string): Promise<Outcome[]> {
  const bytes = readFileSync(join(folder, 'model.onnx'));
  const graph = fromBinary(ModelProtoSchema, bytes).graph!;
  const weights = new Set(graph.initializer.map((tensor) => tensor.name));
  const inputs = graph.input.map((input) => input.name).filter((input) => !weights.has(input));
  const data = (kind: string, k: number) => tensorIn(join(folder, 'test_data_set_0', `${kind}_${k}.pb`));
  const x = data('input', 0);
  const fix = new Map(
    inputs.slice(1).flatMap((input, k) => {
      const value = data('input', k + 1);
      return value ? [[input, { shape: value.shape, data: value.data }] as const] : [];
    }),
  );
  const outcomes: Outcome[] = [];
  for (const [k, { name: output }] of graph.output.entries()) {
    try {
      const network = await readOnnx(new Uint8Array(bytes), {
        ...{ name, output },
        ...(inputs.length > 1 && { input: inputs[0]!, fix }),
      });
      const y = data('output', k);
      const length = network.tensors[network.input]!.shape.reduce((a, b) => a * b, 1);
      if (!x || !y) outcomes.push('without numbers');
      else outcomes.push(compared(valuesOf(network, Float64Array.from(x.data), length), [...y.data]));
    } catch (error) {
      if (!(error instanceof InputError || error instanceof UnsupportedError)) throw error;
      outcomes.push(NOTHING_THERE.test(error.message) ? 'nothing there' : 'refused');
    }
  }
  return outcomes;
}

/** One sample after the other. */
function valuesOf(network: Parameters<typeof evaluate>[0], x: Float64Array, length: number): number[] {
  const values: number[] = [];
  for (let at = 0; at < x.length; at += length) values.push(...evaluate(network, x.slice(at, at + length)));
  return values;
}

function compared(found: readonly number[], expected: readonly number[]): Outcome {
  const close = (a: number, b: number) => Object.is(a, b) || Math.abs(a - b) <= 1e-4 * (1 + Math.abs(b));
  const equal = found.length === expected.length && expected.every((value, k) => close(found[k]!, value));
  return equal ? 'read' : { difference: `${found.slice(0, 4)} for ${expected.slice(0, 4)}` };
}

it.skipIf(!existsSync(ROOT))('what is read of ONNX’s backend models has their values', async () => {
  const counts = { read: 0, refused: 0, 'nothing there': 0, 'without numbers': 0 };
  const differing: string[] = [];
  for (const group of readdirSync(ROOT)) {
    for (const name of readdirSync(join(ROOT, group))) {
      const folder = join(ROOT, group, name);
      if (!existsSync(join(folder, 'model.onnx'))) continue;
      for (const outcome of await outcomesOf(folder, name)) {
        if (typeof outcome === 'string') counts[outcome]++;
        else if (!OTHERWISE.test(name)) differing.push(`${group}/${name}: ${outcome.difference}`);
      }
    }
  }
  console.log(
    `ONNX's backend models: ${counts.read} outputs read, ${counts.refused} not; of ${counts['nothing there']} more there is no bound or nothing to bound`,
  );
  expect(differing).toEqual([]);
  // Sequences, loops, empty tensors and the like, which would have one.
  expect(counts.refused).toBeLessThanOrEqual(61);
  expect(counts.read).toBeGreaterThanOrEqual(832);
});
