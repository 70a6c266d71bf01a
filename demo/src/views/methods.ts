/** Every method and rule that ran, the least bound first. */
import type { MethodResult } from '../../../src/index.browser.ts';
import type { App } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import { formatBound, formatDuration, formatLog10 } from '../format.ts';
import { byBound, hasBound } from '../readings.ts';
import { inPageWords } from '../words.ts';
import type { BoundAnswer } from '../worker/protocol.ts';

export function methods(app: App): () => void {
  const place = byId('methods');
  const draw = whenChanged((answer: BoundAnswer | undefined) => {
    place.replaceChildren();
    if (answer) place.append(table(answer.result.methods));
  });
  return () => draw(app.selected?.answer);
}

function table(rows: readonly MethodResult[]): HTMLElement {
  const sorted = rows.toSorted(byBound);
  return h(
    'details',
    { class: 'methods' },
    h('summary', {}, h('h2', {}, 'All methods and rules')),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'All methods and rules' },
      h(
        'table',
        { class: 'numbers' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['method', 'rule', 'bound', 'log₁₀', 'time'].map((t) => h('th', { scope: 'col' }, t)),
          ),
        ),
        h(
          'tbody',
          {},
          ...sorted.map((row, k) =>
            h(
              'tr',
              { class: k === 0 && hasBound(row) ? 'current' : '' },
              h('th', { scope: 'row' }, row.method),
              h('td', {}, row.rule),
              ...(row.error === undefined
                ? [h('td', {}, formatBound(row.bound, row.log10)), h('td', {}, formatLog10(row.log10))]
                : [h('td', { colspan: 2, class: 'reason' }, inPageWords(row.error))]),
              h('td', {}, formatDuration(row.seconds)),
            ),
          ),
        ),
      ),
    ),
  );
}
