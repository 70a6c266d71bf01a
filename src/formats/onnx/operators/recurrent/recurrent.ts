/** Recurrent layers, step by step: RNN multiplies data by constants alone, LSTM and GRU bounded numbers by each other. */
import type { Call, Signal } from '../../call.ts';
import type { Converter, Family } from '../converter.ts';
import { gatedStep, longStep, plainStep } from './cells.ts';
import { type Kind, readDirections } from './direction.ts';
import { Sequence, type State } from './sequence.ts';

export const recurrent: Family = new Map<string, Converter>([
  ['RNN', { signals: (call) => recurrence(call, RNN) }],
  ['LSTM', { signals: (call) => recurrence(call, LSTM) }],
  ['GRU', { signals: (call) => recurrence(call, GRU) }],
]);

const RNN: Kind = { gates: 1, activations: ['Tanh'], states: [5], step: plainStep };
const LSTM: Kind = {
  gates: 4,
  activations: ['Sigmoid', 'Tanh', 'Tanh'],
  states: [5, 6],
  peepholes: 7,
  step: longStep,
};
const GRU: Kind = { gates: 3, activations: ['Sigmoid', 'Tanh'], states: [5], step: gatedStep };

/** All states in the order of the sequence, then the last of each kind of state, of each direction. */
function recurrence(call: Call, kind: Kind): Signal[] {
  const { attributes } = call;
  if (attributes.get('clip')) call.refuse('clip', 'what is clipped before the function is not read');
  if (attributes.flag('input_forget')) call.refuse('input_forget = 1', 'gates of their own are read');
  const sequence = new Sequence(call);
  const directions = readDirections(call, kind, sequence.features);
  const { hidden } = directions[0]!;
  const steps = sequence.steps();
  const runs = directions.map((direction, d) => {
    const order = direction.backward ? steps.toReversed() : steps;
    let states: readonly State[] = kind.states.map((input) =>
      sequence.initial(input, d, directions.length, hidden),
    );
    const made = order.map((step) => {
      const next = kind.step(call, direction, step, states);
      states = next;
      return next;
    });
    return direction.backward ? made.toReversed() : made;
  });
  const all = steps.flatMap((_, t) => runs.map((run) => run[t]![0]!));
  const last = kind.states.map((_, k) => runs.map((run, d) => run.at(directions[d]!.backward ? 0 : -1)![k]!));
  return [
    sequence.joined(all, [steps.length, directions.length], hidden),
    ...last.map((states) => sequence.joined(states, [directions.length], hidden)),
  ];
}
