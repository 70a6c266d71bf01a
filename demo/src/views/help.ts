/** A question mark that opens two sentences above everything else, so that nothing on the page moves. */
import { h } from '../dom.ts';
import { HELP, type HelpKey } from '../help.ts';

let count = 0;

/** Pixels between a text and its button, and between it and the edges of the window. */
const GAP = 6;

/** The button with the text that it opens; Escape and a click elsewhere close it. */
export function help(key: HelpKey, about: string): HTMLElement {
  const id = `help-${count++}`;
  const text = h('span', { id, class: 'help-text', popover: 'auto', role: 'note' }, HELP[key]);
  const button = h(
    'button',
    { type: 'button', class: 'help', popovertarget: id, 'aria-label': `What is this: ${about}` },
    '?',
  );
  text.addEventListener('toggle', ({ newState }) => {
    if (newState === 'open') place(text, button);
  });
  return h('span', { class: 'help-place' }, button, text);
}

/** Below the button or, where there is no room, above it; it scrolls with the page. */
function place(text: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { width, height } = text.getBoundingClientRect();
  const left = Math.max(GAP, Math.min(at.left, document.documentElement.clientWidth - width - GAP));
  const below = at.bottom + GAP;
  const above = at.top - GAP - height;
  const top = below + height > innerHeight && above >= 0 ? above : below;
  text.style.left = `${left + scrollX}px`;
  text.style.top = `${top + scrollY}px`;
}
