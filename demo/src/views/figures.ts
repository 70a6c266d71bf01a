/** The charts of the selected network. */
import { DEFAULTS } from '../../../src/bounds/defaults.ts';
import { type App, type Growth, isRunning, type Model } from '../app.ts';
import type { Headline } from '../charts/growth.ts';
import { byId, h, whenChanged } from '../dom.ts';
import { formatBound, formatLower, formatQuantity, formatUp } from '../format.ts';
import { least, readingsOf } from '../readings.ts';
import { costsOf } from '../tightness.ts';
import type { BoundAnswer, TracePoint } from '../worker/protocol.ts';
import { Figure, numbersTable } from './figure.ts';
import { spectrumFigure } from './spectrum.ts';

export function figures(app: App): () => void {
  const ladder = new Figure('Methods on one scale', 'bound', 'methods');
  const trace = new Figure('Search', 'trace', 'search');
  const growth = new Figure('Growth through the layers', 'growth', 'growth');
  const tightness = new Figure('What costs tightness', 'tightness', 'tightness');
  const multipliers = new Figure('Multipliers', 'multipliers', 'multipliers');
  const spectrum = spectrumFigure(app);
  const margins = new Figure('Margins', 'margins', 'margins');
  byId('figures').append(
    ...[trace, ladder, growth, tightness, multipliers].map((f) => f.element),
    spectrum.element,
    margins.element,
  );

  const drawAnswer = whenChanged((answer: BoundAnswer | undefined) => {
    const result = answer?.result;
    const readings = result ? readingsOf(result).readings : [];
    if (readings.filter((r) => r.log10 !== null).length < 2) ladder.hide();
    else ladder.show((c, width) => c.ladder(readings, width));
    const stored = result?.multipliers;
    if (!stored) multipliers.hide();
    else {
      const ranges = stored.layers.map(({ name, theta }) => {
        const ratios = theta.map(Math.exp).sort((a, b) => a - b);
        const at = (share: number) => ratios[Math.round(share * (ratios.length - 1))]?.toPrecision(3);
        return [name, String(theta.length), at(0), at(0.5), at(1)];
      });
      multipliers.show(
        (c, width) => c.multipliers(stored, width),
        numbersTable(['layer', 'channels', 'least', 'median', 'largest'], ranges),
      );
    }
    const table = result?.margins;
    if (!table) margins.hide();
    else {
      margins.show(
        (c, width) => c.margins(table, width),
        table.length <= 20 &&
          numbersTable(
            ['', ...table.map((_, j) => String(j))],
            table.map((row, i) => [
              String(i),
              ...row.map((value) => (value > 0 ? formatUp(value, 4) : String(value))),
            ]),
          ),
      );
    }
  });

  const drawTrace = whenChanged(
    (points: readonly TracePoint[], answer: BoundAnswer | undefined, evaluations: number) => {
      if (points.length === 0) {
        trace.hide();
        return;
      }
      const closed = answer && least(answer.result.methods.filter((m) => m.method === 'closed-form'));
      const most = answer ? Math.max(...points.map((p) => p.evaluation)) : evaluations;
      trace.show((c, width) => c.trace(points, closed?.log10 ?? undefined, most, width));
    },
  );

  const drawGrowth = whenChanged((model: Model | undefined, found: Growth | undefined) => {
    drawGrowthOf(app, model, found, growth);
    const costs = found?.ended ? costsOf(found.value ?? []) : [];
    if (costs.length < 2) tightness.hide();
    else tightness.show((c, width) => c.tightness(costs, width));
  });

  return () => {
    const model = app.selected;
    const running = model !== undefined && isRunning(model);
    const answer = running ? undefined : model?.answer;
    drawAnswer(answer);
    const run = model?.run;
    drawTrace(run?.trace ?? NONE, answer, run?.request.evaluations ?? DEFAULTS.evaluations);
    drawGrowth(answer && model, answer && model?.growth);
    spectrum.update();
  };
}

const NONE: readonly TracePoint[] = [];

/** The bound of the answer, where a search found it: charts of closed forms lack it. */
function headlineOf(answer: BoundAnswer | undefined): Headline | undefined {
  if (!answer) return undefined;
  const { result } = answer;
  const found = readingsOf(result).readings.find(
    ({ kind, log10 }) => kind !== 'lower' && log10 === result.log10,
  );
  if (!found || found.log10 === null || found.kind === 'closedForm' || found.kind === 'product')
    return undefined;
  return { kind: found.kind, label: found.label, log10: found.log10 };
}

function drawGrowthOf(app: App, model: Model | undefined, found: Growth | undefined, figure: Figure): void {
  const inspection = model?.loaded?.inspection;
  if (!model || !inspection || inspection.refused.length > 0) {
    figure.hide();
    return;
  }
  const { layers, flops } = inspection;
  const target = model.answer?.result.target;
  const whole = target
    ? [h('p', { class: 'fine' }, `Behind the last layer: of output ${target[0]} minus output ${target[1]}.`)]
    : [];
  if (!found) {
    const cost = formatQuantity((flops / 20) * layers.length, 'flop');
    figure.say(
      h('p', { class: 'fine' }, `One pass for each layer, ${cost} in all.`),
      h('button', { type: 'button', click: () => app.grow(model) }, 'Compute'),
    );
  } else if (found.failure) {
    figure.say(h('p', { class: 'fine' }, found.failure.message));
  } else if (!found.value || found.value.length < 2) {
    figure.say(
      h('p', { class: 'fine' }, found.ended ? 'There is nowhere to cut this network.' : 'Computing …'),
    );
  } else {
    const prefixes = found.value;
    const operators = layers.map((l) => l.op);
    const headline = headlineOf(model.answer);
    figure.show(
      (c, width) => c.growth(prefixes, operators, headline, width),
      !found.ended && h('p', { class: 'fine' }, `${prefixes.length} prefixes so far …`),
      ...(found.ended ? whole : []),
      found.ended &&
        numbersTable(
          ['up to layer', 'closed form', 'product of norms', 'at least'],
          prefixes.map((p) => [
            `${p.index + 1}. ${p.layer}`,
            formatBound(p.bound, p.log10),
            formatBound(p.product.bound, p.product.log10),
            p.lower ? formatLower(p.lower.bound, p.lower.log10) : '–',
          ]),
        ),
    );
  }
}
