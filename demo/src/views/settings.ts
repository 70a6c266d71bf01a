/** What computes, and by which method. */
import { DEFAULTS } from '../../../src/bounds/defaults.ts';
import { formatMegabytes } from '../../../src/cli/output/format.ts';
import type { MethodName, RuleName } from '../../../src/index.browser.ts';
import { type App, isRunning, type Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import type { HelpKey } from '../help.ts';
import { readLink, SETTINGS, type Setting, writeLink } from '../link.ts';
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

/** What stands in fields by itself, where that is something. */
const BY_ITSELF: Readonly<Partial<Record<Setting, string>>> = {
  engine: DEFAULTS.engine,
  method: DEFAULTS.method,
  target: DEFAULTS.target,
};

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
    // Engines are known only after a while.
    const request: Mutable<BoundRequest> = { engine: (engine.value as EngineName) || app.request.engine };
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
    carry();
  };
  const copy = h('button', { type: 'button', class: 'quiet', click: () => void copyLink() }, 'Copy link');
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
    h('div', { class: 'row' }, go, copy),
  );
  place.append(form);

  const fields = { engine, method, rule, target, evaluations, 'time-limit': timeLimit, memory, threads };
  /** Settings that differ from what stands there by itself. */
  const chosen = () =>
    Object.fromEntries(
      SETTINGS.flatMap((name) => {
        const value = name === 'engine' ? app.request.engine : fields[name].value;
        return value === '' || value === BY_ITSELF[name] ? [] : [[name, value] as const];
      }),
    );
  /** Keeps the address in step, so that it can be kept or handed on. */
  const carry = () => {
    const model = app.selected;
    if (!model) return;
    const { origin } = model;
    const search = writeLink({ ...(origin && { network: origin }), settings: chosen() });
    history.replaceState(null, '', search === '' ? location.pathname : `?${search}`);
  };
  const carryFor = whenChanged((_model: Model | undefined) => carry());
  const copyLink = async () => {
    carry();
    try {
      await navigator.clipboard.writeText(location.href);
      app.notify('The address of this network with these settings is in the clipboard.', 'plain');
    } catch {
      app.notify(location.href, 'plain');
    }
  };
  const { settings: asked } = readLink(location.search);
  if (asked.engine && Object.hasOwn(ENGINES, asked.engine)) app.set({ engine: asked.engine as EngineName });
  for (const name of SETTINGS) {
    const value = asked[name];
    if (value !== undefined && name !== 'engine') fields[name].value = value;
  }
  // What an address asks for that there is not.
  for (const each of [method, rule]) if (each.selectedIndex < 0) each.selectedIndex = 0;
  read();

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
    copy.hidden = model?.origin === undefined;
    carryFor(model);
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
