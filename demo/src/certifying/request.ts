/** What is in the data, which samples are taken, and in which unit. */
import { numbersIn } from '../../../src/cli/numbers.ts';
import { CERTIFY_DEFAULTS } from '../../../src/index.browser.ts';
import type { App } from '../app.ts';
import { type Certification, isCertifying } from '../certification.ts';
import { h, say, whenChanged } from '../dom.ts';
import { formatCount, formatShape } from '../format.ts';
import type { SampleOutline, SampleRequest } from '../worker/protocol.ts';
import type { Part } from './part.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function request(app: App): Part {
  const input = (name: string, attributes: Parameters<typeof h<'input'>>[1] = {}) =>
    h('input', { name, size: 10, ...attributes });
  const first = input('first', { type: 'number', min: 1, step: 1, inputmode: 'numeric' });
  const inputs = input('inputs', { placeholder: 'x' });
  const labels = input('labels', { placeholder: 'y' });
  const unlabelled = input('unlabelled', { type: 'checkbox' });
  const mean = input('mean', { placeholder: '0.4914,0.4822,0.4465', size: 22 });
  const std = input('std', { placeholder: '0.247,0.2435,0.2616', size: 22 });
  const normalized = input('normalized', { type: 'checkbox' });
  const clip = input('clip', { placeholder: '0,1' });
  const evaluations = input('evaluations', {
    type: 'number',
    min: 0,
    step: 1,
    placeholder: CERTIFY_DEFAULTS.evaluations,
  });
  const seconds = input('seconds', { type: 'number', min: 0, step: 'any', placeholder: 'no limit' });
  const outline = h('p', { class: 'outline-of-samples' });
  const failure = h('p', { class: 'notice', hidden: true });
  const more = h(
    'details',
    {},
    h('summary', {}, 'Arrays, pixels, effort'),
    h(
      'div',
      { class: 'fields' },
      ofFiles(labelled('Array of inputs', inputs)),
      ofFiles(labelled('Array of labels', labels)),
      labelled('There are no labels: predictions are to stay', unlabelled),
      labelled('Mean that pixels are moved by before the network', mean),
      labelled('Standard deviation that they are divided by', std),
      ofFiles(labelled('The data are divided already', normalized)),
      labelled('Pixels lie between', clip),
      labelled('Evaluations of the moving centre', evaluations),
      labelled('Seconds a sample at most', seconds),
    ),
  );
  const go = h('button', { type: 'submit', class: 'primary' }, 'Certify');
  const again = h('button', { type: 'button', click: () => reopen() }, 'Read again');

  /** What the fields say, or what is wrong with them. */
  const read = (): SampleRequest | string => {
    const asked: Mutable<SampleRequest> = {};
    if (first.value !== '') asked.first = Number(first.value);
    if (inputs.value !== '') asked.inputs = inputs.value;
    if (labels.value !== '') asked.labels = labels.value;
    if (unlabelled.checked) asked.labels = false;
    if (evaluations.value !== '') asked.evaluations = Number(evaluations.value);
    if (seconds.value !== '') asked.timeLimit = Number(seconds.value);
    if (clip.value !== '') {
      const [low, high, ...rest] = numbersIn(clip.value) ?? [];
      if (rest.length > 0 || !(low! < high!))
        return 'Limits of pixels: two numbers, the smaller one first, such as 0,1.';
      asked.clip = [low!, high!];
    }
    if ((mean.value === '') !== (std.value === '')) return 'Mean and standard deviation go together.';
    if (mean.value !== '') {
      const [means, deviations] = [numbersIn(mean.value), numbersIn(std.value)];
      if (!means || !deviations)
        return 'Mean and standard deviation: one number, or one for each channel, joined by commas.';
      Object.assign(asked, { mean: means, std: deviations, normalized: normalized.checked });
    } else if (normalized.checked)
      return 'Data that are divided already: say by which mean and standard deviation.';
    return asked;
  };
  const withRequest = (act: (samples: Certification, asked: SampleRequest) => void) => {
    const samples = app.selected?.samples;
    const asked = read();
    const problem = typeof asked === 'string' ? asked : undefined;
    say(failure, problem ?? '');
    failure.hidden = problem === undefined;
    if (samples && typeof asked !== 'string') act(samples, asked);
  };
  const reopen = () =>
    withRequest((samples, asked) => samples.source && void samples.open(samples.source, asked));
  const form = h(
    'form',
    {
      class: 'request',
      'aria-label': 'Samples',
      // A pen that rests asks for what the fields say. Words come with the button: it must not move under a finger.
      change: () => {
        const asked = read();
        if (typeof asked !== 'string') app.selected?.samples.set(asked);
      },
      submit: (event: Event) => {
        event.preventDefault();
        withRequest((samples, asked) => {
          const { source, opened: before } = samples;
          if (!source) return;
          const others = asked.inputs !== before.inputs || asked.labels !== before.labels;
          if (!others) samples.start(asked);
          // Other arrays are other samples, which may not fit.
          else void samples.open(source, asked).then(() => samples.start(asked));
        });
      },
    },
    outline,
    failure,
    h('div', { class: 'row' }, ofFiles(labelled('First samples', first)), go, again),
    more,
  );
  const fill = whenChanged((samples: Certification | undefined, found: Certification['outline']) => {
    form.hidden = !samples || !found;
    if (!samples || form.hidden) return;
    form.classList.toggle('drawn', samples.source !== undefined && 'drawn' in samples.source);
    const { value, failure: problem } = found!;
    say(outline, value ? describe(value) : problem ? 'These samples were not read.' : 'Reading …');
    say(failure, problem?.message ?? '');
    failure.hidden = !problem;
    go.hidden = first.parentElement!.hidden = !value;
    again.hidden = !problem;
    // What would do is among the fields.
    if (problem) more.open = true;
    const { request: asked } = samples;
    first.max = String(value?.count ?? '');
    first.value = String(asked.first ?? '');
    inputs.value = asked.inputs ?? '';
    labels.value = asked.labels || '';
    unlabelled.checked = asked.labels === false;
    mean.value = asked.mean?.join(',') ?? '';
    std.value = asked.std?.join(',') ?? '';
    normalized.checked = asked.normalized ?? false;
    clip.value = asked.clip?.join(',') ?? '';
    evaluations.value = String(asked.evaluations ?? '');
    seconds.value = String(asked.timeLimit ?? '');
  });
  return {
    element: form,
    update: () => {
      const samples = app.selected?.samples;
      fill(samples, samples?.outline);
      go.disabled = isCertifying(samples?.run);
    },
  };
}

function describe({ inputs, labels, count, shape, divisor }: SampleOutline): string {
  const pixels = divisor === 1 ? '' : `, divided by ${divisor}`;
  const known =
    labels === null ? 'no labels: what is certified is that predictions stay' : `labels: ${labels}`;
  return `${inputs}: ${formatCount(count, 'sample')} of ${formatShape(shape)}${pixels}; ${known}.`;
}

function labelled(label: string, control: HTMLInputElement): HTMLElement {
  return h('label', { class: control.type }, label, control);
}

/** Of no meaning for what is drawn on the page. */
function ofFiles(field: HTMLElement): HTMLElement {
  field.classList.add('of-files');
  return field;
}
