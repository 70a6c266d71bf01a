/**
 * Elements in one call, and redrawing only what changed. Names come from strangers' files: no text that is shown holds control
 * characters or turns the direction of what follows.
 */
import { printable } from '../../src/printable.ts';

type Attribute = string | number | boolean | undefined | ((event: Event) => void);
export type Child = Node | string | number | undefined | null | false;

/** An element: attributes (a function listens, `true` is present, `false` and undefined are absent), then children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : visible(String(value)));
  }
  element.append(...present(children));
  return element;
}

export function present(children: readonly Child[]): (Node | string)[] {
  return children.flatMap((c) => {
    if (c === undefined || c === null || c === false) return [];
    return [c instanceof Node ? c : visible(String(c))];
  });
}

/** Line ends stay: to a page they are spaces. */
export function visible(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Makes the text of an element another. */
export function say(element: Element, text: string): void {
  element.textContent = visible(text);
}

/** The element of the page with this id. */
export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`page: no element #${id}`);
  return found as T;
}

/** Calls `draw` only where a part of `inputs` is another than last time. */
export function whenChanged<T extends readonly unknown[]>(
  draw: (...inputs: T) => void,
): (...inputs: T) => void {
  let last: T | undefined;
  return (...inputs) => {
    if (last?.every((value, k) => Object.is(value, inputs[k])) && last.length === inputs.length) return;
    last = inputs;
    draw(...inputs);
  };
}
