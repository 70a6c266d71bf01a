/** The ways in: dropping, choosing, examples. */
import type { App } from '../app.ts';
import { byId, h } from '../dom.ts';
import { type Dropped, droppedFiles, mayBeSamples, modelsInJson, sortFiles } from '../files.ts';
import { type Link, readLink } from '../link.ts';

/** URLs of the networks in examples/, by file name. */
const EXAMPLES = Object.entries(
  import.meta.glob<string>('../../../examples/*.onnx', { query: '?url', import: 'default', eager: true }),
).map(([path, url]) => ({ name: path.split('/').at(-1)!, url }));

/** What each is, and what is to be seen of it. */
const STORIES: Readonly<Record<string, readonly [kind: string, story: string]>> = {
  'mlp.onnx': [
    'fully connected',
    'Reads drawn digits and is right on 99.5 % of them. Its bound is close to the truth: see how far each digit may move.',
  ],
  'cnn.onnx': [
    'convolutional',
    'Two convolutions and max pooling for the same digits. See which spatial frequencies they amplify.',
  ],
  'resnet.onnx': [
    'residual',
    'Two residual blocks with batch norm. The product of norms says ten times what a search proves.',
  ],
  'beats.onnx': [
    'one-dimensional',
    'Tells four shapes of heartbeats in signals of 128 samples. Its convolutions have a spectrum of one axis.',
  ],
};

export function intake(app: App): void {
  const drop = byId('drop');
  const choose = byId<HTMLInputElement>('choose');
  choose.addEventListener('change', () => {
    void take(app, [...(choose.files ?? [])]);
    // The same file may be chosen again.
    choose.value = '';
  });
  byId('examples').append(
    ...EXAMPLES.map(({ name, url }) =>
      h(
        'button',
        { type: 'button', class: 'chip', click: () => void takeFromHost(app, name, url, { example: name }) },
        h('b', {}, name),
        h('small', {}, STORIES[name]?.[0]),
        h('span', { class: 'story' }, STORIES[name]?.[1]),
      ),
    ),
  );

  const { network } = readLink(location.search);
  if (network) void takeLinked(app, network);

  // The whole page takes files: nobody should have to aim, and a miss would leave the page.
  let depth = 0;
  const hover = (change: number) => {
    depth = Math.max(0, depth + change);
    drop.classList.toggle('over', depth > 0);
  };
  addEventListener('dragenter', () => hover(1));
  addEventListener('dragleave', () => hover(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    hover(-depth);
    if (event.dataTransfer) void droppedFiles(event.dataTransfer).then((files) => void take(app, files));
  });
}

async function take(app: App, files: readonly (File | Dropped)[], origin?: Link['network']): Promise<void> {
  const { models, documents, samples, loose, refused } = sortFiles(files, await modelsInJson(files));
  const complaints = refused.map(({ file, reason }) => `${file.name}: ${reason}`);
  app.notify(complaints.length > 0 ? complaints.join('\n') : undefined);
  const [first] = models.map((model) => app.add(model, origin));
  if (first) app.select(first);
  if (samples.length > 0) app.offerSamples(samples);
  for (const file of documents) void app.offerDocument(file);
  for (const file of loose) {
    const waiting = app.models.find(
      (m) => m.failure?.kind === 'input' && m.failure.message.includes(file.name),
    );
    if (waiting) {
      const external = new Map([...waiting.files.external, ...loose.map((f) => [f.name, f] as const)]);
      app.reload(waiting, { ...waiting.files, external });
      return;
    }
  }
  // Without a name that says so it may still be a model; if not, the reader says what it is not.
  for (const file of loose) {
    if (app.selected?.loaded && mayBeSamples(file)) app.offerSamples([{ path: file.name, blob: file }]);
    else app.add({ model: file, external: new Map() });
  }
}

async function takeFromHost(app: App, name: string, url: string, origin: Link['network']): Promise<void> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    await take(app, [new File([await response.blob()], name)], origin);
  } catch (error) {
    app.notify(`${name}: could not be fetched from this page's host: ${String(error)}`);
  }
}

/** The network that the page's address names: of its own host, as its policy lets it reach no other. */
async function takeLinked(app: App, network: NonNullable<Link['network']>): Promise<void> {
  if ('example' in network) {
    const example = EXAMPLES.find(({ name }) => name === network.example);
    if (example) await takeFromHost(app, example.name, example.url, network);
    else
      app.notify(
        `${network.example}: there is no such example; there are ${EXAMPLES.map((e) => e.name).join(', ')}.`,
      );
    return;
  }
  if (!URL.canParse(network.url, document.baseURI)) {
    app.notify(`${network.url}: is no address; ?url= takes the path of a file on this page's host.`);
    return;
  }
  const url = new URL(network.url, document.baseURI);
  const name = lastPart(url) || 'model';
  if (url.origin === location.origin) await takeFromHost(app, name, url.href, network);
  else
    app.notify(
      `${url.href}: this page reaches no other host than its own; download the file and drop it here.`,
    );
}

/** The name of a file, as people write it. */
function lastPart({ pathname }: URL): string {
  const part = pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
