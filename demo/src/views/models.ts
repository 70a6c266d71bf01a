/** All networks in one table, to choose from and to compare. */
import type { MethodResult } from '../../../src/index.browser.ts';
import { type App, isRunning, type Model } from '../app.ts';
import { byId, h } from '../dom.ts';
import { formatBound, formatDuration, formatInteger } from '../format.ts';
import { least } from '../readings.ts';

const COLUMNS = [
  'network',
  'layers',
  'parameters',
  'product of norms',
  'closed form',
  'refined',
  'bound',
  'time',
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
        h('thead', {}, h('tr', {}, ...COLUMNS.map((c) => h('th', { scope: 'col' }, c)), h('td'))),
        body,
      ),
    ),
  );
  let drawn = '';
  return () => {
    section.hidden = app.models.length < 2;
    // Redrawn only where a cell is another, so that the focus stays where it is.
    const rows = app.models.map(cellsOf);
    const now = JSON.stringify([rows, app.models.map((m) => m.id), app.selected?.id]);
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
    ),
    ...cells.map((text, k) => h('td', { class: k === cells.length - 2 ? 'best' : '' }, text)),
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
  const { loaded, answer } = model;
  const methods = answer?.result.methods ?? [];
  const best = (of: MethodResult['method']) => {
    const row = least(methods.filter((m) => m.method === of));
    return formatBound(row?.bound ?? null, row?.log10 ?? null);
  };
  return [
    loaded ? String(loaded.inspection.layers.length) : '–',
    loaded ? formatInteger(loaded.inspection.parameters) : '–',
    best('spectral-product'),
    best('closed-form'),
    best('refined'),
    answer ? formatBound(answer.result.bound, answer.result.log10) : stateOf(model),
    answer ? formatDuration(answer.result.seconds) : '–',
  ];
}

function stateOf(model: Model): string {
  if (model.failure) return 'refused';
  if (!model.loaded) return 'reading';
  if (isRunning(model)) return model.run?.started === undefined ? 'waiting' : 'at work';
  return model.run?.failure ? model.run.failure.kind : '–';
}
