/** A question mark that opens two sentences. */
import { h } from '../dom.ts';
import { HELP, type HelpKey } from '../help.ts';

let count = 0;

/** The button and the text that it opens; the text goes where there is room for it. */
export function help(
  key: HelpKey,
  about: string,
): { readonly button: HTMLElement; readonly text: HTMLElement } {
  const id = `help-${count++}`;
  const text = h('p', { id, class: 'help-text', hidden: true }, HELP[key]);
  const button = h(
    'button',
    {
      type: 'button',
      class: 'help',
      'aria-expanded': 'false',
      'aria-controls': id,
      'aria-label': `What is this: ${about}`,
      click: () => {
        text.hidden = !text.hidden;
        button.setAttribute('aria-expanded', String(!text.hidden));
      },
    },
    '?',
  );
  return { button, text };
}
