/** The one number, what it means, and the other methods beside it. */
import { searchStatus } from '../../../src/cli/output/status.ts';
import type { BoundResult, MethodResult } from '../../../src/index.browser.ts';
import { type App, isRunning, type Model } from '../app.ts';
import { byId, type Child, h, whenChanged } from '../dom.ts';
import { formatBound, formatDuration, formatFactor, formatLog10 } from '../format.ts';
import type { HelpKey } from '../help.ts';
import { formatReading, leastOf, type Reading, readingsOf } from '../readings.ts';
import type { BoundAnswer } from '../worker/protocol.ts';
import { help } from './help.ts';

export function answer(app: App): () => void {
  const place = byId('answer');
  const draw = whenChanged(
    (
      model: Model | undefined,
      found: BoundAnswer | undefined,
      running: boolean,
      soFar: number | undefined,
      rows: readonly MethodResult[] | undefined,
    ) => {
      if (!model || (!found && !running)) place.replaceChildren();
      else if (running) place.replaceChildren(interim(model, soFar, rows ?? []));
      else if (found) place.replaceChildren(final(found));
    },
  );
  return () => {
    const model = app.selected;
    const running = model !== undefined && isRunning(model);
    const run = running ? model?.run : undefined;
    draw(model, model?.answer, running, run?.progress?.log10, run?.methods);
  };
}

/** While the work goes on: the best so far, which only falls. */
function interim(model: Model, log10: number | undefined, methods: readonly MethodResult[]): HTMLElement {
  const known = readingsOf({ methods, assurance: 'nominal' }).readings;
  return h(
    'section',
    { class: 'answer interim', 'aria-label': 'Bound so far' },
    h('p', { class: 'eyebrow' }, log10 === undefined ? 'No bound yet' : 'Bound so far'),
    h('p', { class: 'hero' }, ...pretty(log10 === undefined ? '–' : formatBound(null, log10))),
    h('p', { class: 'statement' }, `for ${model.files.model.name}`),
    known.length > 0 && rungs(known, log10 ?? null),
  );
}

function final({ result, note }: BoundAnswer): HTMLElement {
  // Of 0 there is no logarithm, of what is no float64 nothing else.
  const known = result.bound !== null || result.log10 !== null;
  const text = known ? formatBound(result.bound, result.log10) : 'no bound';
  return h(
    'section',
    { class: 'answer', 'aria-labelledby': 'answer-title' },
    h(
      'h3',
      { class: 'eyebrow', id: 'answer-title' },
      result.target ? 'Bound of one margin' : 'Lipschitz bound',
      help('bound', 'the bound'),
    ),
    h(
      'p',
      { class: 'hero' },
      h('data', { value: String(result.bound ?? `1e${result.log10}`), id: 'bound' }, ...pretty(text)),
    ),
    h('p', { class: 'statement' }, ...statement(result, text)),
    ...[note, result.note].flatMap((said) =>
      said === undefined ? [] : [h('p', { class: 'notice plain' }, said)],
    ),
    rungs(readingsOf(result).readings, result.log10),
    facts(result),
  );
}

/** `1.23457e+14` as 1.23457 · 10^14. */
export function pretty(text: string): Child[] {
  const [mantissa, exponent] = text.split('e');
  if (exponent === undefined) return [text];
  return [
    mantissa,
    h('span', { class: 'power' }, '×10', h('sup', {}, exponent.replace('+', '').replace('-', '−'))),
  ];
}

function statement({ target }: BoundResult, value: string): Child[] {
  if (!target)
    return ['‖f(x) − f(y)‖₂ ≤ ', h('b', {}, ...pretty(value)), ' · ‖x − y‖₂ for all inputs x and y'];
  const [i, j] = target;
  return [
    `|(fᵢ − fⱼ)(x) − (fᵢ − fⱼ)(y)| ≤ `,
    h('b', {}, ...pretty(value)),
    ` · ‖x − y‖₂ for all x and y, i = ${i}, j = ${j}`,
  ];
}

const ASSURANCES: Readonly<Record<BoundResult['assurance'], string>> = {
  nominal: 'nominal: rounding not accounted for',
  'rounding-safe': 'rounding-safe',
  checked: 'checked independently',
};

function facts(result: BoundResult): HTMLElement {
  const { assurance } = readingsOf(result);
  const search = leastOf(result)?.search;
  const gained = search && [searchStatus(search), ...gainOf(search)].join(', ');
  return h(
    'dl',
    { class: 'facts' },
    fact('log₁₀', formatLog10(result.log10), 'log10'),
    fact('method', [result.method, result.rule].filter((t) => t !== undefined).join(', ')),
    fact('time', formatDuration(result.seconds)),
    fact('assurance', ASSURANCES[assurance], 'assurance'),
    gained !== undefined && fact('search', gained, 'trace'),
    fact('engine', result.engine.description, 'engine'),
  );
}

function gainOf({ over, gap }: NonNullable<BoundResult['methods'][number]['search']>): string[] {
  if (over === 0) return [];
  const last = over === 1 ? 'last step' : `last ${over} steps`;
  return [`${last} gained ${(100 * gap).toPrecision(2)} %`];
}

function fact(term: string, value: string, key?: HelpKey): HTMLElement {
  const wide = value.length > WIDE;
  return h(
    'div',
    { class: wide ? 'wide' : '' },
    h('dt', {}, term, key && help(key, term)),
    h('dd', {}, value),
  );
}

/** Characters of a fact that wants a line of its own. */
const WIDE = 48;

/** Best of each kind side by side, from the largest. */
function rungs(readings: readonly Reading[], base: number | null): HTMLElement {
  return h(
    'ul',
    { class: 'rungs', 'aria-label': 'Methods side by side' },
    ...readings.map((reading) => rung(reading, base)),
  );
}

function rung(reading: Reading, base: number | null): HTMLElement {
  const { kind, label, detail, log10 } = reading;
  const best = log10 !== null && log10 === base;
  const apart = log10 === null || base === null || best ? '' : formatFactor(Math.abs(log10 - base));
  return h(
    'li',
    { class: `rung ${kind}${best ? ' best' : ''}` },
    h('p', { class: 'kind' }, label, help(kind, label)),
    h('p', { class: 'value' }, ...pretty(formatReading(reading))),
    h(
      'p',
      { class: 'fine' },
      [detail, apart && (kind === 'lower' ? `bound / lower ${apart}` : apart)].filter((t) => t).join(' · '),
    ),
  );
}
