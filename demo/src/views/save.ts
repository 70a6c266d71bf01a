/** Taking results along, as files that the browser makes here. */
import type { App, Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import type { BoundAnswer } from '../worker/protocol.ts';

export function save(app: App): () => void {
  const place = byId('save');
  const draw = whenChanged((model: Model | undefined, answer: BoundAnswer | undefined) => {
    place.replaceChildren();
    if (!model?.loaded || !answer) return;
    const stem = model.files.model.name.replace(/\.onnx$/i, '');
    const { multipliers } = answer.result;
    place.append(
      h(
        'section',
        { class: 'save', 'aria-labelledby': 'save-title' },
        h('h2', { id: 'save-title' }, 'Save'),
        h(
          'div',
          { class: 'row' },
          h(
            'button',
            { type: 'button', click: () => saveJson(`${stem}.bound.json`, boundDocument(model, answer)) },
            'Result (JSON)',
          ),
          multipliers &&
            h(
              'button',
              { type: 'button', click: () => saveJson(`${stem}.multipliers.json`, multipliers) },
              'Multipliers (JSON)',
            ),
        ),
        h(
          'p',
          { class: 'fine' },
          'The result is what lipsoid bound --json prints; the multipliers are what --multipliers reads. Every chart has a button that saves it as SVG.',
        ),
      ),
    );
  });
  return () => draw(app.selected, app.selected?.answer);
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
  };
}

function saveJson(name: string, document: object): void {
  saveText(name, 'application/json', `${JSON.stringify(document, null, 2)}\n`);
}

export function saveText(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
