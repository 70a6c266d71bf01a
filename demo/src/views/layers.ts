/** The network as a list of layers; what is not supported is marked with the reason. */
import type { PrefixBound, Unsupported } from '../../../src/index.browser.ts';
import type { App, Model } from '../app.ts';
import { byId, h, say, whenChanged } from '../dom.ts';
import { formatCount, formatInteger, formatQuantity, formatShape } from '../format.ts';
import { type Effect, effectsOf } from '../tightness.ts';
import { inPageWords } from '../words.ts';
import type { Failure, LoadedModel } from '../worker/protocol.ts';
import { graphCells } from './graph.ts';
import { help } from './help.ts';

export function layers(app: App): () => void {
  const place = byId('layers');
  /** Where what each layer does to the bound is written, once it is known. */
  let effects: readonly HTMLElement[] = [];
  const draw = whenChanged(
    (model: Model | undefined, loaded: LoadedModel | undefined, failure: Failure | undefined) => {
      place.replaceChildren();
      effects = [];
      if (!model) return;
      if (loaded) {
        const list = loadedList(app, loaded);
        effects = list.effects;
        place.append(list.element);
      } else if (failure?.outline) place.append(outlineList(failure));
    },
  );
  const drawEffects = whenChanged(
    (shown: readonly HTMLElement[], prefixes: readonly PrefixBound[] | undefined) => {
      const found = new Map(effectsOf(prefixes ?? []).map((effect) => [effect.index, effect]));
      for (const [k, element] of shown.entries()) showEffect(element, found.get(k));
    },
  );
  return () => {
    const { selected } = app;
    draw(selected, selected?.loaded, selected?.failure);
    drawEffects(effects, selected?.growth?.ended ? selected.growth.value : undefined);
  };
}

/** Factors by which a layer makes the bound larger, and moves it away from the lower bound. */
function showEffect(element: HTMLElement, effect: Effect | undefined): void {
  element.hidden = !effect;
  if (!effect) return;
  const { bound, cost } = effect;
  element.style.setProperty('--cost', String(Math.max(0, Math.min(1, cost ?? 0))));
  say(element, `×${factorText(bound)}${cost === undefined ? '' : ` · gap ×${factorText(cost)}`}`);
}

function factorText(log10: number): string {
  const factor = 10 ** log10;
  return factor >= 1e4 || factor < 1e-2 ? factor.toExponential(1) : factor.toPrecision(3);
}

/** Operators whose layers have a chart of their own, and which. */
function chartOf(op: string): string {
  if (/convolution/.test(op)) return 'spectrum';
  return /^(affine|add|concat|pad|gather|scale|reindex|global-average-pool|average-pool)$/.test(op)
    ? 'growth'
    : 'multipliers';
}

function look(app: App, name: string, op: string): void {
  app.look(name);
  const figures = [chartOf(op), 'growth', 'methods'].map((figure) =>
    document.querySelector<HTMLElement>(`.figure.${figure}:not([hidden])`),
  );
  figures.find((figure) => figure)?.scrollIntoView({ behavior: 'smooth' });
}

function loadedList(
  app: App,
  { inspection, input, inputs }: LoadedModel,
): { readonly element: HTMLElement; readonly effects: readonly HTMLElement[] } {
  const { layers, refused, parameters, bytes, flops } = inspection;
  const reasons = byNode(refused);
  const graph = graphCells(inputs);
  const effects = layers.map(() => h('span', { class: 'effect', hidden: true }));
  const cost =
    flops > 0 ? `, ${formatQuantity(flops, 'flop')} for all closed forms, ${formatQuantity(bytes, 'B')}` : '';
  const element = h(
    'section',
    { class: 'layers', 'aria-labelledby': 'layers-title' },
    h('h2', { id: 'layers-title' }, 'Layers', help('graph', 'layers')),
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
            graph && h('td'),
            h('th', { scope: 'col' }, 'layer'),
            h('th', { scope: 'col', class: 'number' }, 'output'),
            h('th', { scope: 'col', class: 'number' }, 'params', help('parameters', 'parameters')),
            h('th', { scope: 'col', class: 'number' }, 'torus', help('torus', 'torus')),
          ),
        ),
        h(
          'tbody',
          {},
          h(
            'tr',
            { class: 'input' },
            graph?.[0],
            h('th', { scope: 'row' }, h('b', {}, 'input')),
            h('td', { class: 'number' }, formatShape(input)),
            h('td'),
            h('td'),
          ),
          ...layers.map((layer, k) => {
            const reason = reasons.get(layer.name);
            return h(
              'tr',
              { class: reason ? 'refused' : '' },
              graph?.[k + 1],
              h(
                'th',
                { scope: 'row' },
                h(
                  'button',
                  { type: 'button', class: 'link', click: () => look(app, layer.name, layer.op) },
                  h('b', {}, layer.op),
                ),
                h('span', { class: 'name', title: layer.name }, layer.name),
                effects[k],
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
  return { element, effects };
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
