/** All networks in one table, to choose from and to compare. */
import type { MethodResult } from '../../../src/index.browser.ts';
import { type App, isRunning, type Model } from '../app.ts';
import { byId, h } from '../dom.ts';
import { formatBound, formatDuration, formatInteger } from '../format.ts';
import { least } from '../readings.ts';

interface Column {
  readonly title: string;
  readonly of: (model: Model) => string;
}

const COLUMNS: readonly Column[] = [
  // What is compared comes first: of a narrow page there is no more to be seen.
  {
    title: 'bound',
    of: (model) =>
      model.answer ? formatBound(model.answer.result.bound, model.answer.result.log10) : stateOf(model),
  },
  { title: 'refined', of: (model) => best(model, 'refined') },
  { title: 'closed form', of: (model) => best(model, 'closed-form') },
  { title: 'product of norms', of: (model) => best(model, 'spectral-product') },
  {
    title: 'layers',
    of: ({ loaded }) => (loaded ? String(loaded.inspection.layers.length) : '–'),
  },
  {
    title: 'parameters',
    of: ({ loaded }) => (loaded ? formatInteger(loaded.inspection.parameters) : '–'),
  },
  { title: 'time', of: ({ answer }) => (answer ? formatDuration(answer.result.seconds) : '–') },
];

export function models(app: App): () => void {
  const section = byId('comparison');
  const body = h('tbody');
  byId('models').append(
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Networks and their bounds' },
      h(
        'table',
        { class: 'numbers' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['network', ...COLUMNS.map(({ title }) => title)].map((title) =>
              h('th', { scope: 'col' }, title),
            ),
            h('td'),
          ),
        ),
        body,
      ),
    ),
  );
  let drawn = '';
  return () => {
    section.hidden = app.models.length < 2;
    // Redrawn only where a cell is another, so that the focus stays where it is.
    const rows = app.models.map(cellsOf);
    const now = JSON.stringify([rows, app.models.map((m) => [m.id, ofWhat(m)]), app.selected?.id]);
    if (now === drawn) return;
    drawn = now;
    const focused = document.activeElement?.getAttribute('data-model');
    body.replaceChildren(...app.models.map((model, k) => row(app, model, rows[k]!)));
    if (focused) body.querySelector<HTMLElement>(`[data-model="${focused}"]`)?.focus();
  };
}

function row(app: App, model: Model, cells: readonly string[]): HTMLElement {
  const name = model.files.model.name;
  const current = app.selected === model;
  const target = ofWhat(model);
  return h(
    'tr',
    { class: current ? 'current' : '' },
    h(
      'th',
      { scope: 'row' },
      h(
        'button',
        {
          type: 'button',
          class: 'link',
          'data-model': model.id,
          'aria-current': current && 'true',
          click: () => app.select(model),
        },
        name,
      ),
      target !== undefined && h('small', { class: 'of-what' }, target),
    ),
    ...cells.map((text, k) => h('td', { class: k === 0 ? 'best' : '' }, text)),
    h(
      'td',
      {},
      h(
        'button',
        { type: 'button', class: 'quiet', 'aria-label': `Remove ${name}`, click: () => app.remove(model) },
        '×',
      ),
    ),
  );
}

/** The cells behind the name. */
function cellsOf(model: Model): string[] {
  return COLUMNS.map(({ of }) => of(model));
}

/** Numbers of a pair of outputs say nothing beside those of whole networks. */
function ofWhat({ answer }: Model): string | undefined {
  const target = answer?.result.target;
  return target && `output ${target[0]} − output ${target[1]}`;
}

function best({ answer }: Model, method: MethodResult['method']): string {
  const found = least((answer?.result.methods ?? []).filter((row) => row.method === method));
  return formatBound(found?.bound ?? null, found?.log10 ?? null);
}

function stateOf(model: Model): string {
  if (model.failure) return 'refused';
  if (!model.loaded) return 'reading';
  if (isRunning(model)) return model.run?.started === undefined ? 'waiting' : 'at work';
  return model.run?.failure ? model.run.failure.kind : '–';
}
