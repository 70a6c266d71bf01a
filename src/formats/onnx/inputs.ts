/** The rim of a network: its input as the inputs of the file, and a constant as an output. */
import { OWN_FIELDS } from '../../network/lengths/follows.ts';
import { inDouble } from '../../network/numbers.ts';
import { product, sameShape } from '../../network/size.ts';
import { Call, type Scope, type Signal } from './call.ts';
import type { GraphNode } from './graph.ts';
import type { InputReading } from './interface.ts';
import { selected } from './operators/selection.ts';
import { Attributes } from './values/attributes.ts';
import type { Constant } from './values/constant.ts';

/** What inputs and outputs are looked at as. */
export function rimNode(name: string): GraphNode {
  return {
    ...{ name, opType: 'graph', domain: '', opset: 0, inputs: [], outputs: [] },
    attributes: new Attributes(name, []),
  };
}

export interface InputSignals {
  /** The network's input. */
  readonly whole: Signal;
  /** Those of the file, by name. */
  readonly parts: readonly (readonly [string, Signal])[];
}

/**
 * The file's inputs as parts of the one input of the network: it has the channels of all of them where they have one set of positions, else
 * all of their entries, one input after the other. Its norm is that of all of them together.
 */
export function inputSignals(inputs: readonly InputReading[], scope: Scope): InputSignals {
  const { builder, followers } = scope;
  const shapes = inputs.map(({ shape }) => (shape.length === 0 ? [1] : shape));
  const name = inputs.map((input) => input.name).join(', ');
  if (inputs.length === 1) {
    const [{ shape, batched }] = inputs as [InputReading];
    const id = builder.input(name, shapes[0]!);
    if (shape.length > 1) followers.add(id);
    const whole: Signal = { kind: 'signal', id, shape, batched };
    return { whole, parts: [[name, new Call(rimNode(name), [], scope).settled(whole)]] };
  }
  const positions = shapes[0]!.slice(1);
  const stacked = shapes.every((shape) => sameShape(shape.slice(1), positions));
  const sizes = shapes.map((shape) => (stacked ? shape[0]! : product(shape)));
  const sides = stacked ? positions : [];
  const shape = [sizes.reduce((sum, size) => sum + size, 0), ...sides];
  const id = builder.input(name, shape);
  if (sides.length > 0) followers.add(id);
  const whole: Signal = { kind: 'signal', id, shape, batched: inputs[0]!.batched };
  let start = 0;
  const parts = inputs.map((input, k): [string, Signal] => {
    const call = new Call(rimNode(input.name), [], scope);
    const first = start;
    start += sizes[k]!;
    const from = { ...whole, batched: input.batched };
    const part = selected(
      call,
      from,
      0,
      Float64Array.from({ length: sizes[k]! }, (_, row) => first + row),
    );
    return [input.name, call.settled(call.view(part, input.shape, input.batched))];
  });
  return { whole, parts };
}

/** A constant as what the network gives for every input: 0 times the input, and the constant. */
export function constantSignal(constant: Constant, name: string, input: Signal, scope: Scope): Signal {
  const call = new Call(rimNode(name), [constant], scope);
  const { data, shape } = call.numbers(0);
  const inputs = product(scope.builder.shape(input.id));
  call.demand(data.length > 0, 'an output must not be empty', shape);
  scope.budget.allocate(name, inputs + data.length);
  const nothing = call.emit(
    { kind: 'affine', outputs: 1, inputs, weight: new Float64Array(inputs) },
    [input],
    OWN_FIELDS,
    'nothing',
  );
  const value = call.emit(
    {
      ...{ kind: 'affine', outputs: data.length, inputs: 1, weight: new Float64Array(data.length) },
      bias: inDouble(data),
    },
    [nothing],
    OWN_FIELDS,
  );
  const [first, ...sample] = shape;
  const batched = scope.batch === undefined ? first === 1 : false;
  return call.settled(call.view(value, batched ? sample : shape, batched));
}
