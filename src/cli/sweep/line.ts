/** What a sweep says of one network: a line of its file. */
import type { BoundResult, LowerBound } from '../../bounds/result.ts';
import type { Network } from '../../network/network.ts';
import { countParameters } from '../../network/parameters.ts';
import { type Failure, failureDocument } from '../failure.ts';
import type { Deciding } from './question.ts';

interface Magnitude {
  /** Null where it is no float64 (`log10` still holds it). */
  readonly bound: number | null;
  readonly log10: number | null;
}

/** A bound with what stands beside it, or why there is none. */
export interface Answer extends Partial<Magnitude> {
  readonly parameters?: number;
  readonly layers?: number;
  readonly method?: string;
  readonly rule?: string;
  readonly target?: readonly [number, number];
  /** The product of norms, where it was asked for. */
  readonly product?: Magnitude;
  readonly closedForm?: Magnitude;
  readonly lower?: Pick<LowerBound, 'value' | 'log10' | 'assurance'>;
  readonly assurance?: string;
  readonly loose?: string;
  readonly note?: string;
  readonly length?: BoundResult['length'];
  readonly exact?: { readonly status: string; readonly lower: number; readonly upper: number };
  /** Gradients of all searches. */
  readonly evaluations?: number;
  readonly margins?: BoundResult['margins'];
  readonly engine?: string;
  readonly seconds?: number;
  readonly error?: { readonly kind: string; readonly message: string; readonly items?: readonly unknown[] };
}

export interface SweepLine extends Answer {
  /** As the sweep has named it. */
  readonly file: string;
  /** Of the network's files; null where they could not be read. */
  readonly sha256: string | null;
  /** Of file and options; null where no such work is found again. */
  readonly key: string | null;
  readonly options: Deciding;
  readonly version: string;
}

export function answerOf(network: Network, result: BoundResult, withMargins: boolean): Answer {
  const { bound, log10, method, rule, target, lower, assurance, loose, note, length, exact, margins } =
    result;
  const searches = result.methods.flatMap(({ search }) => (search ? [search] : []));
  const evaluations = [...searches, ...(result.pairs ? [result.pairs] : [])].reduce(
    (sum, search) => sum + search.evaluations,
    0,
  );
  const product = leastOf(result, 'spectral-product');
  const closedForm = leastOf(result, 'closed-form');
  return {
    ...{ bound, log10 },
    ...(method && { method }),
    ...(rule && { rule }),
    ...(target && { target }),
    ...(product && { product }),
    ...(closedForm && { closedForm }),
    ...(lower && { lower: { value: lower.value, log10: lower.log10, assurance: lower.assurance } }),
    assurance,
    ...(loose && { loose }),
    ...(note && { note }),
    ...(length && { length }),
    ...(exact && { exact: { status: exact.status, lower: exact.lower, upper: exact.upper } }),
    ...(evaluations > 0 && { evaluations }),
    ...(withMargins && margins && { margins }),
    ...{ parameters: countParameters(network), layers: network.nodes.length },
    ...{ engine: result.engine.description, seconds: result.seconds },
  };
}

export function failureAnswer(failure: Failure): Answer {
  return failureDocument(failure) as Answer;
}

function leastOf({ methods }: BoundResult, method: string): Magnitude | undefined {
  const size = (row: Magnitude) => row.log10 ?? (row.bound === 0 ? -Infinity : Infinity);
  const rows = methods.filter((row) => row.method === method && (row.bound !== null || row.log10 !== null));
  const [least] = rows.sort((a, b) => size(a) - size(b));
  return least && { bound: least.bound, log10: least.log10 };
}

/** Of a bound: networks have some thousands. */
const MOST_DIGITS = 1e6;

/** Whether a line is one that a sweep has written: it names a file, and has a bound or an error. */
export function isSweepLine(document: unknown): document is SweepLine {
  if (typeof document !== 'object' || document === null) return false;
  const { file, key, options, bound, log10, error, ...rest } = document as Partial<SweepLine>;
  const { product, closedForm, lower, seconds, evaluations, method, rule } = rest;
  const isNumber = (value: unknown) => value === null || (typeof value === 'number' && value >= -Infinity);
  const isLogarithm = (value: unknown) => isNumber(value) && Math.abs(value as number) < MOST_DIGITS;
  const isMagnitude = (one: unknown, value: 'bound' | 'value') => {
    if (one === undefined) return true;
    if (typeof one !== 'object' || one === null) return false;
    const { [value]: size, log10: logarithm } = one as Record<string, unknown>;
    return isNumber(size) && isLogarithm(logarithm);
  };
  return (
    isMagnitude(product, 'bound') &&
    isMagnitude(closedForm, 'bound') &&
    isMagnitude(lower, 'value') &&
    [seconds, evaluations].every(
      (value) => value === undefined || (typeof value === 'number' && value >= 0),
    ) &&
    [method, rule].every((value) => value === undefined || typeof value === 'string') &&
    typeof file === 'string' &&
    (key === null || typeof key === 'string') &&
    typeof options === 'object' &&
    options !== null &&
    ((typeof error === 'object' && typeof error?.message === 'string') ||
      (isNumber(bound) && isLogarithm(log10)))
  );
}
