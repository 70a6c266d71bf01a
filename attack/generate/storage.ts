/** The same constant in other words: subgraphs whose result every reader must agree on. */

import { stepsOf } from '../evaluate/values.ts';
import type { Tensor } from '../model/description.ts';
import type { Bench } from './bench.ts';
import { listInput } from './lists.ts';

/** Undefined where the words chosen cannot say it. */
export function storedDifferently(bench: Bench, tensor: Tensor): string | undefined {
  const { random } = bench;
  const { type, dims, values } = tensor;
  const isFloat = type === 'float' || type === 'double';
  switch (random.integer(0, 9)) {
    case 0:
      return bench.add('Reshape', [
        bench.initializer({ type, dims: [values.length], values }),
        bench.initializer({ type: 'int64', dims: [dims.length], values: dims }),
      ]);
    case 1: {
      if (dims.length !== 2) return undefined;
      const [rows, columns] = dims as [number, number];
      const flipped = Array.from(
        { length: values.length },
        (_, k) => values[(k % rows) * columns + Math.floor(k / rows)]!,
      );
      return bench.add('Transpose', [bench.initializer({ type, dims: [columns, rows], values: flipped })], {
        perm: { is: [1, 0] },
      });
    }
    case 2:
      if (!isFloat) return undefined;
      return bench.add('Neg', [bench.initializer({ ...tensor, values: values.map((x) => -x) })]);
    case 3: {
      // Halves are exact unless they are subnormal.
      if (!isFloat || values.some((x) => x !== 0 && Math.abs(x) < 2 ** -120)) return undefined;
      const half = bench.initializer({ ...tensor, values: values.map((x) => x / 2) });
      return bench.add('Add', [half, half]);
    }
    case 4:
      return integersThenCast(bench, tensor);
    case 5: {
      if (dims.length < 1 || dims[0]! < 2) return undefined;
      const inner = stepsOf(dims)[0]!;
      const cut = random.integer(1, dims[0]! - 1);
      const [a, b] = [values.slice(0, cut * inner), values.slice(cut * inner)];
      const parts = [
        bench.initializer({ type, dims: [cut, ...dims.slice(1)], values: a }),
        bench.initializer({ type, dims: [dims[0]! - cut, ...dims.slice(1)], values: b }),
      ];
      return bench.add('Concat', parts, { axis: { i: 0 } });
    }
    case 6: {
      const stored = bench.initializer({ type, dims: [1, ...dims], values });
      return listInput(bench, 'Squeeze', [stored], 'axes', [0], 13);
    }
    case 7: {
      if (new Set(values).size !== 1 || values.length < 1 || dims.length < 1) return undefined;
      const shape = bench.initializer({ type: 'int64', dims: [dims.length], values: dims });
      return bench.add('ConstantOfShape', [shape], {
        value: { t: { type, dims: [1], values: [values[0]!] } },
      });
    }
    case 8: {
      if (!isFloat || dims.length !== 1) return undefined;
      const order = random.shuffled([...values.keys()]);
      const shuffled = bench.initializer({ type, dims, values: order.map((k) => values[k]!) });
      const back = values.map((_, k) => order.indexOf(k));
      return bench.add('Gather', [shuffled, bench.initializer({ type: 'int64', dims, values: back })]);
    }
    case 9: {
      if (!isFloat) return undefined;
      const condition = values.map(() => random.integer(0, 1));
      const noise = values.map(() => bench.scales.stored(random.normal()));
      const [yes, no] = [1, 0].map((wanted) =>
        bench.initializer({
          ...tensor,
          values: values.map((x, k) => (condition[k] === wanted ? x : noise[k]!)),
        }),
      );
      return bench.add('Where', [bench.initializer({ type: 'bool', dims, values: condition }), yes!, no!]);
    }
    default:
      return undefined;
  }
}

/** Whole numbers through integer types, some of which they wrap around in. */
function integersThenCast(bench: Bench, { type, dims, values }: Tensor): string | undefined {
  const to = type === 'float' ? 1 : type === 'double' ? 11 : undefined;
  if (to === undefined || !values.every((x) => Number.isInteger(x) && Math.abs(x) < 100)) return undefined;
  const small = bench.random.pick(['int8', 'int16', 'int32', 'int64'] as const);
  const stored = bench.initializer({ type: small, dims, values });
  return bench.add('Cast', [stored], { to: { i: to } });
}
