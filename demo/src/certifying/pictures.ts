/** One sample: as it is, moved to the edge of what is certified, and as the nearest counterexample. */
import type { App } from '../app.ts';
import type { Extra } from '../certification.ts';
import { type Child, h, whenChanged } from '../dom.ts';
import { formatBound } from '../format.ts';
import { help } from '../views/help.ts';
import type { FoundSample, MovedSample, Picture } from '../worker/protocol.ts';
import { type ImageShape, imageShape, paint, rangeOf } from './images.ts';
import type { Part } from './part.ts';
import { attackText, marginText, radiusText } from './words.ts';

export function pictures(app: App): Part {
  const element = h('div', { class: 'pictures' });
  const update = whenChanged(
    (
      found: FoundSample | undefined,
      extra: Extra<MovedSample> | undefined,
      input: readonly number[] | undefined,
    ) => {
      element.replaceChildren();
      if (found && extra && input) element.append(sample(found, extra, imageShape(input)));
    },
  );
  return {
    element,
    update: () => {
      const { selected } = app;
      const { chosen, run, moved } = selected?.samples ?? {};
      const found = run?.found.find(({ report }) => report.index === chosen);
      update(found, chosen === undefined ? undefined : moved?.get(chosen), selected?.loaded?.input);
    },
  };
}

function sample(
  { report }: FoundSample,
  { value, failure }: Extra<MovedSample>,
  shape: ImageShape | undefined,
): HTMLElement {
  return h(
    'section',
    { class: 'sample', 'aria-labelledby': 'sample-title' },
    h('h3', { id: 'sample-title' }, `Sample ${report.index}`, help('moved', 'this sample')),
    failure && h('p', { class: 'notice' }, failure.message),
    !value && !failure && h('p', { class: 'fine' }, 'Moving it …'),
    value && h('div', { class: 'tiles' }, ...tiles(report, value, shape)),
  );
}

function tiles(
  report: FoundSample['report'],
  { input, certified, counterexample }: MovedSample,
  shape: ImageShape | undefined,
): Child[] {
  const range = rangeOf(input.values);
  const tile = (title: string, kind: string, picture: Picture, ...words: Child[]) =>
    h(
      'figure',
      { class: `tile ${kind}` },
      shape && image(title, picture.values, shape, range),
      h(
        'figcaption',
        {},
        h('b', {}, title),
        ...words.map((text) => h('span', {}, text)),
        bars(picture.outputs),
      ),
    );
  return [
    tile(
      'As it is',
      'input',
      input,
      `largest output: ${report.predicted ?? 'none'}${report.label === null ? '' : `, labelled ${report.label}`}`,
      `margin ${marginText(report.margin)}`,
    ),
    certified
      ? tile(
          'Moved to its certified radius',
          'certified',
          certified,
          `by ${radiusText(report)}: still ${report.predicted}, as everywhere within`,
          `margin ${marginText(certified.margin)}`,
        )
      : h(
          'p',
          { class: 'tile fine' },
          report.label !== null && report.label !== report.predicted
            ? 'A prediction that is wrong is never certified.'
            : 'No radius was certified.',
        ),
    counterexample
      ? tile(
          'Nearest counterexample found',
          'counterexample',
          counterexample,
          `moved by ${attackText(report)}: now ${largest(counterexample.outputs, report.predicted)}`,
        )
      : report.attack === null && h('p', { class: 'tile fine' }, 'No counterexample was found.'),
    shape &&
      counterexample &&
      difference(
        counterexample.values.map((x, n) => x - input.values[n]!),
        shape,
      ),
  ];
}

function image(
  title: string,
  values: Float64Array,
  shape: ImageShape,
  range: readonly [number, number],
): HTMLCanvasElement {
  const canvas = h('canvas', { role: 'img', 'aria-label': title });
  paint(canvas, values, shape, range);
  return canvas;
}

/** What has been added: grey is nothing. */
function difference(values: Float64Array, shape: ImageShape): HTMLElement {
  const most = values.reduce((a, x) => Math.max(a, Math.abs(x)), Number.MIN_VALUE);
  return h(
    'figure',
    { class: 'tile' },
    image('What the counterexample adds', values, shape, [-most, most]),
    h(
      'figcaption',
      {},
      h('b', {}, 'What the counterexample adds'),
      h('span', {}, `grey is nothing, black and white are ±${formatBound(most, null)}`),
    ),
  );
}

/** The output that has taken over: at a counterexample it may be as large as what was predicted before. */
function largest(outputs: Float64Array, before: number | null): number {
  let best = before === 0 ? 1 : 0;
  outputs.forEach((value, j) => {
    if (j !== before && value > outputs[best]!) best = j;
  });
  return best;
}

/** Outputs that have room for bars. */
const MOST_BARS = 20;

/** All outputs, the largest marked. */
function bars(outputs: Float64Array): HTMLElement | undefined {
  if (outputs.length > MOST_BARS || !outputs.every(Number.isFinite)) return undefined;
  const [low, high] = [outputs.reduce((a, x) => Math.min(a, x)), outputs.reduce((a, x) => Math.max(a, x))];
  const text = Array.from(outputs, (value, j) => `${j}: ${value.toPrecision(4)}`).join(', ');
  return h(
    'span',
    { class: 'bars', role: 'img', 'aria-label': `Outputs: ${text}`, title: text },
    ...Array.from(outputs, (value, j) =>
      h(
        'i',
        {
          class: value === high ? 'top' : '',
          style: `--share: ${high > low ? (value - low) / (high - low) : 1}`,
        },
        j,
      ),
    ),
  );
}
