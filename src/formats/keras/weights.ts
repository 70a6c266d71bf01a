/** Weights of Keras's layers, as each of its files keeps them. */
import { InputError } from '../../errors.ts';
import { stored } from '../../network/weights/origin.ts';
import type { Weight } from '../layers/arranged.ts';
import type { NamedArray } from '../weights/namedArrays.ts';
import type { KerasWeights } from './place.ts';
import type { KerasLayer } from './topology.ts';

/** Names that roles have had in other versions. */
const ALSO: Readonly<Record<string, string>> = { depthwise_kernel: 'kernel' };

/**
 * Weights whose names end in their roles, as `dense/kernel:0`.
 * @param byLayer those of a layer, by names of which the last part counts
 */
export function namedWeights(byLayer: ReadonlyMap<string, ReadonlyMap<string, NamedArray>>): KerasWeights {
  return {
    async of(layer, roles) {
      const byRole = new Map<string, Found>();
      for (const [name, array] of byLayer.get(layer.name) ?? []) {
        const role = name.slice(name.lastIndexOf('/') + 1).replace(/:0$/, '');
        if (byRole.has(role))
          throw new InputError(`${array.name}: names of weights must be unique, got ${role} twice`);
        byRole.set(role, { key: name, array });
      }
      const found = roles.map((role) => byRole.get(role) ?? byRole.get(ALSO[role] ?? ''));
      return readAll(layer, roles, found, [...byRole.keys()]);
    },
  };
}

/**
 * Weights that are numbered in the order of their roles, below groups that are numbered by class: `layers/conv2d_1/vars/0`.
 * @param layers in the order in which the model has them
 */
export function numberedWeights(
  layers: readonly KerasLayer[],
  arrays: ReadonlyMap<string, NamedArray>,
): KerasWeights {
  const groups = new Map<KerasLayer, string>();
  const counts = new Map<string, number>();
  for (const layer of layers) {
    const kind = snakeCase(layer.kind);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    groups.set(layer, count === 0 ? kind : `${kind}_${count}`);
  }
  const own = grouped(arrays, (name) => /^layers\/([^/]+)\/vars\/[^/]+$/.exec(name)?.[1]);
  return {
    async of(layer, roles) {
      const group = groups.get(layer)!;
      const found = roles.map((_, k): Found | undefined => {
        const key = `layers/${group}/vars/${k}`;
        const array = arrays.get(key);
        return array && { key, array };
      });
      return readAll(layer, roles, found, [...(own.get(group)?.keys() ?? [])]);
    },
  };
}

/** Arrays by what `key` makes of their names; those of which it makes nothing are left out. */
export function grouped(
  arrays: ReadonlyMap<string, NamedArray>,
  key: (name: string) => string | undefined,
): ReadonlyMap<string, ReadonlyMap<string, NamedArray>> {
  const groups = new Map<string, Map<string, NamedArray>>();
  for (const [name, array] of arrays) {
    const group = key(name);
    if (group === undefined) continue;
    const own = groups.get(group) ?? new Map<string, NamedArray>();
    groups.set(group, own.set(name, array));
  }
  return groups;
}

/** As Keras 3 names groups of weights: `Conv2DTranspose` is `conv2d_transpose`. */
function snakeCase(kind: string): string {
  return kind
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** An array under its name in the file. */
interface Found {
  readonly key: string;
  readonly array: NamedArray;
}

async function readAll(
  layer: KerasLayer,
  roles: readonly string[],
  found: readonly (Found | undefined)[],
  own: readonly string[],
): Promise<Weight[]> {
  if (own.length !== roles.length || found.includes(undefined)) {
    throw new InputError(
      `${layer.config.where}: ${layer.kind} must have the weights ${roles.join(', ') || 'of nothing'}, got ${own.slice(0, 20).join(', ') || 'none'}`,
    );
  }
  return Promise.all(
    (found as readonly Found[]).map(async ({ key, array: { shape, numbers } }) => {
      const values = await numbers();
      stored(values, key, shape);
      return { shape, numbers: values };
    }),
  );
}
