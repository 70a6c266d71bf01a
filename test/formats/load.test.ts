/** Loading from a disk and in a page: external data, its limits, and the hash. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { readTextFile } from '../../src/files.node.ts';
import { loadNetwork as loadInBrowser } from '../../src/formats/load.browser.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { TensorProtoSchema } from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { DataType, EXTERNAL } from '../../src/formats/onnx/values/tensors.ts';
import { sha256 as digest, digestInWasm } from '../../src/formats/sha256.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { model, node } from './onnx/build.ts';

const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const shifts = new Uint8Array(Float32Array.of(5, 6, 7, 8).buffer);

function external(name: string, location: string) {
  return create(TensorProtoSchema, {
    name,
    dims: [4n],
    dataType: DataType.FLOAT,
    dataLocation: EXTERNAL,
    externalData: [
      { key: 'location', value: location },
      { key: 'length', value: '16' },
    ],
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

/** The list of docs/certificate.md, written by hand. */
function listed(model: Uint8Array, ...files: readonly (readonly [name: string, data: Uint8Array])[]): string {
  const lines = files.map(([name, data]) => `${sha256(data)} ${data.length} ${name}\n`);
  const list = `/lipsoid: model with external data, 1\n${sha256(model)} ${model.length}\n${lines.join('')}`;
  return sha256(new TextEncoder().encode(list));
}

const x = Float64Array.of(1, 1, 1, 1);

describe('text files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lipsoid-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['text', 'a ä\n'],
    ['a mark of the byte order, which is text', '\ufeff{}'],
  ])('hold %s', async (_, text) => {
    await writeFile(join(folder, 'file'), text);
    expect(await readTextFile(join(folder, 'file'), 'file', 100)).toBe(text);
  });

  it('are UTF-8', async () => {
    await writeFile(join(folder, 'file'), Uint8Array.of(0x7b, 0xff, 0x7d));
    await expect(readTextFile(join(folder, 'file'), 'file', 100)).rejects.toThrow(/must be text in UTF-8/);
  });
});

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
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(folder, 'pipe.bin')]);
  });
  afterAll(() => rm(join(folder, '..'), { recursive: true }));

  const load = async (bytes: Uint8Array) => {
    const path = join(folder, 'net.onnx');
    await writeFile(path, bytes);
    return loadNetwork(path);
  };

  it('reads weights beside the model and hashes all files', async () => {
    const bytes = withExternal('b.bin', 'a.bin');
    const network = await load(bytes);
    expect([...evaluate(network, x)]).toEqual([6, 8, 10, 12]);
    expect(network.source).toEqual({
      file: 'net.onnx',
      sha256: listed(bytes, ['a.bin', shifts], ['b.bin', weights]),
      bytes: bytes.length + shifts.length + weights.length,
      external: ['a.bin', 'b.bin'],
    });
    expect(network.name).toBe('net');
  });

  it('hashes where one file ends and another begins, and which is which', async () => {
    const hashOf = async (w: string, v: string, files: Record<string, Uint8Array>) => {
      const external = new Map(Object.entries(files));
      return (await loadInBrowser(withExternal(w, v), { external })).source!.sha256;
    };
    const both = new Uint8Array([...shifts, ...weights]);
    const at = (from: number, to: number) => both.subarray(from, to);
    const hashes = [
      await hashOf('a', 'b', { a: at(0, 16), b: at(16, 32) }),
      await hashOf('a', 'b', { a: at(16, 32), b: at(0, 16) }),
      await hashOf('b', 'a', { a: at(0, 16), b: at(16, 32) }),
      await hashOf('a', 'c', { a: at(0, 16), c: at(16, 32) }),
      await hashOf('A', 'a', { A: at(0, 16), a: at(16, 32) }),
    ];
    // The same bytes in another division: external files may be longer than what is read of them.
    hashes.push(
      await hashOf('a', 'b', { a: at(0, 20), b: new Uint8Array([...at(20, 32), 0, 0, 0, 0]) }),
      await hashOf('a', 'b', { a: at(0, 16), b: new Uint8Array([...at(16, 32), 0, 0, 0, 0]) }),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('sorts names by their bytes, as sort does with LC_ALL=C', async () => {
    // In UTF-16 the second comes first.
    const names = ['\uff5e.bin', '\u{1f600}.bin'] as const;
    const bytes = withExternal(...names);
    const external = new Map([
      [names[1], shifts],
      [names[0], weights],
    ]);
    const { source } = await loadInBrowser(bytes, { external });
    expect(source!.sha256).toBe(listed(bytes, [names[0], weights], [names[1], shifts]));
  });

  it('takes no list of files for a model', async () => {
    const list = new TextEncoder().encode(`/lipsoid: model with external data, 1\n${sha256(shifts)} 16\n`);
    await expect(loadInBrowser(list)).rejects.toThrow(InputError);
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
    'pipe.bin',
    'missing.bin',
    '/etc/hostname',
    '..',
  ])('does not read %s', async (location) => {
    await expect(load(withExternal(location, 'a.bin'))).rejects.toThrow(InputError);
  });

  it.each(['missing.onnx', 'sub', 'zero.bin', 'pipe.bin'])(
    'does not read the model from %s',
    async (name) => {
      await expect(loadNetwork(join(folder, name))).rejects.toThrow(InputError);
    },
  );

  it('passes options on', async () => {
    const path = join(folder, 'open.onnx');
    await writeFile(path, model([node('Relu', 'x', 'y')], { inputs: { x: ['N', 'n'] } }));
    await expect(loadNetwork(path)).rejects.toThrow(/the option inputShape/);
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
    ['a blob', new Blob([part]), 'model'],
    ['bytes', bytes, 'model'],
    ['a buffer', part.slice().buffer, 'model'],
  ])('takes %s', async (_, file, name) => {
    const network = await loadInBrowser(file, { external: files });
    expect([...evaluate(network, x)]).toEqual([6, 8, 10, 12]);
    expect(network.source).toEqual({
      file: name,
      sha256: listed(bytes, ['a.bin', shifts], ['b.bin', weights]),
      bytes: bytes.length + shifts.length + weights.length,
      external: ['a.bin', 'b.bin'],
    });
  });

  it('says which file is missing', async () => {
    await expect(loadInBrowser(bytes, {})).rejects.toThrow(/got no file b.bin/);
  });
});

describe('what is loaded', () => {
  const long = model([node('Mul', 'x w', 'y')], {
    inputs: { x: ['N', 64] },
    initializers: [
      create(TensorProtoSchema, {
        ...{ name: 'w', dims: [64n], dataType: DataType.FLOAT },
        rawData: new Uint8Array(new Float32Array(64).fill(2).buffer),
      }),
    ],
  });

  it.each([
    ['an array', long.slice()],
    // Whose `slice` is a view.
    ['a buffer of Node', Buffer.from(long)],
  ])('does not change with the bytes that it came from, nor they with it: %s', async (_, given) => {
    const network = await loadInBrowser(given);
    expect([...given]).toEqual([...long]);
    given.fill(0);
    expect([...evaluate(network, new Float64Array(64).fill(1))]).toEqual(new Array(64).fill(2));
  });

  it('ends with the signal, in a page and from a disk', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(loadInBrowser(long.slice(), { signal })).rejects.toThrow('enough');
    const folder = await mkdtemp(join(tmpdir(), 'lipsoid-'));
    try {
      await writeFile(join(folder, 'net.onnx'), long);
      await expect(loadNetwork(join(folder, 'net.onnx'), { signal })).rejects.toThrow('enough');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('lets others have their turn', async () => {
    const nodes = Array.from({ length: 4000 }, (_, k) =>
      node('Relu', k === 0 ? 'x' : `a${k}`, k === 3999 ? 'y' : `a${k + 1}`),
    );
    const controller = new AbortController();
    let turns = 0;
    const timer = setInterval(() => {
      if (++turns === 2) controller.abort(new Error('two turns are enough'));
    });
    const loading = loadInBrowser(model(nodes, { inputs: { x: ['N', 20_000] } }), {
      signal: controller.signal,
    });
    await expect(loading).rejects.toThrow('two turns are enough');
    clearInterval(timer);
  });
});

describe('SHA-256', () => {
  it('is that of Node, in WebAssembly and by the platform', async () => {
    for (const length of [0, 1, 1000, 2 ** 22 + 1]) {
      const bytes = new Uint8Array(length).map((_, k) => k * k);
      expect(await digestInWasm(bytes)).toBe(sha256(bytes));
      expect(await digest(bytes)).toBe(sha256(bytes));
    }
  });

  it('is there in pages that are not secure', async () => {
    vi.stubGlobal('crypto', {});
    try {
      expect(await digest(weights)).toBe(sha256(weights));
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('is there for what the browser does not take', async () => {
    const refuse = () => Promise.reject(new RangeError('Array buffer allocation failed'));
    vi.stubGlobal('crypto', { subtle: { digest: refuse } });
    try {
      expect(await digest(weights)).toBe(sha256(weights));
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('the format of a file', () => {
  const network = model([node('Relu', 'x', 'y')]);

  it('is seen from its first bytes, whatever its name is', async () => {
    const named = (name: string, bytes: Uint8Array) => loadInBrowser(new File([bytes.slice()], name));
    expect((await named('relu.onnx', network)).name).toBe('relu');
    expect((await named('relu.pb', network)).name).toBe('relu.pb');
    // Fields come in any order.
    const producer = Uint8Array.of(0x12, 1, 0x61);
    expect((await named('relu', new Uint8Array([...producer, ...network]))).nodes).toHaveLength(1);
  });

  it.each([
    ['text', new TextEncoder().encode('{ "name": "lipsoid" }')],
    ['nothing', new Uint8Array()],
  ])('that is not read is refused, naming what is: %s', async (_, bytes) => {
    const error = await loadInBrowser(new File([bytes], 'a.bin')).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(
      /^a\.bin: must be a model in a format that is read \(.*ONNX\), got another file$/,
    );
    // Whoever calls it ONNX is told what is wrong with it as such.
    await expect(loadInBrowser(new File([bytes], 'a.ONNX'))).rejects.toThrow(/^ONNX: /);
  });
});
