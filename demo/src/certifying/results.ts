/** What is said of all samples, and of each. */
import { CERTIFY_STAGES } from '../../../src/certify/report.ts';
import { type Summary, summaryOf } from '../../../src/index.browser.ts';
import type { App, Model } from '../app.ts';
import type { SampleRun } from '../certification.ts';
import { h, whenChanged } from '../dom.ts';
import { formatBound, formatCount, formatDuration } from '../format.ts';
import { saveJson } from '../views/save.ts';
import type { FoundSample, SampleRequest } from '../worker/protocol.ts';
import type { Part } from './part.ts';
import { attackText, marginText, radiusText } from './words.ts';

/** Rows that a page has room for; files have them all. */
const MOST_ROWS = 500;

export function results(app: App): Part {
  const summary = h('div', { class: 'summary' });
  const body = h('tbody');
  const rest = h('p', { class: 'fine' });
  const titles = ['sample', 'label', 'largest', 'margin', 'certified radius', 'by', 'attack reaches', 'time'];
  const table = h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Samples' },
    h(
      'table',
      { class: 'numbers' },
      h('thead', {}, h('tr', {}, ...titles.map((title) => h('th', { scope: 'col' }, title)))),
      body,
    ),
  );
  const save = h(
    'button',
    { type: 'button', click: () => app.selected && saveAll(app.selected) },
    'Results (JSON)',
  );
  const element = h(
    'div',
    { class: 'results', hidden: true },
    summary,
    table,
    rest,
    h('div', { class: 'row' }, save),
  );

  let shown: SampleRun | undefined;
  const fill = whenChanged((run: SampleRun | undefined, found: readonly FoundSample[] | undefined) => {
    element.hidden = !run || !found || found.length === 0;
    if (!run || !found || element.hidden) return;
    summary.replaceChildren(...summaryText(run, found));
    if (run !== shown) body.replaceChildren();
    shown = run;
    // Rows stay as they are: many come, one after the other.
    for (const each of found.slice(body.rows.length, MOST_ROWS)) body.append(row(app, each));
    rest.hidden = found.length <= MOST_ROWS;
    rest.textContent = `The first ${MOST_ROWS} of ${found.length} samples; the file has them all.`;
  });
  const mark = whenChanged((_run: SampleRun | undefined, _count: number, chosen: number | undefined) => {
    for (const each of body.rows) each.classList.toggle('current', each.dataset.index === String(chosen));
  });
  return {
    element,
    update: () => {
      const { run, chosen } = app.selected?.samples ?? {};
      fill(run, run?.found);
      mark(run, body.rows.length, chosen);
    },
  };
}

function row(app: App, { report }: FoundSample): HTMLElement {
  const { index, label, predicted, margin, stages, seconds } = report;
  const choose = () => app.selected?.samples.choose(index);
  const wrong = label !== null && label !== predicted;
  return h(
    'tr',
    { 'data-index': index, class: wrong ? 'wrong' : '' },
    h('th', { scope: 'row' }, h('button', { type: 'button', class: 'link', click: choose }, index)),
    h('td', {}, label ?? '–'),
    h('td', {}, predicted ?? '–'),
    h('td', {}, marginText(margin)),
    h('td', {}, radiusText(report)),
    h('td', {}, stages.radius ?? '–'),
    h('td', {}, attackText(report)),
    h('td', {}, formatDuration(seconds)),
  );
}

function summaryText(run: SampleRun, found: readonly FoundSample[]): HTMLElement[] {
  const reports = found.map(({ report }) => report);
  const { samples, clean, medianRadius, secondsPerSample }: Summary = summaryOf(reports, []);
  const by = CERTIFY_STAGES.map((stage) => [
    stage,
    reports.filter(({ stages }) => stages.radius === stage).length,
  ]);
  const proven = by.filter(([, count]) => count !== 0).map(([stage, count]) => `${count} by ${stage}`);
  const right =
    clean === null
      ? 'There are no labels: what is certified is that predictions stay.'
      : `Predicted as labelled: ${clean} of ${samples}.`;
  const median =
    medianRadius === undefined || samples < 2
      ? []
      : [
          `Median of the certified radii: ${formatBound(medianRadius, null, 'down')}, wrong predictions counting as 0.`,
        ];
  const notes = run.end?.notes ?? [];
  return [
    h('p', {}, [right, ...median, `Certified: ${proven.join(', ') || 'none'}.`].join(' ')),
    h(
      'p',
      { class: 'fine' },
      `${formatCount(samples, 'sample')}, ${formatDuration(secondsPerSample)} each. Radii are ℓ2, in ${unitOf(run.request)}. Certified is proven, rounding included; what an attack reaches bounds it from above.`,
    ),
    ...notes.map((note) => h('p', { class: 'notice plain' }, note)),
  ];
}

/** What radii are measured in. */
export function unitOf({ std }: SampleRequest): string {
  return std ? 'pixels' : "the network's input";
}

/** As `certify --json` of the command line. */
function saveAll({ files, loaded, samples: { run, outline } }: Model): void {
  const { inspection, nodes } = loaded!;
  if (!run || !outline?.value) return;
  const { inputs, labels, shape, divisor } = outline.value;
  const { mean, std, normalized = false, clip } = run.request;
  const reports = run.found.map(({ report }) => report);
  const document = {
    network: {
      file: files.model.name,
      sha256: inspection.source?.sha256 ?? null,
      parameters: inspection.parameters,
      layers: nodes,
    },
    data: {
      ...{ file: inputs, inputs, labels, samples: run.total, shape, divisor },
      ...(mean && std && { mean, std, normalized }),
      ...(clip && { clip }),
    },
    engine: run.end?.engine ?? null,
    norm: 'l2',
    unit: std ? 'pixels' : 'network input',
    radii: [],
    samples: reports,
    summary: summaryOf(reports, []),
    ...(reports.length < run.total && { interrupted: true }),
    ...(run.end && run.end.notes.length > 0 && { notes: run.end.notes }),
  };
  saveJson(`${files.model.name.replace(/\.onnx$/i, '')}.certified.json`, document);
}
