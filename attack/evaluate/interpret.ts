/** From the description of a model to the numbers that it computes, as the texts of the ONNX operators say. */
import type { ModelDescription, NodeDescription } from '../model/description.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { Call } from './call.ts';
import { choices } from './choices.ts';
import { type Circuit, CircuitBuilder } from './circuit.ts';
import { constants } from './constants.ts';
import { groups } from './groups.ts';
import { losses } from './losses.ts';
import { maps } from './maps.ts';
import { matrices } from './matrices.ts';
import { movement } from './movement.ts';
import type { Operator } from './operator.ts';
import { recurrences } from './recurrences.ts';
import { demand, product, type Value } from './values.ts';
import { windows } from './windows.ts';

export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  [
    activations,
    arithmetic,
    choices,
    constants,
    groups,
    losses,
    maps,
    matrices,
    movement,
    recurrences,
    windows,
  ].flatMap(Object.entries<Operator>),
);

/** Evaluates node after node; nodes can be added as it goes. */
export class Interpretation {
  readonly builder = new CircuitBuilder();
  readonly values = new Map<string, Value>();
  readonly #model: Pick<ModelDescription, 'opset' | 'functions'>;

  /** @param sample sides of the input without the batch, which is one */
  constructor(
    model: Pick<ModelDescription, 'opset' | 'functions' | 'input' | 'initializers'>,
    sample: readonly number[],
  ) {
    this.#model = model;
    const shape = [1, ...sample];
    const items = Array.from({ length: product(shape) }, () => this.builder.input());
    this.values.set(model.input.name, { type: 'cell', shape, items });
    for (const [name, { type, dims, values }] of Object.entries(model.initializers))
      this.values.set(name, { type, shape: dims, items: values });
  }

  /** @throws Meaningless where the node has no meaning for its inputs */
  add(node: NodeDescription): void {
    this.#run(node, this.values);
  }

  #run(node: NodeDescription, names: Map<string, Value>): void {
    const values = node.inputs.map((name) => {
      if (name === '') return undefined;
      const value = names.get(name);
      demand(value !== undefined, `${node.op}: no value ${name}`);
      return value;
    });
    const known = !node.domain || OPERATORS.has(`${node.domain}.${node.op}`);
    const made = known ? this.#applied(node, values) : this.#inlined(node, values);
    for (const [k, name] of node.outputs.entries()) if (name !== '' && made[k]) names.set(name, made[k]);
  }

  #applied(node: NodeDescription, values: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
    const operator = OPERATORS.get(node.domain ? `${node.domain}.${node.op}` : node.op);
    demand(operator !== undefined, `no operator ${node.op}`);
    return operator(new Call(node, this.#model.opset, this.builder, values));
  }

  #inlined(node: NodeDescription, values: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
    const body = this.#model.functions.find((f) => f.domain === node.domain && f.name === node.op);
    demand(body !== undefined, `no function ${node.op}`);
    const names = new Map<string, Value>();
    for (const [k, name] of body.inputs.entries()) if (values[k]) names.set(name, values[k]);
    for (const inner of body.nodes) this.#run(inner, names);
    return body.outputs.map((name) => names.get(name));
  }

  /** What a tensor's entries are computed from. */
  circuit(output: string): Circuit {
    const value = this.values.get(output);
    demand(value?.type === 'cell', `${output} does not depend on the input`);
    return { inputs: this.builder.inputs, cells: this.builder.cells, outputs: value.items };
  }
}

/**
 * The model for one sample of these sides.
 * @throws Meaningless where it has no meaning there
 */
export function circuitOf(model: ModelDescription, sample: readonly number[]): Circuit {
  const interpretation = new Interpretation(model, sample);
  for (const node of model.nodes) interpretation.add(node);
  return interpretation.circuit(model.output);
}
