/** The accuracy curve: the plot of the command line in the colours of the page. */
import { accuracyCurves, accuracyPlot } from '../../../src/cli/output/accuracyPlot.ts';
import type { App } from '../app.ts';
import type { Certification, SampleRun } from '../certification.ts';
import { whenChanged } from '../dom.ts';
import { formatCount } from '../format.ts';
import { Figure } from '../views/figure.ts';
import type { FoundSample } from '../worker/protocol.ts';
import type { Part } from './part.ts';
import { unitOf } from './results.ts';

const HEIGHT = 320;

const COLOURS = {
  ...{ paper: 'none', ink: 'var(--ink-2)', grid: 'var(--line)', ticks: 'var(--ink-2)' },
  ...{ certified: 'var(--accent)', attacked: 'var(--lower)', clean: 'var(--product)' },
};

export function curve(app: App): Part {
  const figure = new Figure('Accuracy against the radius', 'accuracy', 'accuracy');
  const update = whenChanged(
    (
      run: SampleRun | undefined,
      found: readonly FoundSample[] | undefined,
      outline: Certification['outline'],
      file: string | undefined,
    ) => {
      if (!run || !found || found.length < 2) {
        figure.hide();
        return;
      }
      const curves = accuracyCurves(
        found.map(({ report }) => report),
        [],
      );
      const title = `${file} on ${outline?.value?.inputs ?? 'samples'}, ${formatCount(found.length, 'sample')}`;
      const unit = `ℓ2 radius in ${unitOf(run.request)}`;
      figure.show((_, width) =>
        parsed(
          accuracyPlot(
            { ...curves, title, unit },
            { width, height: HEIGHT, font: 'inherit', colours: COLOURS },
          ),
        ),
      );
    },
  );
  return {
    element: figure.element,
    update: () => {
      const { selected } = app;
      const { run, outline } = selected?.samples ?? {};
      update(run, run?.found, outline, selected?.files.model.name);
    },
  };
}

function parsed(svg: string): Element {
  const { documentElement } = new DOMParser().parseFromString(svg, 'image/svg+xml');
  return document.importNode(documentElement, true);
}
