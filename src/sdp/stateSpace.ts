/**
 * One-dimensional convolutions as causal linear systems in state space (Pauli, Gramlich & Allgöwer 2023, arXiv 2211.15253).
 *
 * With T taps, stride s, dilation r and leading padding p the output y_j = Σ_t K_t u_{sj + rt − p} reads no sample after
 * sj + lead, lead = r(T − 1) − p. So at its step j the system
 *
 *     x_{j+1} = A x_j + B U_j ,   y_j = C x_j + D U_j
 *
 * takes in the s newest samples at once, the newest first: U_j = (u_{sj + lead}, …, u_{sj + lead − s + 1}). It is a filter of
 * finite impulse response W₀, W₁, …, where block b of W_q is the tap that reads the sample s q + b before the newest:
 *
 *     C(zI − A)⁻¹B + D = Σ_q W_q z^{−q} .
 *
 * On samples u_n = v e^{iωn} it takes the value of the symbol W(ω) = Σ_t K_t e^{iω(rt − p)} that the torus knows: with
 * z = e^{iωs} and (E v)_b = e^{iω(lead − b)} v, (C(zI − A)⁻¹B + D) E v = W(ω) v.
 */
import type { DenseMatrix } from '../network/matrix.ts';
import type { Convolution } from '../network/operator.ts';

export interface StateSpace {
  /** [states, states], strictly lower or upper triangular: the impulse response is finite. */
  readonly a: DenseMatrix;
  /** [states, inputs] */
  readonly b: DenseMatrix;
  /** [outputs, states] */
  readonly c: DenseMatrix;
  /** [outputs, inputs] */
  readonly d: DenseMatrix;
}

/** `system` takes `stride` samples of the convolution's input per step, the newest first, each with all its channels. */
export interface Realisation {
  readonly system: StateSpace;
  /** The newest sample that step 0 takes in. */
  readonly lead: number;
}

/** W_q of a convolution of one axis: matrices [outputs, stride · inputs]; those that are zero at the end are left out. */
function impulseResponse({ outputs, inputs, groups, weight, ...axis }: Convolution): DenseMatrix[] {
  const [taps, stride, dilation] = [axis.kernel[0]!, axis.stride[0]!, axis.dilation[0]!];
  const columns = stride * inputs;
  const steps = Math.floor((dilation * (taps - 1)) / stride) + 1;
  const response = Array.from({ length: steps }, () => zeros(outputs, columns));
  const perGroup = inputs / groups;
  for (let t = 0; t < taps; t++) {
    const lag = dilation * (taps - 1 - t);
    const { data } = response[Math.floor(lag / stride)]!;
    for (let o = 0; o < outputs; o++) {
      const first = Math.floor(o / (outputs / groups)) * perGroup;
      for (let i = 0; i < perGroup; i++) {
        data[o * columns + (lag % stride) * inputs + first + i] = weight[(o * perGroup + i) * taps + t]!;
      }
    }
  }
  while (response.length > 1 && response.at(-1)!.data.every((value) => value === 0)) response.pop();
  return response;
}

/**
 * A realisation of a convolution of one axis, its bias left out. Of two with shift registers, one that delays the inputs that are
 * still needed and one that delays sums on their way to the outputs, the one with fewer states. Without stride that is
 * minimal wherever the oldest tap has full rank; with one, a mixture of the two can be a little smaller.
 *
 * The padding has no influence beyond `lead`: samples outside the signal are zeros to be fed in.
 * @throws RangeError where the convolution has more than one axis
 */
export function realise(convolution: Convolution): Realisation {
  if (convolution.kernel.length !== 1)
    throw new RangeError(`realise: convolutions of one axis, got ${convolution.kernel.length}`);
  const response = impulseResponse(convolution);
  const inputs = delayedInputs(response);
  const delaysOutputs = convolution.outputs * (response.length - 1) < inputs.length;
  const lead = convolution.dilation[0]! * (convolution.kernel[0]! - 1) - convolution.padding.before[0]!;
  return {
    system: delaysOutputs ? delayingOutputs(response) : delayingInputs(response, inputs),
    lead,
  };
}

/** A map without memory. */
export function memoryless(d: DenseMatrix): StateSpace {
  return { a: zeros(0, 0), b: zeros(0, d.columns), c: zeros(d.rows, 0), d };
}

/** Columns of U that are needed again `delay` steps later. */
interface Delayed {
  readonly column: number;
  readonly delay: number;
}

/** In the order of the delays, so that every state follows the one that it copies. */
function delayedInputs(response: readonly DenseMatrix[]): Delayed[] {
  const delayed: Delayed[] = [];
  for (let delay = 1; delay < response.length; delay++) {
    for (let column = 0; column < response[0]!.columns; column++) {
      if (response.slice(delay).some((w) => !isZeroColumn(w, column))) delayed.push({ column, delay });
    }
  }
  return delayed;
}

/** x = inputs of the last steps. */
function delayingInputs(response: readonly DenseMatrix[], states: readonly Delayed[]): StateSpace {
  const { rows: outputs, columns: inputs } = response[0]!;
  const n = states.length;
  const [a, b, c] = [zeros(n, n), zeros(n, inputs), zeros(outputs, n)];
  for (const [k, { column, delay }] of states.entries()) {
    if (delay === 1) b.data[k * inputs + column] = 1;
    else a.data[k * n + states.findIndex((s) => s.column === column && s.delay === delay - 1)] = 1;
    for (let o = 0; o < outputs; o++) c.data[o * n + k] = response[delay]!.data[o * inputs + column]!;
  }
  return { a, b, c, d: response[0]! };
}

/** x^q = what earlier inputs contribute to the output q steps ahead, q = 0, 1, …; each step moves it one block up. */
function delayingOutputs(response: readonly DenseMatrix[]): StateSpace {
  const { rows: outputs, columns: inputs } = response[0]!;
  const n = outputs * (response.length - 1);
  const [a, b, c] = [zeros(n, n), zeros(n, inputs), zeros(outputs, n)];
  for (let k = 0; k + outputs < n; k++) a.data[k * n + k + outputs] = 1;
  for (const [q, w] of response.slice(1).entries()) b.data.set(w.data, q * outputs * inputs);
  for (let o = 0; o < Math.min(outputs, n); o++) c.data[o * n + o] = 1;
  return { a, b, c, d: response[0]! };
}

function isZeroColumn({ rows, columns, data }: DenseMatrix, column: number): boolean {
  for (let row = 0; row < rows; row++) if (data[row * columns + column] !== 0) return false;
  return true;
}

function zeros(rows: number, columns: number): DenseMatrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}
