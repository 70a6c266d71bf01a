/** Taking results along, as files that the browser makes here. */
import { methodDocuments } from '../../../src/cli/output/status.ts';
import { printableJson } from '../../../src/printable.ts';
import { type App, isRunning, type Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import type { BoundAnswer } from '../worker/protocol.ts';

type Inputs = readonly [
  model: Model | undefined,
  answer: BoundAnswer | undefined,
  certifying: Model['certifying'],
  running: boolean,
];

export function save(app: App): () => void {
  const place = byId('save');
  const draw = whenChanged((...[model, answer, certifying, running]: Inputs) => {
    place.replaceChildren();
    if (!model?.loaded || !answer) return;
    const stem = model.files.model.name.replace(/\.(onnx|keras|h5|hdf5|nnet|json)$/i, '');
    const { multipliers } = answer.result;
    const certify = () => app.certify(model, (text) => saveText(`${stem}.certificate.json`, JSON_TYPE, text));
    place.append(
      h(
        'section',
        { class: 'save', 'aria-labelledby': 'save-title' },
        h('h2', { id: 'save-title' }, 'Save'),
        h(
          'div',
          { class: 'row' },
          !running &&
            button(
              certifying && !certifying.failure ? 'Certifying …' : 'Certificate',
              certify,
              certifying !== undefined && !certifying.failure,
            ),
          button('Result (JSON)', () => saveJson(`${stem}.bound.json`, boundDocument(model, answer))),
          multipliers &&
            button('Multipliers (JSON)', () => saveJson(`${stem}.multipliers.json`, multipliers)),
        ),
        certifying?.failure && h('p', { class: 'notice' }, certifying.failure.message),
        h(
          'p',
          { class: 'fine' },
          'The certificate is for anybody to check: drop it here together with the network, or use lipsoid verify. ' +
            'The result is what lipsoid bound --json prints; the multipliers are what --multipliers reads. Every chart has a button that saves it as SVG.',
        ),
      ),
    );
  });
  return () => {
    const model = app.selected;
    draw(model, model?.answer, model?.certifying, model !== undefined && isRunning(model));
  };
}

/** As the command line's `--json`. */
function boundDocument({ loaded, files }: Model, { result }: BoundAnswer): object {
  const { multipliers: _, ...rest } = result;
  const { inspection, nodes } = loaded!;
  return {
    network: {
      file: files.model.name,
      sha256: inspection.source?.sha256 ?? null,
      parameters: inspection.parameters,
      layers: nodes,
    },
    ...rest,
    methods: methodDocuments(result.methods),
  };
}

function button(label: string, click: () => void, disabled = false): HTMLElement {
  return h('button', { type: 'button', click, disabled }, label);
}

const JSON_TYPE = 'application/json';

export function saveJson(name: string, document: object): void {
  saveText(name, JSON_TYPE, `${printableJson(document, 2)}\n`);
}

export function saveText(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
