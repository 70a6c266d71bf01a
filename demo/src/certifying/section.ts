/** The step after the bound: where samples come from, what is certified of them. */
import type { App } from '../app.ts';
import { h } from '../dom.ts';
import { help } from '../views/help.ts';
import { curve } from './curve.ts';
import { drawing } from './drawing.ts';
import { pictures } from './pictures.ts';
import { progress } from './progress.ts';
import { request } from './request.ts';
import { results } from './results.ts';
import { sources } from './sources.ts';

export function section(app: App, place: HTMLElement): () => void {
  const parts = [sources, drawing, request, progress, curve, results, pictures].map((part) => part(app));
  place.replaceChildren(
    h(
      'section',
      { class: 'certify', 'aria-labelledby': 'certify-title' },
      h(
        'h2',
        { id: 'certify-title' },
        'Certify: how far may an input move?',
        help('certified', 'certified radii'),
      ),
      ...parts.map(({ element }) => element),
    ),
  );
  return () => {
    for (const { update } of parts) update();
  };
}
