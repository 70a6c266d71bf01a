/** Constants of the types that ONNX Runtime has few kernels for, against typed arrays and by hand; what is refused. */
import { describe, expect, it } from 'vitest';
import type { NodeProto, TensorProto } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { type ElementType, integerRange } from '../../../src/formats/onnx/values/elementType.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { Random } from '../../network/arbitrary.ts';
import { integers, model, node, read } from './build.ts';
import { dataTypeOf, tensor } from './tensorProto.ts';

/** The entries of the constant c that nodes make, found as the factors of x. */
async function computed(nodes: NodeProto[], initializers: TensorProto[], size: number, opset = 13) {
  const factor = node('Cast', 'c', 'factor', { to: BigInt(DataType.DOUBLE) });
  const inputs = { x: ['N', size] };
  const all = [...nodes, factor, node('Mul', 'x factor', 'y')];
  const network = await read(model(all, { inputs, initializers, opset, inputType: DataType.DOUBLE }));
  return [...evaluate(network, new Float64Array(size).fill(1))];
}

const NARROW = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const;

type Narrow = keyof typeof NARROW;
const NARROW_TYPES = Object.keys(NARROW) as Narrow[];

function entries(random: Random, type: Narrow, length: number): number[] {
  const { least, greatest } = integerRange(type);
  const pick = [0, 1, 2, 100, Number(least), Number(greatest), Number(greatest) - 1];
  return Array.from(
    { length },
    () => NARROW[type].of(random.chance(0.5) ? random.pick(pick) : 2 ** 32 * random.next())[0]!,
  );
}

describe('integers wrap around', () => {
  const exact = {
    Add: (a: bigint, b: bigint) => a + b,
    Sub: (a: bigint, b: bigint) => a - b,
    Mul: (a: bigint, b: bigint) => a * b,
  };

  it.each(NARROW_TYPES)('%s', async (type) => {
    const random = new Random(7);
    for (const opType of ['Add', 'Sub', 'Mul'] as const) {
      const [a, b] = [entries(random, type, 40), entries(random, type, 40)];
      const initializers = [tensor('a', type, [40], a), tensor('b', type, [40], b)];
      const found = await computed([node(opType, 'a b', 'c')], initializers, 40, 14);
      // Number(BigInt.asUintN(32, …)) in front: typed arrays wrap what float64 holds.
      const expected = a.map((x, i) => {
        const whole = exact[opType](BigInt(x), BigInt(b[i]!));
        return NARROW[type].of(Number(BigInt.asUintN(32, whole)))[0]!;
      });
      expect(found).toEqual(expected);
    }
  });

  it.each(NARROW_TYPES.flatMap((from) => NARROW_TYPES.map((to) => [from, to] as const)))(
    '%s to %s',
    async (from, to) => {
      const values = entries(new Random(11), from, 30);
      const cast = node('Cast', 'a', 'c', { to: BigInt(dataTypeOf(to)) });
      expect(await computed([cast], [tensor('a', from, [30], values)], 30)).toEqual([
        ...NARROW[to].from(values),
      ]);
    },
  );

  it('maxima see unsigned numbers', async () => {
    const [a, b] = [tensor('a', 'uint8', [2], [0, 1]), tensor('b', 'uint8', [2], [1, 1])];
    const nodes = [node('Sub', 'a b', 'd'), node('ReduceMax', 'd', 'c', { keepdims: 1n })];
    expect(await computed(nodes, [a, b], 1, 14)).toEqual([255]);
  });
});

describe('floats are rounded after each operation', () => {
  it.each([
    ['float', [1, 2 ** -24, 2 ** -24], [1 + 2 ** -23, 1]],
    ['float16', [1, 2 ** -11, 2 ** -11], [1 + 2 ** -10, 1]],
    ['bfloat16', [1, 2 ** -8, 2 ** -8], [1 + 2 ** -7, 1]],
    ['double', [1, 2 ** -53, 2 ** -53], [1 + 2 ** -52, 1]],
  ] as const)('%s', async (type, values, [oneByOne, other]) => {
    const initializers = values.map((value, k) => tensor(`v${k}`, type, [1], [value]));
    // (v1 + v2) + v0 keeps both, (v0 + v1) + v2 neither.
    const late = [node('Add', 'v1 v2', 's'), node('Add', 's v0', 'c')];
    const early = [node('Add', 'v0 v1', 's'), node('Add', 's v2', 'c')];
    expect(await computed(late, initializers, 1)).toEqual([oneByOne]);
    expect(await computed(early, initializers, 1)).toEqual([other]);
  });

  it('1/3 and √2 in 16 bits', async () => {
    const three = tensor('a', 'float16', [2], [3, 2]);
    expect(await computed([node('Reciprocal', 'a', 'c')], [three], 2)).toEqual([0x555 * 2 ** -12, 0.5]);
    expect((await computed([node('Sqrt', 'a', 'c')], [three], 2))[1]).toBe(0x5a8 * 2 ** -10);
  });
});

describe('integers of 64 bits', () => {
  it('beyond 2^53 end slices, and are not computed with', async () => {
    const end = integers('e', [1], []);
    end.int64Data = [2n ** 63n - 1n];
    const initializers = [tensor('a', 'double', [3], [1, 2, 3]), integers('s', [1], [1]), end];
    expect(await computed([node('Slice', 'a s e', 'c')], initializers, 2)).toEqual([2, 3]);
    const sum = [node('Add', 'e s', 'c')];
    await expect(computed(sum, initializers, 1)).rejects.toThrow(/beyond 2\^53/);
    await expect(computed([node('Identity', 'e', 'c')], initializers, 1)).rejects.toThrow(/beyond 2\^53/);
  });

  it('are exact or refused', async () => {
    const a = tensor('a', 'int64', [1], [2 ** 40]);
    const b = tensor('b', 'int64', [1], [2 ** 13 - 1]);
    expect(await computed([node('Mul', 'a b', 'c')], [a, b], 1)).toEqual([2 ** 53 - 2 ** 40]);
    // 2^80 in 64 bits
    expect(await computed([node('Mul', 'a a', 'c')], [a], 1)).toEqual([0]);
    const c = tensor('b', 'int64', [1], [2 ** 14]);
    await expect(computed([node('Mul', 'a b', 'c')], [a, c], 1)).rejects.toThrow(/up to 2\^53/);
  });
});

describe('what ONNX leaves open is refused', () => {
  const one = (type: ElementType, value: number) => tensor('a', type, [1], [value]);
  const to = (type: ElementType) => node('Cast', 'a', 'c', { to: BigInt(dataTypeOf(type)) });

  it.each([
    ['300 to uint8', [to('uint8')], [one('float', 300)]],
    ['−1 to uint32', [to('uint32')], [one('double', -1)]],
    ['2^31 to int32', [to('int32')], [one('float', 2 ** 31)]],
    ['1e300 to float', [to('float')], [one('double', 1e300)]],
    ['70000 to float16', [to('float16')], [one('int32', 70000)]],
    ['a number that double rounding moves', [to('float16')], [one('double', 1 + 2 ** -11 + 2 ** -30)]],
    ['the magnitude of the least integer', [node('Abs', 'a', 'c')], [one('int8', -128)]],
    [
      'the least integer over −1',
      [node('Div', 'a b', 'c')],
      [one('int32', -(2 ** 31)), tensor('b', 'int32', [1], [-1])],
    ],
    ['integers over 0', [node('Div', 'a b', 'c')], [one('int32', 1), tensor('b', 'int32', [1], [0])]],
    ['2 to the power of −1', [node('Pow', 'a b', 'c')], [one('int32', 2), tensor('b', 'int32', [1], [-1])]],
    ['2 to the power of ½', [node('Pow', 'a b', 'c')], [one('int32', 2), tensor('b', 'float', [1], [0.5])]],
    ['2 to the power of 31', [node('Pow', 'a b', 'c')], [one('int32', 2), tensor('b', 'int32', [1], [31])]],
    ['√−1', [node('Sqrt', 'a', 'c')], [one('float', -1)]],
    ['a mean of 1 and 2', [node('ReduceMean', 'a', 'c')], [tensor('a', 'int32', [2], [1, 2])]],
    ['a sum beyond int32', [node('ReduceSum', 'a', 'c')], [tensor('a', 'int32', [2], [2 ** 31 - 1, 1])]],
    [
      'a range of thirds',
      [node('Range', 's e d', 'c')],
      [
        tensor('s', 'float', [], [0]),
        tensor('e', 'float', [], [1]),
        tensor('d', 'float', [], [Math.fround(1 / 3)]),
      ],
    ],
  ] as const)('%s', async (_, nodes, initializers) => {
    await expect(computed([...nodes], [...initializers], 1)).rejects.toThrow(/make c: /);
  });
});
