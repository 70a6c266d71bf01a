/** The ways in: dropping, choosing, examples. */
import type { App } from '../app.ts';
import { byId, h } from '../dom.ts';
import { type Dropped, droppedFiles, mayBeSamples, modelsInJson, sortFiles } from '../files.ts';

/** URLs of the networks in examples/, by file name. */
const EXAMPLES = Object.entries(
  import.meta.glob<string>('../../../examples/*.onnx', { query: '?url', import: 'default', eager: true }),
).map(([path, url]) => ({ name: path.split('/').at(-1)!, url }));

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  'mlp.onnx': 'fully connected',
  'cnn.onnx': 'convolutional',
  'resnet.onnx': 'residual',
  'beats.onnx': 'one-dimensional',
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
        { type: 'button', class: 'chip', click: () => void takeExample(app, name, url) },
        name,
        h('small', {}, DESCRIPTIONS[name]),
      ),
    ),
  );

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

async function take(app: App, files: readonly (File | Dropped)[]): Promise<void> {
  const { models, documents, samples, loose, refused } = sortFiles(files, await modelsInJson(files));
  const complaints = refused.map(({ file, reason }) => `${file.name}: ${reason}`);
  app.notify(complaints.length > 0 ? complaints.join('\n') : undefined);
  const [first] = models.map((model) => app.add(model));
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

async function takeExample(app: App, name: string, url: string): Promise<void> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    await take(app, [new File([await response.blob()], name)]);
  } catch (error) {
    app.notify(`${name}: could not be fetched from this page's host: ${String(error)}`);
  }
}
