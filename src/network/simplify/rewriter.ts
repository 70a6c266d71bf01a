import type { Network, Node, Tensor, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
import { prune } from '../prune.ts';
import { outputShape } from '../shape.ts';

/**
 * Rebuilds a network node by node, in topological order. A pass appends what each old node becomes and says with
 * `stand` which new tensor now holds (or stands for) an old one; what nothing reads any more is dropped in the end.
 */
export class Rewriter {
  readonly old: Network;
  private readonly tensors: Tensor[];
  private readonly nodes: Node[] = [];
  private readonly producers = new Map<TensorId, Node>();
  private readonly images = new Map<TensorId, TensorId>();

  /** `input` replaces the old network's input tensor. */
  constructor(old: Network, input: Tensor = old.tensors[old.input]!) {
    this.old = old;
    this.tensors = [input];
    this.stand(old.input, 0);
  }

  add(name: string, operator: Operator, inputs: readonly TensorId[], outputName: string): TensorId {
    const shapes = inputs.map((id) => this.shape(id));
    const output = this.tensors.push({ name: outputName, shape: outputShape(name, operator, shapes) }) - 1;
    const node = { name, operator, inputs, output };
    this.nodes.push(node);
    this.producers.set(output, node);
    return output;
  }

  /** Appends what an old node becomes, under its name, and lets it stand for the old output. */
  replace(node: Node, operator: Operator, inputs: readonly TensorId[]): TensorId {
    const output = this.add(node.name, operator, inputs, this.old.tensors[node.output]!.name);
    this.stand(node.output, output);
    return output;
  }

  /** Appends an old node as it is, on the images of its inputs. */
  copy(node: Node): TensorId {
    return this.replace(node, node.operator, this.inputs(node));
  }

  /** From now on `image` (new) is where the old tensor is found. */
  stand(tensor: TensorId, image: TensorId): void {
    this.images.set(tensor, image);
  }

  image(tensor: TensorId): TensorId {
    return this.images.get(tensor)!;
  }

  inputs(node: Node): TensorId[] {
    return node.inputs.map((id) => this.image(id));
  }

  /** Shape of a new tensor. */
  shape(id: TensorId): readonly number[] {
    return this.tensors[id]!.shape;
  }

  /** The new node that makes a new tensor; undefined for the input. */
  producer(id: TensorId): Node | undefined {
    return this.producers.get(id);
  }

  finish(): Network {
    const { tensors, nodes, old } = this;
    return prune({ ...old, tensors, nodes, input: 0, output: this.image(old.output) });
  }
}

/** The nodes that read each tensor, by id; a node that reads it twice is listed once. */
export function consumers(network: Network): Node[][] {
  const lists: Node[][] = network.tensors.map(() => []);
  for (const node of network.nodes) for (const id of new Set(node.inputs)) lists[id]!.push(node);
  return lists;
}
