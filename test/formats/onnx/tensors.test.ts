/** Number formats, and where the bytes of a tensor come from. */
import { create } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { Budget } from '../../../src/formats/budget.ts';
import { decodeModel } from '../../../src/formats/onnx/protobuf/model.ts';
import { type TensorProto, TensorProtoSchema } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { readOnnx } from '../../../src/formats/onnx/read.ts';
import { DataType, decodeTensor, EXTERNAL, isPlainName } from '../../../src/formats/onnx/values/tensors.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { floats, model, node, read } from './build.ts';

const decode = (tensor: TensorProto, files: Record<string, Uint8Array> = {}) =>
  decodeTensor(
    'initializer w',
    tensor,
    { external: new Map(Object.entries(files)), movable: false },
    new Budget(1000),
  );

const raw = (dataType: number, bytes: readonly number[], dims: readonly bigint[]) =>
  create(TensorProtoSchema, { name: 'w', dataType, rawData: Uint8Array.from(bytes), dims: [...dims] });

describe('formats', () => {
  it.each([
    ['float', DataType.FLOAT, [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0], [1, -2.5]],
    ['double', DataType.DOUBLE, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 4, 0xc0], [1, -2.5]],
    ['float16', DataType.FLOAT16, [0, 0x3c, 0, 0xc1], [1, -2.5]],
    ['subnormal float16', DataType.FLOAT16, [1, 0, 0xff, 0x83], [2 ** -24, -1023 * 2 ** -24]],
    ['bfloat16', DataType.BFLOAT16, [0x80, 0x3f, 0x20, 0xc0], [1, -2.5]],
    ['int8', DataType.INT8, [1, 0xfe], [1, -2]],
    ['uint8', DataType.UINT8, [1, 0xfe], [1, 254]],
    ['int32', DataType.INT32, [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff], [1, -2]],
    ['int64', DataType.INT64, [1, 0, 0, 0, 0, 0, 0, 0, ...new Array<number>(8).fill(0xff)], [1, -1]],
    ['bool', DataType.BOOL, [1, 0], [1, 0]],
  ])('%s raw data is little endian', (_, dataType, bytes, values) => {
    expect([...decode(raw(dataType, bytes, [2n])).data]).toEqual(values);
  });

  it('float16 in its typed field is a bit pattern', () => {
    const tensor = create(TensorProtoSchema, {
      dataType: DataType.FLOAT16,
      dims: [2n],
      int32Data: [0x3c00, 0xc100],
    });
    expect([...decode(tensor).data]).toEqual([1, -2.5]);
  });

  it('raw bytes need not be aligned', () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat64(1, -7.25, true);
    const tensor = create(TensorProtoSchema, {
      dataType: DataType.DOUBLE,
      dims: [1n],
      rawData: bytes.subarray(1),
    });
    expect([...decode(tensor).data]).toEqual([-7.25]);
  });

  it('all float32 survive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 20 }),
        (values) => {
          const bytes = [...new Uint8Array(Float32Array.from(values).buffer)];
          const tensor = raw(DataType.FLOAT, bytes, [BigInt(values.length)]);
          expect([...decode(tensor).data]).toEqual(values);
        },
      ),
    );
  });

  it('casts to float16 and bfloat16 round to the nearest, ties to even', async () => {
    const rounded = async (to: bigint, values: number[]) => {
      const initializers = [floats('w', [values.length], values)];
      const nodes = [node('Cast', 'w', 'h', { to }), node('Mul', 'x h', 'y')];
      const inputs = { x: ['N', values.length] };
      const network = await read(model(nodes, { inputs, initializers, inputType: Number(to) }));
      return [...evaluate(network, new Float64Array(values.length).fill(1))];
    };
    const [u, v] = [2 ** -11, 2 ** -8];
    const halves = [1 + u, 1 + 3 * u, -1 - u, 1 + 1.5 * u, 2 ** -25, 3 * 2 ** -25, 65519];
    expect(await rounded(10n, halves)).toEqual([1, 1 + 4 * u, -1, 1 + 2 * u, 0, 2 ** -23, 65504]);
    expect(await rounded(16n, [1 + v, 1 + 3 * v, 1 + 1.5 * v])).toEqual([1, 1 + 4 * v, 1 + 2 * v]);
  });

  it('others are refused by their number', () => {
    expect(() => decode(raw(17, [0], [1n]))).toThrow(UnsupportedError);
    expect(() => decode(raw(8, [0], [1n]))).toThrow(/initializer w: data type 8/);
  });
});

describe('sizes', () => {
  it.each([
    ['too few bytes', raw(DataType.FLOAT, [0, 0, 0, 0], [2n])],
    ['too many bytes', raw(DataType.FLOAT, new Array<number>(12).fill(0), [2n])],
    ['no data', raw(DataType.FLOAT, [], [2n])],
    ['a negative side', raw(DataType.FLOAT, [], [-1n])],
    ['a huge side', raw(DataType.FLOAT, [], [2n ** 62n])],
    ['a huge product', raw(DataType.FLOAT, [0], [2n ** 31n, 2n ** 31n])],
    ['too many axes', raw(DataType.FLOAT, [0, 0, 0, 0], new Array<bigint>(100).fill(1n))],
  ])('%s', (_, tensor) => {
    expect(() => decode(tensor)).toThrow(InputError);
  });
});

describe('numbers that are none', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])('%s among weights names the tensor', async (value) => {
    const bytes = model([node('Mul', 'x w', 'y')], { initializers: [floats('w', [4], [1, value, 1, 1])] });
    await expect(read(bytes)).rejects.toThrow(
      /initializer w: entries must be finite, got (NaN|Infinity) at 1/,
    );
  });

  it('a weight that is a single infinity is refused where it is used', async () => {
    const initializers = [floats('w', [], [Number.POSITIVE_INFINITY])];
    await expect(read(model([node('Mul', 'x w', 'y')], { initializers }))).rejects.toThrow(InputError);
    const bounded = model([node('Clip', 'x l w', 'y')], {
      initializers: [...initializers, floats('l', [], [0])],
    });
    expect((await read(bounded)).nodes).toHaveLength(1);
  });

  it('weights computed to infinity are refused', async () => {
    const nodes = [node('Div', 'a z', 'w'), node('Mul', 'x w', 'y')];
    const initializers = [floats('a', [4], [1, 1, 1, 1]), floats('z', [], [0])];
    await expect(read(model(nodes, { initializers }))).rejects.toThrow(InputError);
  });
});

describe('external data', () => {
  const external = (entries: Record<string, string>) =>
    create(TensorProtoSchema, {
      name: 'w',
      dataType: DataType.FLOAT,
      dims: [2n],
      dataLocation: EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const file = new Uint8Array(Float32Array.of(9, 1, 2, 9).buffer);

  it('is cut out by offset and length', () => {
    const tensor = external({ location: 'w.bin', offset: '4', length: '8' });
    expect([...decode(tensor, { 'w.bin': file }).data]).toEqual([1, 2]);
  });

  it('ends with the file where no length is given', () => {
    expect([...decode(external({ location: 'w.bin', offset: '8' }), { 'w.bin': file }).data]).toEqual([2, 9]);
  });

  it.each([
    { offset: '12', length: '8' },
    { offset: '17' },
    { offset: '-4', length: '8' },
    { offset: '4.5', length: '8' },
    { offset: '1e1', length: '8' },
    { offset: '99999999999999999999', length: '8' },
    { offset: '4', length: '4' },
  ])('is refused outside of the file: %o', (range) => {
    const tensor = external({ location: 'w.bin', ...range });
    expect(() => decode(tensor, { 'w.bin': file })).toThrow(InputError);
  });

  it.each(['../w.bin', '/etc/passwd', 'a/b', 'a\\b', 'C:w', '..', '.', '', 'a\0b'])(
    'has a plain name: %j is none',
    (location) => {
      expect(isPlainName(location)).toBe(false);
      expect(() => decode(external({ location }), { [location]: file })).toThrow(InputError);
    },
  );

  it('is not multiplied by tensors that share it', async () => {
    const megabyte = new Uint8Array(2 ** 20);
    const shared = Array.from({ length: 400 }, (_, k) => ({
      ...external({ location: 'w.bin' }),
      name: `w${k}`,
      dims: [2n ** 18n],
    }));
    const names = shared.map(({ name }) => name).join(' ');
    const bytes = model([node('Sum', `x ${names}`, 'y')], {
      inputs: { x: ['N', 2 ** 18] },
      initializers: shared,
    });
    const fetch = () => Promise.resolve(megabyte);
    await expect(read(bytes, { external: fetch })).rejects.toThrow(/must fit their limit/);
  });

  it('is asked for once per file', async () => {
    const asked: string[] = [];
    const tensor = external({ location: 'w.bin', offset: '4', length: '8' });
    const other = { ...tensor, name: 'v' };
    const bytes = model([node('Mul', 'x w', 'a'), node('Add', 'a v', 'y')], {
      inputs: { x: ['N', 2] },
      initializers: [tensor, other],
    });
    const fetch = (location: string) => {
      asked.push(location);
      return Promise.resolve(file);
    };
    const network = await read(bytes, { external: fetch });
    expect(asked).toEqual(['w.bin']);
    expect(network.nodes).toHaveLength(2);
    await expect(read(bytes)).rejects.toThrow(/initializer w: .* got no file w.bin/);
  });
});

describe('floats of 32 bits', () => {
  const values = Array.from({ length: 64 }, (_, k) => Math.fround(Math.sin(k)));

  /** y = W x, W 8 × 8, in a model with a text of so many characters in front of the weights. */
  const withText = (length: number) => {
    const rawData = new Uint8Array(Float32Array.from(values).buffer);
    const w = create(TensorProtoSchema, { name: 'w', dims: [8n, 8n], dataType: DataType.FLOAT, rawData });
    const text = create(TensorProtoSchema, {
      name: 't'.repeat(1 + length),
      dims: [0n],
      dataType: DataType.FLOAT,
    });
    return model([node('Gemm', 'x w', 'y', { transB: 1n })], {
      inputs: { x: ['N', 8] },
      initializers: [text, w],
    });
  };

  it.each([0, 1, 2, 3])('are the bytes of the model, wherever they lie in it: %i', async (length) => {
    const bytes = withText(length);
    const network = await readOnnx(bytes, { name: 'net', owned: true });
    const { operator } = network.nodes[0]!;
    if (operator.kind !== 'affine') throw new Error('must be affine');
    expect(operator.weight).toBeInstanceOf(Float32Array);
    expect((operator.weight as Float32Array).buffer).toBe(bytes.buffer);
    expect([...operator.weight]).toEqual(values);
  });

  it.each([0, 1, 2, 3])('are read from buffers of Node, which may begin anywhere: %i', async (start) => {
    const bytes = withText(0);
    const shifted = Buffer.alloc(bytes.length + start).subarray(start);
    shifted.set(bytes);
    const { operator } = (await readOnnx(shifted, { name: 'net' })).nodes[0]!;
    expect([...(operator as unknown as { weight: Float32Array }).weight]).toEqual(values);
  });

  it.each([0, 1, 2, 3])('leave bytes alone that are somebody else’s: %i', async (length) => {
    const bytes = withText(length);
    const before = bytes.slice();
    for (let k = 0; k < 2; k++) {
      const { operator } = (await readOnnx(bytes, { name: 'net' })).nodes[0]!;
      expect([...(operator as unknown as { weight: Float32Array }).weight]).toEqual(values);
    }
    expect(bytes).toEqual(before);
  });

  it.each([0, 1, 2, 3])('are found where they were moved to, by whoever reads them again: %i', (length) => {
    const tensor = decodeModel(withText(length)).graph!.initializer[1]!;
    const again = () => decodeTensor('w', tensor, { external: new Map(), movable: true }, new Budget(1000));
    const [first, second] = [again(), again()];
    expect([...first.data]).toEqual(values);
    expect([...second.data]).toEqual(values);
  });

  it('short ones are copied rather than moved over what stands in front', async () => {
    const bytes = model([node('Mul', 'x w', 'y')], {
      inputs: { x: ['N', 2] },
      initializers: [
        create(TensorProtoSchema, {
          ...{ name: 'w', dims: [2n], dataType: DataType.FLOAT },
          rawData: new Uint8Array(Float32Array.of(2, 3).buffer),
        }),
      ],
    });
    const before = bytes.slice();
    const network = await readOnnx(bytes, { name: 'net', owned: true });
    expect([...evaluate(network, Float64Array.of(1, 1))]).toEqual([2, 3]);
    expect(bytes).toEqual(before);
  });
});
