/** What computes, and by which method. */
import { DEFAULTS } from '../../../src/bounds/defaults.ts';
import { formatMegabytes } from '../../../src/cli/output/format.ts';
import type { MethodName, RuleName } from '../../../src/index.browser.ts';
import { type App, isRunning, type Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import type { HelpKey } from '../help.ts';
import type { BoundRequest, EngineName, EngineOffer } from '../worker/protocol.ts';
import { help } from './help.ts';

const ENGINES: Readonly<Record<string, string>> = {
  webgpu: 'WebGPU (float32)',
  webgl: 'WebGL (float32)',
  'cpu-wasm': 'WebAssembly (float64)',
};

/** Products of moduli go with other norms than those of the page. */
const METHODS: Readonly<Record<Exclude<MethodName, 'moduli-product'>, string>> = {
  all: 'All, keep the least',
  'spectral-product': 'Product of norms',
  'closed-form': 'Closed forms',
  refined: 'Refined',
  unrolled: 'Unrolled',
  exact: 'Exact, of small networks',
};

const RULES: readonly RuleName[] = [
  ...(['SN(1)', 'SN(1.3)', 'SN(1.5)', 'GC(1.5)', 'GC(1.7)', 'GC(1.99)'] as const),
  ...(['Shift(1.3)', 'Shift(1.5)', 'Shift(1.7)', 'mixed'] as const),
];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function settings(app: App): () => void {
  const place = byId('settings');
  const engine = h('select', { name: 'engine' });
  const offers = h('ul', { class: 'offers' });
  const method = select('method', METHODS);
  const rule = select('rule', Object.fromEntries([['', 'all rules'], ...RULES.map((r) => [r, r])]));
  const target = h('input', {
    name: 'target',
    value: DEFAULTS.target,
    size: 8,
    pattern: 'global|margins|[0-9]+,[0-9]+',
  });
  const evaluations = number('evaluations', String(DEFAULTS.evaluations), 0);
  const timeLimit = number('time-limit', String(DEFAULTS.timeLimit), 0);
  const memory = number('memory', formatMegabytes(DEFAULTS.memory), 1);
  const threads = number('threads', 'one per core', 1);
  method.value = DEFAULTS.method;
  const go = h('button', { type: 'submit', class: 'primary' }, 'Bound');

  const read = () => {
    const request: Mutable<BoundRequest> = { engine: engine.value as EngineName };
    // A rule implies its method.
    if (rule.value === '' || method.value === 'unrolled') request.method = method.value as MethodName;
    if (rule.value !== '') request.rule = rule.value as RuleName;
    const goal = targetOf(target.value);
    if (goal !== DEFAULTS.target) request.target = goal;
    if (evaluations.value !== '') request.evaluations = Number(evaluations.value);
    if (timeLimit.value !== '') request.timeLimit = Number(timeLimit.value);
    if (memory.value !== '') request.memory = 1e6 * Number(memory.value);
    if (threads.value !== '') request.threads = Number(threads.value);
    app.request = request;
  };
  const form = h(
    'form',
    {
      class: 'settings',
      'aria-labelledby': 'settings-title',
      change: read,
      submit: (event) => {
        event.preventDefault();
        read();
        if (app.selected?.loaded) app.bound(app.selected);
      },
    },
    h('h2', { id: 'settings-title' }, 'How'),
    field('Engine', engine, 'engine'),
    offers,
    field('Method', method, 'method'),
    h(
      'details',
      {},
      h('summary', {}, 'More'),
      field('Closed-form rule', rule, 'closedForm'),
      field('Target: global, margins, or two outputs such as 3,5', target, 'target'),
      field('Gradient evaluations at most', evaluations),
      field('Seconds at most', timeLimit),
      field('Memory in megabytes', memory),
      field('Threads', threads),
    ),
    go,
  );
  place.append(form);

  const drawEngines = whenChanged((known: readonly EngineOffer[] | undefined) => {
    const chosen = engine.value || app.request.engine;
    engine.replaceChildren(
      h('option', { value: 'auto' }, 'Automatic'),
      ...(known ?? []).map(({ name, available }) =>
        h(
          'option',
          { value: name, disabled: !available },
          `${ENGINES[name] ?? name}${available ? '' : ': not here'}`,
        ),
      ),
    );
    engine.value = chosen;
    offers.replaceChildren(
      ...(known ?? [])
        .filter((o) => !o.available)
        .map(({ name, description }) =>
          h('li', {}, `${ENGINES[name] ?? name} is not offered: ${description}`),
        ),
    );
  });
  return () => {
    drawEngines(app.offers?.engines);
    const model = app.selected;
    go.disabled = !model?.loaded || isRunning(model);
    go.textContent = label(model);
    form.hidden = model?.failure !== undefined;
  };
}

function label(model: Model | undefined): string {
  if (model && isRunning(model)) return 'Bounding …';
  return model?.answer ? 'Bound again' : 'Bound';
}

function targetOf(text: string): NonNullable<BoundRequest['target']> {
  if (text === 'margins') return 'margins';
  const pair = /^([0-9]+),([0-9]+)$/.exec(text);
  return pair ? [Number(pair[1]), Number(pair[2])] : 'global';
}

function select(name: string, choices: Readonly<Record<string, string>>): HTMLSelectElement {
  return h(
    'select',
    { name },
    ...Object.entries(choices).map(([value, text]) => h('option', { value }, text)),
  );
}

function number(name: string, placeholder: string, min: number): HTMLInputElement {
  return h('input', { name, type: 'number', min, step: 1, placeholder, inputmode: 'numeric' });
}

function field(label: string, control: HTMLElement, key?: HelpKey): HTMLElement {
  const id = `setting-${control.getAttribute('name')}`;
  control.id = id;
  return h('div', { class: 'field' }, h('label', { for: id }, label), key && help(key, label), control);
}
