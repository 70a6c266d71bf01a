/** From a bound to answers: samples, certified. Its parts are loaded with the first bound of a network that classifies. */
import { type App, classifies } from '../app.ts';
import { byId } from '../dom.ts';

export function certify(app: App): () => void {
  const place = byId('certify');
  let draw: (() => void) | undefined;
  let asked = false;
  return () => {
    const { selected } = app;
    const shown = selected?.loaded !== undefined && classifies(selected.loaded);
    // Whoever gives samples at once need not wait for the bound.
    const wanted = shown && (selected.answer !== undefined || selected.samples.source !== undefined);
    place.hidden = !wanted;
    if (!wanted) return;
    draw?.();
    if (asked) return;
    asked = true;
    import('../certifying/section.ts').then(
      ({ section }) => {
        draw = section(app, place);
        draw();
      },
      (error) => app.notify(`The part of this page that certifies samples was not loaded: ${String(error)}`),
    );
  };
}
