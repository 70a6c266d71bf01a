/** Light, dark, or as the system has it. */
import { byId } from '../dom.ts';

const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

export function theme(): void {
  const button = byId<HTMLButtonElement>('theme');
  let current: Theme = 'system';
  const apply = (next: Theme) => {
    current = next;
    document.documentElement.style.colorScheme = next === 'system' ? 'light dark' : next;
    button.textContent = `Theme: ${next}`;
    dispatchEvent(new Event('themechange'));
  };
  button.addEventListener('click', () => apply(THEMES[(THEMES.indexOf(current) + 1) % THEMES.length]!));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
    dispatchEvent(new Event('themechange')),
  );
  apply('system');
}
