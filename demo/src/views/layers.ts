/** The network as a list of layers; what is not supported is marked with the reason. */
import type { Unsupported } from '../../../src/index.browser.ts';
import type { App, Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import { formatCount, formatInteger, formatQuantity, formatShape } from '../format.ts';
import { inPageWords } from '../words.ts';
import type { Failure, LoadedModel } from '../worker/protocol.ts';
import { help } from './help.ts';

export function layers(app: App): () => void {
  const place = byId('layers');
  const draw = whenChanged(
    (model: Model | undefined, loaded: LoadedModel | undefined, failure: Failure | undefined) => {
      place.replaceChildren();
      if (!model) return;
      if (loaded) place.append(loadedList(loaded));
      else if (failure?.outline) place.append(outlineList(failure));
    },
  );
  return () => draw(app.selected, app.selected?.loaded, app.selected?.failure);
}

function loadedList({ inspection, input }: LoadedModel): HTMLElement {
  const { layers, refused, parameters, bytes, flops } = inspection;
  const reasons = byNode(refused);
  const torus = help('torus', 'torus');
  const params = help('parameters', 'parameters');
  const cost =
    flops > 0 ? `, ${formatQuantity(flops, 'flop')} for all closed forms, ${formatQuantity(bytes, 'B')}` : '';
  return h(
    'section',
    { class: 'layers', 'aria-labelledby': 'layers-title' },
    h('h2', { id: 'layers-title' }, 'Layers'),
    h(
      'p',
      { class: 'fine' },
      `${formatCount(layers.length, 'layer')} after merging, ${formatInteger(parameters)} parameters${cost}.`,
    ),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Layers of the network' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'layer'),
            h('th', { scope: 'col', class: 'number' }, 'output'),
            h('th', { scope: 'col', class: 'number' }, 'params', params),
            h('th', { scope: 'col', class: 'number' }, 'torus', torus),
          ),
        ),
        h(
          'tbody',
          {},
          h(
            'tr',
            { class: 'input' },
            h('th', { scope: 'row' }, h('b', {}, 'input')),
            h('td', { class: 'number' }, formatShape(input)),
            h('td'),
            h('td'),
          ),
          ...layers.map((layer) => {
            const reason = reasons.get(layer.name);
            return h(
              'tr',
              { class: reason ? 'refused' : '' },
              h(
                'th',
                { scope: 'row' },
                h('b', {}, layer.op),
                h('span', { class: 'name', title: layer.name }, layer.name),
                reason && objection(reason),
              ),
              h('td', { class: 'number' }, formatShape(layer.shape)),
              h('td', { class: 'number' }, layer.parameters > 0 && formatInteger(layer.parameters)),
              h('td', { class: 'number' }, layer.torus && formatShape(layer.torus)),
            );
          }),
        ),
      ),
    ),
  );
}

/** Nodes of a file that was refused. */
function outlineList({ outline = [], items = [] }: Failure): HTMLElement {
  const reasons = byNode(items);
  return h(
    'section',
    { class: 'layers', 'aria-labelledby': 'layers-title' },
    h('h2', { id: 'layers-title' }, 'Nodes of the file'),
    h('p', { class: 'fine' }, `${formatCount(outline.length, 'node')}, ${reasons.size} not supported.`),
    h(
      'ol',
      { class: 'outline', tabindex: 0, 'aria-label': 'Nodes of the file' },
      ...outline.map(({ name, operator }) => {
        const reason = reasons.get(name);
        return h(
          'li',
          { class: reason ? 'refused' : '' },
          h('b', {}, operator),
          h('span', { class: 'name' }, name),
          reason && objection(reason),
        );
      }),
    ),
  );
}

function objection(items: readonly Unsupported[]): HTMLElement {
  return h(
    'span',
    { class: 'reason' },
    ...items.map((i) => h('span', {}, inPageWords(`${i.found}: ${i.reason}`))),
  );
}

function byNode(items: readonly Unsupported[]): Map<string, Unsupported[]> {
  const found = new Map<string, Unsupported[]>();
  for (const item of items) found.set(item.node, [...(found.get(item.node) ?? []), item]);
  return found;
}
