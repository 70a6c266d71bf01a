/** What is being computed, how long it has taken and may take, and the ways out. */
import { type App, isRunning, type Run } from '../app.ts';
import { byId, h, say } from '../dom.ts';
import { formatDuration } from '../format.ts';
import { remaining } from '../remaining.ts';
import { inPageWords } from '../words.ts';

export function progress(app: App): () => void {
  const bar = h('progress', { 'aria-label': 'Share of the work done', max: 1 });
  const what = h('p', { class: 'what' });
  const time = h('p', { class: 'time' });
  const keep = h(
    'button',
    { type: 'button', click: () => app.selected?.run?.call.interrupt() },
    'Stop, keep the best',
  );
  const cancel = h('button', { type: 'button', click: () => app.selected?.run?.call.cancel() }, 'Cancel');
  const section = h(
    'section',
    { class: 'progress', 'aria-label': 'Progress', hidden: true },
    h('div', { class: 'row' }, what, time),
    bar,
    h('div', { class: 'row' }, keep, cancel),
  );
  const failure = h('p', { class: 'notice', hidden: true });
  const again = h(
    'button',
    { type: 'button', hidden: true, click: () => app.selected && app.bound(app.selected) },
    'Try again',
  );
  byId('progress').append(section, failure, again);

  const draw = () => {
    const model = app.selected;
    const run = model?.run;
    const running = model !== undefined && isRunning(model);
    section.hidden = !running;
    failure.hidden = again.hidden = !run?.failure;
    failure.classList.toggle('plain', run?.failure?.kind === 'cancelled');
    say(failure, inPageWords(run?.failure?.message ?? ''));
    if (!running || !run) return;
    const share = shareOf(run);
    // Without a value the bar only says that something goes on.
    if (share === undefined) bar.removeAttribute('value');
    else bar.value = share;
    say(what, run.progress ? `${run.progress.method}: ${run.progress.layer}` : waitingFor(run));
    time.textContent = timeText(run, share);
    keep.hidden = run.trace.length === 0;
  };
  // Time passes without any news.
  setInterval(draw, 500);
  return draw;
}

function waitingFor(run: Run): string {
  return run.started === undefined ? 'Waiting for the engine' : 'Starting';
}

function shareOf({ progress }: Run): number | undefined {
  const share = progress ? progress.done / progress.total : undefined;
  return share !== undefined && share >= 0 ? Math.min(1, share) : undefined;
}

function timeText({ started, heard, progress }: Run, share: number | undefined): string {
  if (started === undefined) return '';
  const now = performance.now();
  const limit = progress?.limit;
  const left =
    share !== undefined && heard !== undefined
      ? remaining({ started, at: heard, share, ...(limit !== undefined && { limit }) }, now)
      : undefined;
  return [formatDuration((now - started) / 1000), left].filter((text) => text !== undefined).join(', ');
}
