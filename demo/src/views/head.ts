/** Which network is looked at, and what is wrong with it if it was refused. */
import type { App, Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import { formatCount, formatInteger, formatShape } from '../format.ts';
import { inPageWords, READING_FIELDS } from '../words.ts';
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
    items.length === 0 && h('p', {}, inPageWords(failure.message)),
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
          .map((i) => h('li', {}, h('b', {}, i.node), `: ${inPageWords(i.found)}: ${inPageWords(i.reason)}`)),
        items.length > MOST_ITEMS && h('li', {}, `and ${items.length - MOST_ITEMS} more, marked in the list`),
      ),
    failure.kind === 'input' && readingForm(app, model, failure.message),
  );
}

const MOST_ITEMS = 8;

/** Fields for what a file leaves open, of those that the message asks for; none where no field would help. */
function readingForm(app: App, model: Model, message: string): HTMLElement | undefined {
  const asked = READING_FIELDS.filter(({ option }) => message.includes(`the option ${option}`)).map(
    (field) => {
      const { option, label, placeholder, pattern } = field;
      const input = h('input', { name: option, placeholder, pattern, size: 14, required: true });
      return { ...field, input, element: h('label', {}, label, input) };
    },
  );
  if (asked.length === 0) return undefined;
  const submit = (event: Event) => {
    event.preventDefault();
    const given = asked.map(({ option, read, input }) => [option, read(input.value)] as const);
    app.reload(model, { ...model.files, ...Object.fromEntries(given) });
  };
  return h(
    'form',
    { class: 'row', submit },
    ...asked.map(({ element }) => element),
    h('button', { type: 'submit' }, 'Read again'),
  );
}
