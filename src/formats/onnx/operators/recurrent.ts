/** RNN without gates, step by step: it multiplies data by constants alone. */
import type { Elementwise } from '../../../network/elementwise/elementwise.ts';
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { inDouble } from '../../../network/numbers.ts';
import { product } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import { applyElementwise } from '../elementwise/reading.ts';
import { type Constant, constantOf } from '../values/constant.ts';
import { added } from './arithmetic.ts';
import type { Converter, Family } from './converter.ts';
import { counted } from './moving/picked.ts';
import { contracted } from './products/contraction.ts';
import { selected } from './selection.ts';

export const recurrent: Family = new Map<string, Converter>([['RNN', { signals: plainRecurrence }]]);

const ACTIVATIONS: ReadonlyMap<string, Elementwise> = new Map([
  ['tanh', { name: 'tanh' }],
  ['relu', { name: 'relu' }],
  ['sigmoid', { name: 'sigmoid' }],
  ['softsign', { name: 'softsign' }],
  ['softplus', { name: 'softplus' }],
]);

/** One way through the sequence: h ← f(W x_t + R h + b). */
interface Direction {
  readonly backward: boolean;
  /** [hidden, inputs] */
  readonly input: Constant;
  /** [hidden, hidden] */
  readonly state: Constant;
  readonly bias: Float64Array | undefined;
  readonly f: Elementwise;
}

/** All states in the order of the sequence, and the last of each direction; [sequence, directions, batch, hidden] and [directions, batch, hidden]. */
function plainRecurrence(call: Call): Signal[] {
  const { attributes } = call;
  if (attributes.get('clip')) call.refuse('clip', 'what is clipped before the function is not read');
  const batchFirst = call.opset >= 14 && attributes.flag('layout');
  const input = call.signal(0);
  const x = batchFirst && input.batched ? input : call.unbatched(input);
  const sample = x.batched ? x.shape : batchFirst ? x.shape.slice(1) : x.shape;
  const alone = batchFirst ? x.batched || x.shape[0] === 1 : x.shape[1] === 1;
  if (!alone || sample.length !== (batchFirst ? 2 : 3)) {
    call.refuse(
      `of [${call.dims(input).join(', ')}]`,
      'one sequence at a time is read, [sequence, 1, features]',
    );
  }
  const length = sample[0]!;
  const features = sample.at(-1)!;
  checkLengths(call, length);
  call.scope.budget.work(call.node.name, length * product(sample));
  const flat = call.view(x, [product(sample)]);
  const steps = Array.from({ length }, (_, t) =>
    selected(
      call,
      flat,
      0,
      counted(features).map((k) => t * features + k),
    ),
  );
  const directions = directionsOf(call, features);
  const hidden = directions[0]!.state.shape[0]!;
  const states = directions.map((direction, d) => {
    const order = direction.backward ? steps.toReversed() : steps;
    const made = recurrence(call, order, direction, initialState(call, d, directions.length, hidden));
    return direction.backward ? made.toReversed() : made;
  });
  const all = steps.flatMap((_, t) => states.map((own) => own[t]!));
  const last = states.map((own, d) => own.at(directions[d]!.backward ? 0 : -1)!);
  const joined = (signals: readonly Signal[], shape: readonly number[], batched: boolean) => {
    const [only, second] = signals;
    const whole = second ? call.emit({ kind: 'concat' }, signals, OWN_FIELDS, 'states') : only!;
    return call.settled(call.view(whole, shape, batched));
  };
  const own = [directions.length, hidden];
  if (batchFirst) return [joined(all, [length, ...own], x.batched), joined(last, own, x.batched)];
  return [
    joined(all, [length, directions.length, 1, hidden], false),
    joined(last, [directions.length, 1, hidden], false),
  ];
}

function recurrence(
  call: Call,
  steps: readonly Signal[],
  { input, state, bias, f }: Direction,
  first: Signal | Float64Array | undefined,
): Signal[] {
  const states: Signal[] = [];
  let before = first instanceof Float64Array ? undefined : first;
  for (const [t, step] of steps.entries()) {
    const known = t === 0 && first instanceof Float64Array ? first : undefined;
    const driven = contracted(call, step, 0, input, known ? plusImage(state, known, bias) : bias);
    const sum = before ? added(call, [driven, contracted(call, before, 0, state)], [1, 1]) : driven;
    before = applyElementwise(call, f, sum);
    states.push(before);
  }
  return states;
}

/** R h + b */
function plusImage({ data }: Constant, h: Float64Array, bias: Float64Array | undefined): Float64Array {
  return h.map((_, row) =>
    h.reduce((sum, value, k) => sum + data[row * h.length + k]! * value, bias?.[row] ?? 0),
  );
}

function directionsOf(call: Call, features: number): Direction[] {
  const { attributes } = call;
  const direction = attributes.text('direction', 'forward');
  const ways = { forward: [false], reverse: [true], bidirectional: [false, true] }[direction];
  if (!ways) return call.malformed('direction must be forward, reverse or bidirectional', direction);
  const [w, r] = [call.numbers(1), call.numbers(2)];
  const b = call.inputs[3] ? call.numbers(3) : undefined;
  const hidden = w.shape[1]!;
  const said = attributes.integer('hidden_size', hidden);
  const fits = (constant: Constant, ...shape: number[]) =>
    constant.shape.join() === [ways.length, ...shape].join();
  call.demand(fits(w, said, features), `W must be [${ways.length}, ${said}, ${features}]`, w.shape);
  call.demand(fits(r, hidden, hidden), `R must be [${ways.length}, ${hidden}, ${hidden}]`, r.shape);
  if (b) call.demand(fits(b, 2 * hidden), `B must be [${ways.length}, ${2 * hidden}]`, b.shape);
  const names = attributes.strings('activations') ?? ways.map(() => 'Tanh');
  call.demand(names.length === ways.length, `activations must be ${ways.length}`, names.length);
  return ways.map((backward, d): Direction => {
    const part = (constant: Constant, size: number) =>
      inDouble(constant.data).slice(d * size, (d + 1) * size);
    const name = names[d]!;
    const f =
      ACTIVATIONS.get(name.toLowerCase()) ??
      call.refuse(name, `activations are ${[...ACTIVATIONS.keys()].join(', ')}`);
    const both = b && part(b, 2 * hidden);
    return {
      backward,
      f,
      input: constantOf(w.type, [hidden, features], part(w, hidden * features)),
      state: constantOf(r.type, [hidden, hidden], part(r, hidden * hidden)),
      bias: both && Float64Array.from({ length: hidden }, (_, k) => both[k]! + both[hidden + k]!),
    };
  });
}

/** The state that a direction starts from, computed or known; undefined: zeros. */
function initialState(
  call: Call,
  d: number,
  directions: number,
  hidden: number,
): Signal | Float64Array | undefined {
  const value = call.inputs[5];
  if (!value) return undefined;
  if (value.kind === 'constant') {
    const { data, shape } = call.numbers(5);
    call.demand(
      data.length === directions * hidden,
      `initial_h must have ${directions * hidden} entries`,
      shape,
    );
    return inDouble(data).slice(d * hidden, (d + 1) * hidden);
  }
  const whole = call.unbatched(value);
  const flat = call.view(whole, [product(whole.shape)]);
  call.demand(
    flat.shape[0] === directions * hidden,
    `initial_h must have ${directions * hidden} entries`,
    whole.shape,
  );
  return selected(
    call,
    flat,
    0,
    counted(hidden).map((k) => d * hidden + k),
  );
}

/** All of the sequence is read. */
function checkLengths(call: Call, length: number): void {
  const lengths = call.inputs[4] ? call.numbers(4).data : [];
  if (![...lengths].every((own) => own === length)) {
    call.refuse('sequence_lens', `all of the ${length} steps must be read`);
  }
}
