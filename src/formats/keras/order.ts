/** The order in which Keras lists the layers of a model when it has made it anew, by which it finds their weights (`map_graph` in Keras 3). */
import { InputError } from '../../errors.ts';
import type { KerasLayer, Topology } from './topology.ts';

/**
 * Layers in the order of the file, which is Keras's own: in files that others have changed it may not be, and weights would be those of
 * another layer than Keras takes them for.
 * @throws InputError for another order, and for layers that are not on the way to the output
 */
export function layersInOrder({ layers, listed, output }: Topology, file: string): readonly KerasLayer[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const sources = ({ inputs }: KerasLayer) => inputs.flatMap((name) => byName.get(name) ?? []);
  // Steps to the output at most; each layer comes after those that it reads.
  const depth = new Map<KerasLayer, number>([[byName.get(output)!, 0]]);
  for (const layer of layers.toReversed()) {
    const own = depth.get(layer);
    if (own === undefined) continue;
    for (const source of sources(layer)) depth.set(source, Math.max(own + 1, depth.get(source) ?? 0));
  }
  // When a walk from the output, deep before wide, first comes by.
  const visit = new Map<KerasLayer, number>();
  const open = [byName.get(output)!];
  for (let layer = open.pop(); layer; layer = open.pop()) {
    if (visit.has(layer)) continue;
    visit.set(layer, visit.size);
    for (const source of sources(layer).reverse()) open.push(source);
  }
  const ordered = [...visit.keys()].sort(
    (a, b) => depth.get(b)! - depth.get(a)! || visit.get(a)! - visit.get(b)!,
  );
  const wrong = listed.find((layer, k) => layer !== ordered[k]);
  if (!wrong) return listed;
  throw new InputError(
    `${file}: layers must be in the order in which Keras lists them, got ${wrong.name} in another place`,
  );
}
