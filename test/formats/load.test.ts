/** Loading from a disk and in a page: external data, its limits, and the hash. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { loadNetwork as loadInBrowser } from '../../src/formats/load.browser.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { TensorProtoSchema } from '../../src/formats/onnx/onnx_pb.ts';
import { DataType, EXTERNAL } from '../../src/formats/onnx/tensors.ts';
import { evaluate } from '../../src/network/evaluate.ts';
import { model, node } from './onnx/build.ts';

const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const shifts = new Uint8Array(Float32Array.of(5, 6, 7, 8).buffer);

function external(name: string, location: string) {
  return create(TensorProtoSchema, {
    name,
    dims: [4n],
    dataType: DataType.FLOAT,
    dataLocation: EXTERNAL,
    externalData: [{ key: 'location', value: location }],
  });
}

/** y = w x + v, w and v in files of their own. */
function withExternal(w: string, v: string): Uint8Array {
  const initializers = [external('w', w), external('v', v)];
  return model([node('Mul', 'x w', 'a'), node('Add', 'a v', 'y')], { initializers });
}

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

const x = Float64Array.of(1, 1, 1, 1);

describe('loading from a disk', () => {
  let folder = '';
  beforeAll(async () => {
    const root = await mkdtemp(join(tmpdir(), 'lipsoid-'));
    folder = join(root, 'models');
    await mkdir(folder);
    await writeFile(join(root, 'outside.bin'), weights);
    await writeFile(join(folder, 'b.bin'), weights);
    await writeFile(join(folder, 'a.bin'), shifts);
    await symlink(join(root, 'outside.bin'), join(folder, 'out.bin'));
    await symlink(join(folder, 'b.bin'), join(folder, 'in.bin'));
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'sub', 'c.bin'), weights);
    await symlink('/dev/zero', join(folder, 'zero.bin'));
  });
  afterAll(() => rm(join(folder, '..'), { recursive: true }));

  const load = async (bytes: Uint8Array) => {
    const path = join(folder, 'net.onnx');
    await writeFile(path, bytes);
    return loadNetwork(path);
  };

  it('reads weights beside the model and hashes all files, external ones by name', async () => {
    const bytes = withExternal('b.bin', 'a.bin');
    const network = await load(bytes);
    expect([...evaluate(network, x)]).toEqual([6, 8, 10, 12]);
    expect(network.source).toEqual({ file: 'net.onnx', sha256: sha256(bytes, shifts, weights) });
    expect(network.name).toBe('net');
  });

  it('hashes a model without external data', async () => {
    const bytes = model([node('Relu', 'x', 'y')]);
    expect((await load(bytes)).source!.sha256).toBe(sha256(bytes));
  });

  it('follows links inside the folder', async () => {
    expect([...evaluate(await load(withExternal('in.bin', 'a.bin')), x)]).toEqual([6, 8, 10, 12]);
  });

  it.each([
    'out.bin',
    '../outside.bin',
    'sub/c.bin',
    'sub',
    'zero.bin',
    'missing.bin',
    '/etc/hostname',
    '..',
  ])('does not read %s', async (location) => {
    await expect(load(withExternal(location, 'a.bin'))).rejects.toThrow(InputError);
  });

  it.each(['missing.onnx', 'sub', 'zero.bin'])('does not read the model from %s', async (name) => {
    await expect(loadNetwork(join(folder, name))).rejects.toThrow(InputError);
  });

  it('passes options on', async () => {
    const path = join(folder, 'open.onnx');
    await writeFile(path, model([node('Relu', 'x', 'y')], { inputs: { x: ['N', 'n'] } }));
    await expect(loadNetwork(path)).rejects.toThrow(/give inputShape/);
    const network = await loadNetwork(path, { inputShape: [7], output: 'y' });
    expect(network.tensors[network.input]!.shape).toEqual([7]);
  });
});

describe('loading in a page', () => {
  const bytes = withExternal('b.bin', 'a.bin');
  const files = new Map<string, Blob | Uint8Array>([
    ['b.bin', new Blob([weights])],
    ['a.bin', shifts],
    ['other.bin', shifts],
  ]);
  const part = bytes as Uint8Array<ArrayBuffer>;

  it.each([
    ['a file', new File([part], 'net.onnx'), 'net.onnx'],
    ['a blob', new Blob([part]), 'model.onnx'],
    ['bytes', bytes, 'model.onnx'],
    ['a buffer', part.slice().buffer, 'model.onnx'],
  ])('takes %s', async (_, file, name) => {
    const network = await loadInBrowser(file, { external: files });
    expect([...evaluate(network, x)]).toEqual([6, 8, 10, 12]);
    expect(network.source).toEqual({ file: name, sha256: sha256(bytes, shifts, weights) });
  });

  it('says which file is missing', async () => {
    await expect(loadInBrowser(bytes, {})).rejects.toThrow(/got no file b.bin/);
  });
});
