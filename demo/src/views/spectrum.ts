/** The spectrum of one convolution, to be chosen. */
import type { LayerSpectrum } from '../../../src/index.browser.ts';
import { type App, isRunning, type Model } from '../app.ts';
import type { Extra } from '../certification.ts';
import { h, whenChanged } from '../dom.ts';
import { formatUp } from '../format.ts';
import { Figure } from './figure.ts';

export function spectrumFigure(app: App): { readonly element: HTMLElement; update(): void } {
  const layer = h('select', { 'aria-label': 'Convolution', change: () => ask() });
  const figure = new Figure('Spectrum of a convolution', 'spectrum', 'spectrum', layer);
  let names: readonly string[] = [];
  const chosen = () => names[layer.selectedIndex];
  const ask = () => {
    const name = chosen();
    if (app.selected?.answer && name !== undefined) app.spectrum(app.selected, name);
  };
  const choices = whenChanged((model: Model | undefined) => {
    names = convolutions(model);
    layer.replaceChildren(...names.map((name) => h('option', {}, name)));
    if (names.length === 0) figure.hide();
    else ask();
  });
  const follow = whenChanged((name: string | undefined) => {
    const at = name === undefined ? -1 : names.indexOf(name);
    if (at < 0) return;
    layer.selectedIndex = at;
    ask();
  });
  const draw = whenChanged((found: Extra<LayerSpectrum> | undefined) => {
    if (found === undefined) return;
    const { value, failure } = found;
    if (value) figure.show((c, width) => c.spectrum(value, width), h('p', { class: 'fine' }, inWords(value)));
    else figure.say(h('p', { class: 'fine' }, failure?.message ?? 'Computing …'));
  });
  return {
    element: figure.element,
    update() {
      const model = app.selected;
      const ready = model?.answer && !isRunning(model) ? model : undefined;
      choices(ready);
      follow(app.layer);
      draw(ready?.spectra.get(chosen() ?? ''));
    },
  };
}

function convolutions(model: Model | undefined): string[] {
  const layers = model?.loaded?.inspection.layers ?? [];
  return layers.filter((l) => /convolution/.test(l.op) && l.torus !== null).map((l) => l.name);
}

/** A frequency as the axes have it, from −1/2 to 1/2. */
function turns(k: number, side: number): string {
  const centred = k < side / 2 ? k : k - side;
  return centred === 0 ? '0' : `${centred < 0 ? '−' : ''}${Math.abs(centred)}/${side}`;
}

function inWords({ torus, values }: LayerSpectrum): string {
  let largest = 0;
  values.forEach((value, k) => {
    if (value > values[largest]!) largest = k;
  });
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const omega: string[] = [];
  let rest = largest;
  for (const side of torus.toReversed()) {
    omega.unshift(turns(rest % side, side));
    rest = Math.floor(rest / side);
  }
  const top = values[largest]!;
  return `Between ${least.toPrecision(4)} and ${formatUp(top, 4)}; the largest, at ω = (${omega.join(', ')}), makes the layer's norm ${formatUp(Math.sqrt(top), 5)}.`;
}
