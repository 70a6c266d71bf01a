/** Recurrent layers of one direction, cell by cell. */
import type { Call } from './call.ts';
import { Exact, ONE } from './exact.ts';
import type { Operator } from './operator.ts';
import * as f from './pointwise.ts';
import { demand, type Value } from './values.ts';

export const recurrences: Readonly<Record<string, Operator>> = {
  RNN: (call) => walked(call, 1, 1, (step, [h]) => [call.builder.function(step.driven(0, h!), f.tanh)]),
  LSTM: (call) =>
    walked(call, 4, 2, (step, [h, c]) => {
      const { builder } = call;
      const gate = (block: number, peephole: number, cell: readonly number[]) =>
        builder.function(step.driven(block, h!, [peephole, cell[step.own]!]), f.sigmoid);
      const fresh = builder.product(gate(0, 0, c!), builder.function(step.driven(3, h!), f.tanh));
      const cell = builder.linear([builder.product(gate(2, 2, c!), c![step.own]!), fresh], [ONE, ONE]);
      const output = builder.function(step.driven(1, h!, [1, cell]), f.sigmoid);
      return [builder.product(output, builder.function(cell, f.tanh)), cell];
    }),
  GRU: (call) =>
    walked(call, 3, 1, (step, [h]) => {
      const { builder } = call;
      const z = builder.function(step.driven(0, h!), f.sigmoid);
      const reset = (k: number) => builder.function(step.driven(1, h!, undefined, k), f.sigmoid);
      const after = call.integer('linear_before_reset', 0) !== 0;
      const inner = after
        ? builder.linear(
            [step.fromInput(2), builder.product(reset(step.own), step.fromState(2, h!))],
            [ONE, ONE],
          )
        : builder.linear(
            [
              step.fromInput(2),
              step.fromState(
                2,
                h!.map((cell, k) => builder.product(reset(k), cell)),
              ),
            ],
            [ONE, ONE],
          );
      const n = builder.function(inner, f.tanh);
      const kept = builder.product(z, builder.linear([h![step.own]!, n], [ONE, ONE.negated()]));
      return [builder.linear([n, kept], [ONE, ONE])];
    }),
};

/** One entry of the states of one sequence at one step. */
interface Step {
  readonly own: number;
  /** W x + R h + both biases (+ a peephole's weight times a cell), in row `own` of a block, or in row k. */
  driven(block: number, h: readonly number[], peephole?: readonly [number, number], k?: number): number;
  fromInput(block: number): number;
  fromState(block: number, h: readonly number[]): number;
}

function walked(
  call: Call,
  gates: number,
  kinds: number,
  next: (step: Step, states: readonly (readonly number[])[]) => readonly number[],
): readonly Value[] {
  const { builder } = call;
  const x = call.cells(0);
  const [length, batch, features] = x.shape as [number, number, number];
  const [w, r] = [call.constant(1), call.constant(2)];
  const hidden = call.integer('hidden_size', 0);
  demand(x.shape.length === 3 && hidden > 0, 'sequences');
  demand(w.shape.join() === [1, gates * hidden, features].join(), 'W of one direction');
  demand(r.shape.join() === [1, gates * hidden, hidden].join(), 'R of one direction');
  const biases = call.values[3] ? call.constant(3).items : undefined;
  const peepholes = call.values[7] ? call.constant(7).items : undefined;
  const backward = call.text('direction', 'forward') === 'reverse';
  const all: number[] = new Array(length * batch * hidden);
  const last: number[][] = Array.from({ length: kinds }, () => []);
  for (let i = 0; i < batch; i++) {
    let states = Array.from({ length: kinds }, (_, kind) => {
      const given = call.values[5 + kind] ? call.cells(5 + kind).items : undefined;
      return Array.from({ length: hidden }, (_cell, k) => given?.[i * hidden + k] ?? builder.constant(0));
    });
    for (let step = 0; step < length; step++) {
      const t = backward ? length - 1 - step : step;
      const own = x.items.slice((t * batch + i) * features, (t * batch + i + 1) * features);
      const row = (matrix: Value, columns: number, at: number) =>
        matrix.items.slice(at * columns, (at + 1) * columns).map(Exact.of);
      const bias = (at: number) => Exact.of(biases?.[at] ?? 0);
      const stepOf = (k: number): Step => ({
        own: k,
        driven: (block, h, peephole, other = k) => {
          const at = block * hidden + other;
          const beside = peephole && peepholes ? peephole : undefined;
          return builder.linear(
            [...own, ...h, ...(beside ? [beside[1]] : [])],
            [
              ...row(w, features, at),
              ...row(r, hidden, at),
              ...(beside ? [Exact.of(peepholes![beside[0] * hidden + other]!)] : []),
            ],
            bias(at).plus(bias(gates * hidden + at)),
          );
        },
        fromInput: (block) =>
          builder.linear(own, row(w, features, block * hidden + k), bias(block * hidden + k)),
        fromState: (block, h) =>
          builder.linear(h, row(r, hidden, block * hidden + k), bias((gates + block) * hidden + k)),
      });
      const made = Array.from({ length: hidden }, (_, k) => next(stepOf(k), states));
      states = Array.from({ length: kinds }, (_, kind) => made.map((cells) => cells[kind]!));
      for (let k = 0; k < hidden; k++) all[(t * batch + i) * hidden + k] = states[0]![k]!;
    }
    for (const [kind, cells] of states.entries()) last[kind]!.push(...cells);
  }
  return [
    { type: 'cell', shape: [length, 1, batch, hidden], items: all },
    ...last.map((items): Value => ({ type: 'cell', shape: [1, batch, hidden], items })),
  ];
}
