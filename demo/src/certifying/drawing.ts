/** A digit drawn with a pen, as the network sees it: certified whenever the pen rests. */
import type { App, Model } from '../app.ts';
import type { Certification } from '../certification.ts';
import { h, whenChanged } from '../dom.ts';
import { drawnSide, imageShape, paint } from './images.ts';
import type { Part } from './part.ts';
import { type Point, pixelsOf, type Stroke } from './strokes.ts';

/** Milliseconds that a pen rests between the strokes of one digit. */
const REST = 500;

export function drawing(app: App): Part {
  let strokes: Stroke[] = [];
  let side = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const canvas = h('canvas', { role: 'img', 'aria-label': 'The digit that is drawn, pixel by pixel' });
  const meant = h(
    'select',
    { name: 'meant', change: () => ask() },
    h('option', { value: '' }, 'nobody says'),
    ...Array.from({ length: 10 }, (_, digit) => h('option', { value: digit }, digit)),
  );
  const clear = h(
    'button',
    {
      type: 'button',
      click: () => {
        clearTimeout(timer);
        strokes = [];
        show();
      },
    },
    'Clear',
  );
  const element = h(
    'div',
    { class: 'drawing', hidden: true },
    canvas,
    h(
      'div',
      { class: 'beside' },
      h(
        'p',
        { class: 'fine' },
        'Draw one digit, nearly as high as the frame. It is certified whenever the pen rests.',
      ),
      h('label', {}, 'It is meant to be a', meant),
      clear,
    ),
  );

  const show = () => {
    const shape = imageShape([1, side, side]);
    if (shape) paint(canvas, pixelsOf(strokes, side), shape, [0, 1]);
  };
  const ask = () => {
    clearTimeout(timer);
    if (strokes.length === 0) return;
    timer = setTimeout(() => app.selected && certify(app.selected.samples), REST);
  };
  const certify = (samples: Certification) => {
    // Units stay; which arrays of a file were meant does not.
    const { mean, std, clip, evaluations, timeLimit } = samples.request;
    const kept = {
      ...{ mean, std, clip },
      ...(evaluations !== undefined && { evaluations }),
      ...(timeLimit !== undefined && { timeLimit }),
    };
    const labels = meant.value === '' ? {} : { labels: [Number(meant.value)] };
    void samples
      .open({ drawn: [pixelsOf(strokes, side)], ...labels }, kept)
      .then(() => samples.start(samples.request));
  };

  const at = (event: PointerEvent): Point => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  };
  canvas.addEventListener('pointerdown', (event) => {
    clearTimeout(timer);
    canvas.setPointerCapture(event.pointerId);
    strokes = [...strokes, [at(event)]];
    show();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    strokes = [...strokes.slice(0, -1), [...strokes.at(-1)!, at(event)]];
    show();
  });
  for (const end of ['pointerup', 'pointercancel'] as const) canvas.addEventListener(end, ask);

  const update = whenChanged((model: Model | undefined, shown: boolean) => {
    const { input = [], output = [] } = model?.loaded ?? {};
    const found = drawnSide(input, output);
    element.hidden = !shown || found === undefined;
    if (element.hidden || found === side) return;
    side = found!;
    show();
  });
  return { element, update: () => update(app.selected, app.selected?.samples.drawing ?? false) };
}
