/** Which network is looked at, and what is wrong with it if it was refused. */
import type { App, Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import { formatCount, formatInteger, formatShape } from '../format.ts';
import type { Failure, LoadedModel } from '../worker/protocol.ts';

export function head(app: App): () => void {
  const place = byId('network-head');
  // A network may be dropped wherever the page was scrolled to.
  const show = whenChanged((model: Model | undefined) => {
    if (model && place.getBoundingClientRect().top < 0) place.scrollIntoView();
  });
  const draw = whenChanged(
    (model: Model | undefined, loaded: LoadedModel | undefined, failure: Failure | undefined) => {
      byId('network').hidden = !model;
      document.body.dataset.state = model ? 'working' : 'empty';
      if (!model) return;
      place.replaceChildren(
        h(
          'div',
          { class: 'title' },
          h('h2', {}, model.files.model.name),
          h('p', { class: 'fine' }, loaded ? summary(loaded) : failure ? 'refused' : 'reading …'),
        ),
        ...(failure ? [refusal(app, model, failure)] : []),
      );
    },
  );
  return () => {
    draw(app.selected, app.selected?.loaded, app.selected?.failure);
    show(app.selected);
  };
}

function summary({ inspection, input, output, nodes }: LoadedModel): string {
  const hash = inspection.source ? `, SHA-256 ${inspection.source.sha256.slice(0, 8)}…` : '';
  return `${formatShape(input)} → ${formatShape(output)}, ${formatCount(nodes, 'node')}, ${formatInteger(inspection.parameters)} parameters${hash}`;
}

const TITLES: Readonly<Record<Failure['kind'], string>> = {
  input: 'This file cannot be read',
  unsupported: 'This network has no bound here',
  cancelled: 'Cancelled',
  internal: 'Something went wrong in the page itself',
};

function refusal(app: App, model: Model, failure: Failure): HTMLElement {
  const items = failure.items ?? [];
  return h(
    'div',
    { class: 'refusal', role: 'alert' },
    h('h3', {}, TITLES[failure.kind]),
    items.length === 0 && h('p', {}, failure.message),
    items.length > 0 &&
      h(
        'p',
        {},
        `${formatCount(items.length, 'node')} of it ${items.length === 1 ? 'is' : 'are'} not supported:`,
      ),
    items.length > 0 &&
      h(
        'ul',
        {},
        ...items
          .slice(0, MOST_ITEMS)
          .map((i) => h('li', {}, h('b', {}, i.node), `: ${i.found}: ${i.reason}`)),
        items.length > MOST_ITEMS && h('li', {}, `and ${items.length - MOST_ITEMS} more, marked in the list`),
      ),
    failure.kind === 'input' && readingForm(app, model),
  );
}

const MOST_ITEMS = 8;

/** What a file may leave open. */
function readingForm(app: App, model: Model): HTMLElement {
  const shape = h('input', { name: 'shape', placeholder: '1x28x28', pattern: '[0-9]+(x[0-9]+)*', size: 12 });
  const output = h('input', { name: 'output', placeholder: 'the only one', size: 14 });
  const submit = (event: Event) => {
    event.preventDefault();
    const { model: file, external } = model.files;
    app.reload(model, {
      ...{ model: file, external },
      ...(shape.value !== '' && { inputShape: shape.value.split('x').map(Number) }),
      ...(output.value !== '' && { output: output.value }),
    });
  };
  return h(
    'form',
    { class: 'row', submit },
    h('label', {}, 'Input shape without the batch axis', shape),
    h('label', {}, 'Name of the output', output),
    h('button', { type: 'submit' }, 'Read again'),
  );
}
