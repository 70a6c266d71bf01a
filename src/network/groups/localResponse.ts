/** Local response normalisation (Krizhevsky et al. 2012, ONNX LRN). */
import { above, type GroupDefinition, length, U } from './definition.ts';

/** x_c / g_c^beta, g_c = bias + rate Σ x_j², over the channels j from c − before to c + after. */
export interface LocalResponse {
  readonly name: 'local-response';
  readonly before: number;
  readonly after: number;
  readonly rate: number;
  readonly beta: number;
  readonly bias: number;
}

export const localResponse: GroupDefinition<LocalResponse> = {
  examples: [
    { name: 'local-response', before: 1, after: 1, rate: 0.3, beta: 0.75, bias: 0.5 },
    { name: 'local-response', before: 1, after: 2, rate: 2, beta: 0.5, bias: 1 },
    { name: 'local-response', before: 0, after: 0, rate: 1, beta: 1.5, bias: 0.2 },
  ],
  fault: ({ bias, rate, beta }) => {
    if (!(bias > 0 && bias < Infinity)) return ['bias must be positive', bias];
    if (!(rate >= 0 && rate < Infinity)) return ['alpha must not be negative', rate];
    return beta >= 0 && beta < Infinity ? undefined : ['beta must not be negative', beta];
  },
  scalar: false,
  lipschitz: ({ before, after, beta, bias }, n) => {
    const reach = Math.min(n, before + after + 1);
    const share = beta === 0 ? 0 : (beta / (beta + 1)) ** beta / (beta + 1);
    return above(above(above(bias ** -beta * (1 + (reach + 1) * beta * share))));
  },
  value: (f, x) => {
    const g = divisors(f, x);
    return x.map((value, c) => value * g[c]! ** -f.beta);
  },
  differentiate: (f, x) => {
    const g = divisors(f, x);
    const own = g.map((value) => value ** -f.beta);
    const cross = x.map((value, c) => (-2 * f.rate * f.beta * value * own[c]!) / g[c]!);
    return {
      push: (dx) => x.map((_, c) => own[c]! * dx[c]! + cross[c]! * over(f, x, c, (j) => x[j]! * dx[j]!)),
      pull: (u) => {
        const out = u.map((value, c) => value * own[c]!);
        for (let c = 0; c < x.length; c++) {
          over(f, x, c, (j) => {
            out[j]! += u[c]! * cross[c]! * x[j]!;
            return 0;
          });
        }
        return out;
      },
    };
  },
  error: (f, x) => U * (16 + f.beta * (x.length + 32)) * length(x) * f.bias ** -f.beta,
};

function divisors(f: LocalResponse, x: Float64Array): Float64Array {
  return x.map((_, c) => f.bias + f.rate * over(f, x, c, (j) => x[j]! ** 2));
}

/** Σ over the neighbours of a channel. */
function over(
  { before, after }: LocalResponse,
  x: Float64Array,
  c: number,
  of: (j: number) => number,
): number {
  let sum = 0;
  for (let j = Math.max(0, c - before); j <= Math.min(x.length - 1, c + after); j++) sum += of(j);
  return sum;
}
