/** The frame of a chart: title, help, the drawing at the width there is, and a way to take it along. */
import { standalone } from '../charts/svg.ts';
import { type Child, h, present, visible } from '../dom.ts';
import type { HelpKey } from '../help.ts';
import { help } from './help.ts';
import { saveText } from './save.ts';

export type Charts = typeof import('../charts/all.ts');

/** Loaded with the first chart. */
let charts: Promise<Charts> | undefined;

export class Figure {
  readonly element: HTMLElement;
  readonly #canvas = h('div', { class: 'canvas' });
  readonly #extra = h('div', { class: 'extra' });
  readonly #save: HTMLButtonElement;
  readonly #name: string;
  #draw: ((charts: Charts, width: number) => Element) | undefined;
  #width = 0;

  /** @param name of the file that it is saved as, without `.svg` */
  constructor(title: string, key: HelpKey, name: string, ...controls: Child[]) {
    this.#name = name;
    this.#save = h(
      'button',
      { type: 'button', class: 'quiet', 'aria-label': `Save ${title} as SVG`, click: () => this.#export() },
      'SVG',
    );
    this.element = h(
      'section',
      { class: `figure ${name}`, hidden: true },
      h('header', {}, h('h2', {}, title, help(key, title)), ...controls, this.#save),
      this.#canvas,
      this.#extra,
    );
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry!.contentRect.width);
      if (width === this.#width) return;
      this.#width = width;
      void this.#render();
    }).observe(this.#canvas);
    // Pixels do not follow the style sheet.
    addEventListener('themechange', () => void this.#render());
  }

  /** Shows a chart, and below it what says the same in words or in a table. */
  show(draw: (charts: Charts, width: number) => Element, ...extra: Child[]): void {
    this.#draw = draw;
    this.#save.hidden = false;
    this.#extra.replaceChildren(...present(extra));
    this.element.hidden = false;
    void this.#render();
  }

  /** Words where there is no chart yet, or none at all. */
  say(...words: Child[]): void {
    this.#draw = undefined;
    this.#save.hidden = true;
    this.#canvas.replaceChildren();
    this.#extra.replaceChildren(...present(words));
    this.element.hidden = false;
  }

  hide(): void {
    this.#draw = undefined;
    this.element.hidden = true;
  }

  async #render(): Promise<void> {
    charts ??= import('../charts/all.ts');
    const loaded = await charts;
    if (!this.#draw || this.#width === 0) return;
    const chart = this.#draw(loaded, this.#width);
    // Ticks and tables are named after layers.
    const texts = document.createTreeWalker(chart, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) texts.currentNode.nodeValue = visible(texts.currentNode.nodeValue ?? '');
    // One image with one name: what it is made of has none.
    for (const part of chart.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
    chart.setAttribute('role', 'img');
    this.#canvas.replaceChildren(chart);
  }

  #export(): void {
    const chart = this.#canvas.querySelector('svg');
    if (chart) saveText(`${this.#name}.svg`, 'image/svg+xml', standalone(chart));
  }
}

/** A table behind a click: the chart for those who cannot see it, or want its numbers. */
export function numbersTable(titles: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement {
  return h(
    'details',
    { class: 'table-of-figure' },
    h('summary', {}, 'Numbers'),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Numbers of this chart' },
      h(
        'table',
        { class: 'numbers' },
        h('thead', {}, h('tr', {}, ...titles.map((t) => h('th', { scope: 'col' }, t)))),
        h(
          'tbody',
          {},
          ...rows.map(([first, ...cells]) =>
            h('tr', {}, h('th', { scope: 'row' }, first), ...cells.map((c) => h('td', {}, c))),
          ),
        ),
      ),
    ),
  );
}
