/** Sequences as recurrent layers read and write them: steps of [features], or of [features, batch] where several are read side by side. */
import { OWN_FIELDS } from '../../../../network/lengths/follows.ts';
import { inDouble } from '../../../../network/numbers.ts';
import { product } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import { picked } from '../moving/picked.ts';
import { selected } from '../selection.ts';

/** Computed, known, or (undefined) zeros. */
export type State = Signal | Float64Array | undefined;

export class Sequence {
  readonly features: number;
  readonly #call: Call;
  readonly #x: Signal;
  readonly #length: number;
  readonly #batch: number;
  /** Whether the batch is the first axis and not the second one. */
  readonly #batchFirst: boolean;

  constructor(call: Call) {
    this.#call = call;
    this.#batchFirst = call.opset >= 14 && call.attributes.flag('layout');
    const input = call.signal(0);
    const x = this.#batchFirst && call.scope.batch !== 1 ? input : call.unbatched(input);
    const sample = x.batched ? [1, ...x.shape] : x.shape;
    const shown = call.dims(input);
    call.demand(
      sample.length === 3,
      'a sequence must be [sequence, batch, features], or with the batch first',
      shown,
    );
    const [batch, length] = this.#batchFirst ? [sample[0]!, sample[1]!] : [sample[1]!, sample[0]!];
    this.#x = x;
    this.#length = length;
    this.#batch = batch;
    this.features = sample[2]!;
    const lengths = call.inputs[4] ? call.numbers(4).data : [];
    if (![...lengths].every((own) => own === length)) {
      call.refuse('sequence_lens', `all of the ${length} steps must be read`);
    }
    call.scope.budget.work(call.node.name, length * product(sample));
  }

  steps(): Signal[] {
    const flat = this.#call.view(this.#x, [product(this.#x.shape)]);
    return Array.from({ length: this.#length }, (_, t) =>
      this.#taken(flat, this.features, (i, k) => {
        const place = this.#batchFirst ? i * this.#length + t : t * this.#batch + i;
        return place * this.features + k;
      }),
    );
  }

  /** The state that direction `d` starts from, by the number of the input that gives it. */
  initial(input: number, d: number, directions: number, hidden: number): State {
    const call = this.#call;
    const value = call.inputs[input];
    if (!value) return undefined;
    const at = (i: number, k: number) =>
      (this.#batchFirst ? i * directions + d : d * this.#batch + i) * hidden + k;
    const entries = directions * this.#batch * hidden;
    const demanded = (count: number, shape: readonly number[]) =>
      call.demand(count === entries, `input ${input} must have ${entries} entries`, shape);
    if (value.kind === 'constant') {
      const { data, shape } = call.numbers(input);
      demanded(data.length, shape);
      const own = inDouble(data);
      return Float64Array.from(
        { length: hidden * this.#batch },
        (_, n) => own[at(n % this.#batch, Math.floor(n / this.#batch))]!,
      );
    }
    const whole = call.unbatched(value);
    demanded(product(whole.shape), whole.shape);
    return this.#taken(call.view(whole, [entries]), hidden, at);
  }

  /** States one after the other, those of the axes `outer` in front of the batch, as ONNX has them. */
  joined(states: readonly Signal[], outer: readonly number[], hidden: number): Signal {
    const call = this.#call;
    const batch = this.#batch;
    const count = product(outer);
    const whole =
      states.length === 1 ? states[0]! : call.emit({ kind: 'concat' }, states, OWN_FIELDS, 'states');
    if (this.#batchFirst && this.#x.batched) return call.view(whole, [...outer, hidden], true);
    const apart = call.view(whole, [count, hidden, batch], false);
    const order = this.#batchFirst ? [2, 0, 1] : [0, 2, 1];
    const shape = this.#batchFirst ? [batch, ...outer, hidden] : [...outer, batch, hidden];
    // Of one sequence the entries are in order already.
    if (batch === 1) return call.settled(call.view(apart, shape, false));
    return call.settled(call.view(call.permuted(apart, order), shape, false));
  }

  /** [size] or [size, batch] */
  #taken(flat: Signal, size: number, at: (i: number, k: number) => number): Signal {
    const batch = this.#batch;
    const sources = Int32Array.from({ length: size * batch }, (_, n) => at(n % batch, Math.floor(n / batch)));
    if (batch === 1) return selected(this.#call, flat, 0, sources);
    return picked(this.#call, flat, sources, [size, batch]);
  }
}
