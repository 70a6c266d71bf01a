/** What the checker says of a certificate. */
import type { App, Model } from '../app.ts';
import { byId, h, whenChanged } from '../dom.ts';
import { formatBound } from '../format.ts';
import type { Verdict } from '../worker/protocol.ts';
import { help } from './help.ts';

export function verdict(app: App): () => void {
  const place = byId('verdict');
  const draw = whenChanged((certificate: Model['certificate']) => {
    place.replaceChildren();
    if (!certificate) return;
    const { file, value, failure } = certificate;
    place.append(
      h(
        'section',
        {
          class: `verdict ${value ? (value.accepted ? 'accepted' : 'rejected') : ''}`,
          'aria-labelledby': 'verdict-title',
        },
        h(
          'h3',
          { id: 'verdict-title' },
          title(value, failure !== undefined),
          help('certificate', 'certificate'),
        ),
        h('p', {}, words(file, value, failure?.message)),
      ),
    );
    // It was dropped wherever the page was scrolled to.
    place.scrollIntoView({ block: 'nearest' });
  });
  return () => draw(app.selected?.certificate);
}

function title(value: Verdict | undefined, failed: boolean): string {
  if (value) return value.accepted ? 'Certificate accepted' : 'Certificate rejected';
  return failed ? 'Certificate not checked' : 'Checking the certificate …';
}

function words(file: string, value: Verdict | undefined, failure: string | undefined): string {
  if (!value) return failure ?? file;
  if (!value.accepted) return `${file}: ${value.reason ?? 'it proves less than it claims'}`;
  const claimed = value.claimed && formatBound(value.claimed.bound, value.claimed.log10);
  return `${file} proves ‖f(x) − f(y)‖₂ ≤ ${claimed} · ‖x − y‖₂ for this network${value.lengths ? ' at every length' : ''}; recomputed here: ${formatBound(value.bound, value.log10)}.`;
}
