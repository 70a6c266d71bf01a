/** Files that claim to be large: memory and time are bounded before anything is allocated. */
import { describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.browser.ts';
import { openWeights } from '../../src/formats/weights/open.ts';
import { floats, npyHeader, zip } from '../certify/data/files.ts';
import { file } from './files/networks.ts';

/** Bytes that the arrays of the process take more after than before. */
async function taken(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  await work();
  return process.memoryUsage().arrayBuffers - before;
}

const MEGABYTE = 2 ** 20;

async function refusesAll(bytes: Uint8Array, name: string, message: RegExp): Promise<void> {
  const read = async () => {
    const arrays = await openWeights(bytes, name);
    for (const array of arrays.values()) await array.numbers();
  };
  const error = await read().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
}

/** The pickle of one tensor of float32 in storage 0, whose every row is the same. */
function pickled(shape: readonly number[], strides: readonly number[], size: number): Buffer {
  const text = (value: string) =>
    Buffer.concat([Buffer.from([0x58, value.length, 0, 0, 0]), Buffer.from(value)]);
  const integer = (value: number) => {
    const bytes = Buffer.alloc(5, 0x4a);
    bytes.writeInt32LE(value, 1);
    return bytes;
  };
  const tuple = (parts: readonly Buffer[]) => Buffer.concat([Buffer.from('('), ...parts, Buffer.from('t')]);
  return Buffer.concat([
    ...[
      Buffer.from([0x80, 2]),
      Buffer.from('}('),
      text('w'),
      Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n('),
    ],
    tuple([text('storage'), Buffer.from('ctorch\nFloatStorage\n'), text('0'), text('cpu'), integer(size)]),
    ...[Buffer.from('Q'), integer(0), tuple(shape.map(integer)), tuple(strides.map(integer))],
    Buffer.from('tRu.'),
  ]);
}

const torch = (pickle: Buffer, data: Buffer) =>
  new Uint8Array(zip({ 'm/data.pkl': pickle, 'm/data/0': data }, { store: true }));

describe('a file that claims to be large is refused', () => {
  it('an archive of NumPy that unpacks to a gigabyte', async () => {
    const header = npyHeader('<f8', [2 ** 27]);
    const bytes = zip({ 'w.npy': Buffer.concat([header, Buffer.alloc(2 ** 24)]) });
    // Its sizes say what they should be, and its numbers are not looked at.
    const claimed = zip(
      { 'w.npy': Buffer.concat([header, Buffer.alloc(2 ** 24)]) },
      { claims: { length: header.length + 2 ** 30 } },
    );
    await refusesAll(new Uint8Array(bytes), 'a.npz', /takes 1073741\d+ bytes, got 16777\d+/);
    await refusesAll(new Uint8Array(claimed), 'a.npz', /must fit their limit/);
  });

  it('a tensor that repeats a number', async () => {
    const good = await openWeights(torch(pickled([2, 3], [0, 1], 3), floats([1, 2, 3])), 'a.pth');
    expect([...(await good.get('w')!.numbers())]).toEqual([1, 2, 3, 1, 2, 3]);
    const bytes = torch(pickled([100_000, 100_000], [0, 0], 1), floats([1]));
    const used = await taken(() => refusesAll(bytes, 'a.pth', /must fit their limit/));
    expect(used).toBeLessThan(MEGABYTE);
  });

  it('a tensor outside of its storage', async () => {
    await refusesAll(torch(pickled([4], [1], 3), floats([1, 2, 3])), 'a.pth', /lies outside of its storage/);
    await refusesAll(torch(pickled([3], [1], 3), floats([1, 2])), 'a.pth', /takes 12 bytes, got 8/);
  });

  it('a MAT-file that unpacks to much', async () => {
    const { deflateSync } = await import('node:zlib');
    const packed = deflateSync(Buffer.alloc(2 ** 29));
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(15, 0);
    tag.writeUInt32LE(packed.length, 4);
    const head = Buffer.alloc(128, 0x20);
    head.set([0, 1, 0x49, 0x4d], 124);
    await refusesAll(new Uint8Array(Buffer.concat([head, tag, packed])), 'a.mat', /must fit their limit/);
  });

  it('an array of HDF5 that was never written, and groups that hold themselves', async () => {
    const { File, ready } = await import('h5wasm');
    const { FS } = await ready;
    const made = (fill: (content: InstanceType<typeof File>) => void) => {
      const content = new File('/made.h5', 'w');
      fill(content);
      content.close();
      return (FS.readFile('/made.h5') as Uint8Array).slice();
    };
    const large = made((content) => {
      const one = content.create_dataset({
        ...{ name: 'w', data: new Float32Array(1), shape: [1, 1] },
        ...{ maxshape: [100_000, 100_000], chunks: [1000, 1000] },
      });
      one.resize([100_000, 100_000]);
    });
    expect(large.length).toBeLessThan(5e6);
    await refusesAll(large, 'a.h5', /must fit their limit/);
    const circular = made((content) => {
      content.create_group('a');
      for (const name of ['b', 'c', 'd']) content.create_hard_link('/', `/a/${name}`);
    });
    await refusesAll(circular, 'b.h5', /groups must lie in one place/);
  });

  it.each([
    ['an object larger than all', 0, 2n ** 32n - 16n],
    ['an object that wraps round', 0, 2n ** 64n - 16n],
    ['free space of nothing', 0xffff, 0n],
  ])('a heap of HDF5 that would never end: %s', async (_, number, size) => {
    const bytes = file('mlp.h5');
    const heap = Buffer.from(bytes).indexOf('GCOL\x01\x00\x00\x00', 0, 'latin1');
    expect(heap).toBeGreaterThan(0);
    const view = new DataView(bytes.buffer);
    // The first object stands behind the heap's own header: its number, then its size.
    if (number === 0xffff) view.setUint16(heap + 16, 0, true);
    view.setBigUint64(heap + 24, size, true);
    await refusesAll(bytes, 'a.h5', /a global heap holds what is not in it/);
  });

  it('texts of HDF5 that claim to have a gigabyte and more', async () => {
    const bytes = file('mlp.h5');
    const heap = Buffer.from(bytes).indexOf('GCOL\x01\x00\x00\x00', 0, 'latin1');
    const view = new DataView(bytes.buffer);
    // A text is told by its length, the heap that it lies in, and its number there.
    const texts = Array.from({ length: bytes.length - 16 }, (_, at) => at).filter(
      (at) => view.getBigUint64(at + 4, true) === BigInt(heap) && view.getUint32(at, true) > 0,
    );
    expect(texts.length).toBeGreaterThan(2);
    for (const at of texts) view.setUint32(at, 0x70000000, true);
    const before = process.memoryUsage().rss;
    await expect(loadNetwork(new File([bytes as BlobPart], 'a.h5'))).rejects.toThrow(InputError);
    expect(process.memoryUsage().rss - before).toBeLessThan(4e8);
  });

  it('HDF5 once its library has trapped, whose memory nobody knows then', async () => {
    class Trapping {
      constructor() {
        throw new WebAssembly.RuntimeError('unreachable');
      }
    }
    const FS = { writeFile: () => {}, unlink: () => {} };
    const ready = Promise.resolve({ activate_throwing_error_handler: () => 0 });
    vi.resetModules();
    vi.doMock('h5wasm', () => ({ File: Trapping, FS, ready }));
    try {
      const { withHdf5 } = await import('../../src/formats/hdf5/hdf5.ts');
      const { Budget } = await import('../../src/formats/budget.ts');
      const read = () => withHdf5(file('mlp.h5'), 'a.h5', new Budget(0), () => 1);
      await expect(read()).rejects.toThrow(/broken HDF5 file, got an error: unreachable/);
      await expect(read()).rejects.toThrow(/has broken down over an earlier file; start again/);
    } finally {
      vi.doUnmock('h5wasm');
      vi.resetModules();
    }
  });

  it('a pickle of many objects, and one that refers to itself', async () => {
    await refusesAll(
      torch(Buffer.alloc(2 ** 24 + 1, 0x5d), floats([1])),
      'a.pth',
      /must have at most 16777216 bytes/,
    );
    const itself = Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x4b, 1, 0x68, 0, 0x73, 0x2e]);
    await refusesAll(torch(itself, floats([1])), 'a.pth', /must hold a dictionary of tensors/);
  });

  it('a pickle that would call something', async () => {
    const call = Buffer.from('\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.', 'latin1');
    await refusesAll(torch(call, floats([1])), 'a.pth', /got os\.system, which is never unpickled/);
  });

  it.each(['[', '{"a":'])('JSON of very many lists or objects within each other: %s', async (open) => {
    const nested = (count: number) => `${open.repeat(count)}1${(open === '[' ? ']' : '}').repeat(count)}`;
    for (const format of [
      '"format":"lipsoid-architecture","input"',
      '"weightsManifest":[],"modelTopology"',
    ]) {
      const read = (count: number) =>
        loadNetwork(new TextEncoder().encode(`{"deep":"]]\\"}[",${format}:${nested(count)},"layers":[]}`));
      await expect(read(200_000)).rejects.toThrow(/must be nested at most 128 deep/);
      await expect(read(128)).rejects.toThrow(/must be nested at most 128 deep/);
      await expect(read(127)).rejects.toThrow(/must be|weightsManifest/);
      await expect(read(127)).rejects.not.toThrow(/nested/);
    }
  });

  it('layers of Keras that repeat samples very often', async () => {
    const layers = [
      {
        class_name: 'UpSampling2D',
        config: { name: 'up', size: [30_000, 30_000], batch_input_shape: [null, 1, 1, 3] },
      },
    ];
    const document = {
      modelTopology: { class_name: 'Sequential', config: { name: 's', layers } },
      weightsManifest: [],
    };
    const reading = loadNetwork(new TextEncoder().encode(JSON.stringify(document)));
    await expect(reading).rejects.toThrow(/channels times samples must be at most/);
  });
});
