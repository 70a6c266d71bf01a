/** The page: networks in, bounds out. Nothing is uploaded; all work is done by the worker. */
import './style/page.css';
import { App } from './app.ts';
import { byId, say } from './dom.ts';
import { answer } from './views/answer.ts';
import { certify } from './views/certify.ts';
import { figures } from './views/figures.ts';
import { head } from './views/head.ts';
import { intake } from './views/intake.ts';
import { layers } from './views/layers.ts';
import { methods } from './views/methods.ts';
import { models } from './views/models.ts';
import { progress } from './views/progress.ts';
import { save } from './views/save.ts';
import { settings } from './views/settings.ts';
import { theme } from './views/theme.ts';
import { verdict } from './views/verdict.ts';

const announcer = byId('announcer');
const app = new App((text) => {
  say(announcer, text);
});
byId('version').textContent = __VERSION__;
theme();
intake(app);
for (const view of [
  head,
  models,
  settings,
  progress,
  verdict,
  answer,
  certify,
  figures,
  methods,
  save,
  layers,
])
  app.onChange(view(app));

const notice = byId('notice');
app.onChange(() => {
  notice.hidden = app.notice === undefined;
  notice.classList.toggle('plain', app.notice?.tone === 'plain');
  say(notice, app.notice?.text ?? '');
});
