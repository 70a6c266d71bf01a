/** Which sample is worked on, how long all take, and the way out: what has been found stays. */
import type { App } from '../app.ts';
import { isCertifying, type SampleRun } from '../certification.ts';
import { h, say } from '../dom.ts';
import { formatDuration } from '../format.ts';
import { remaining } from '../remaining.ts';
import type { Part } from './part.ts';

export function progress(app: App): Part {
  const bar = h('progress', { 'aria-label': 'Share of the samples that are done', max: 1 });
  const what = h('p', { class: 'what' });
  const time = h('p', { class: 'time' });
  const cancel = h(
    'button',
    { type: 'button', click: () => app.selected?.samples.run?.call.cancel() },
    'Cancel',
  );
  const working = h(
    'div',
    { class: 'progress', hidden: true },
    h('div', { class: 'row' }, what, time),
    bar,
    h('div', { class: 'row' }, cancel),
  );
  const failure = h('p', { class: 'notice', hidden: true });
  const element = h('div', { class: 'certify-progress' }, working, failure);
  const update = () => {
    const run = app.selected?.samples.run;
    working.hidden = !isCertifying(run);
    failure.hidden = !run?.failure;
    failure.classList.toggle('plain', run?.failure?.kind === 'cancelled');
    say(failure, run?.failure ? failureText(run, run.failure.message) : '');
    if (!run || working.hidden) return;
    const share = run.found.length > 0 ? run.found.length / run.total : shareOf(run.progress);
    // Without a value the bar only says that something goes on.
    if (share === undefined) bar.removeAttribute('value');
    else bar.value = share;
    say(what, whatText(run));
    time.textContent = timeText(run);
  };
  // Time passes without any news.
  setInterval(update, 500);
  return { element, update };
}

function failureText({ found, total }: SampleRun, message: string): string {
  return found.length === 0 ? message : `${message} ${found.length} of ${total} samples are certified.`;
}

function whatText({ found, total, progress, started }: SampleRun): string {
  if (found.length > 0) return `sample ${found.length + 1} of ${total}`;
  if (progress) return `bounds of the whole network: ${progress.method}, ${progress.layer}`;
  return started === undefined ? 'Waiting for the engine' : `sample 1 of ${total}`;
}

function shareOf(progress: SampleRun['progress']): number | undefined {
  const share = progress ? progress.done / progress.total : undefined;
  return share !== undefined && share >= 0 ? Math.min(1, share) : undefined;
}

function timeText({ sampling, heard, started, found, total, request }: SampleRun): string {
  if (started === undefined) return '';
  const now = performance.now();
  const { timeLimit } = request;
  const left =
    sampling !== undefined && heard !== undefined
      ? remaining(
          {
            ...{ started: sampling, at: heard, share: found.length / total },
            ...(timeLimit !== undefined && { limit: timeLimit * (total - found.length) }),
          },
          now,
        )
      : undefined;
  return [formatDuration((now - started) / 1000), left].filter((text) => text !== undefined).join(', ');
}
