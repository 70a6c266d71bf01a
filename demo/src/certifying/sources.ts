/** Where samples come from: files, a pen, or the program that draws the digits which the examples were trained on. */
import { drawDigits } from '../../../examples/digits.ts';
import type { App, Model } from '../app.ts';
import { h, whenChanged } from '../dom.ts';
import { drawnSide } from './images.ts';
import type { Part } from './part.ts';

/** Digits that are drawn at once, and the side that the program draws. */
const COUNT = 30;
const SIDE = 14;
/** Another than that which the examples learnt from: 1. */
const SEED = 2;

export function sources(app: App): Part {
  const choose = h('input', {
    type: 'file',
    multiple: true,
    change: () => {
      const files = [...(choose.files ?? [])].map((file) => ({ path: file.name, blob: file }));
      if (files.length > 0) app.selected?.samples.offer(files);
      // The same file may be chosen again.
      choose.value = '';
    },
  });
  const draw = h(
    'button',
    {
      type: 'button',
      'aria-expanded': 'false',
      click: () => {
        const samples = app.selected?.samples;
        samples?.draw(!samples.drawing);
      },
    },
    'Draw a digit',
  );
  const drawn = h(
    'button',
    { type: 'button', click: () => app.selected && openDrawn(app.selected) },
    `Take ${COUNT} drawn digits`,
  );
  const element = h(
    'div',
    { class: 'sources' },
    h(
      'p',
      {},
      h('span', { class: 'pointer-only' }, 'Drop samples with their labels, or '),
      h('label', { class: 'choose' }, h('span', {}, 'choose a data file'), choose),
      h('span', { class: 'fine' }, ' .npz, .npy, .safetensors, MNIST (IDX), CIFAR, folders of PNG'),
    ),
    h('div', { class: 'row' }, draw, drawn),
  );
  const update = whenChanged((model: Model | undefined, drawing: boolean) => {
    const { input = [], output = [] } = model?.loaded ?? {};
    const side = drawnSide(input, output);
    draw.hidden = side === undefined;
    drawn.hidden = side !== SIDE;
    draw.setAttribute('aria-expanded', String(drawing));
  });
  return { element, update: () => update(app.selected, app.selected?.samples.drawing ?? false) };
}

function openDrawn({ samples }: Model): void {
  const { values, size, labels } = drawDigits(COUNT, SEED);
  const drawn = Array.from({ length: COUNT }, (_, k) =>
    Float64Array.from(values.subarray(k * size, (k + 1) * size)),
  );
  samples.draw(false);
  void samples.open({ drawn, labels: [...labels] }, {}).then(() => samples.start({ ...samples.request }));
}
