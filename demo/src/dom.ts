/** Elements in one call, and redrawing only what changed. */

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
      element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...present(children));
  return element;
}

export function present(children: readonly Child[]): (Node | string)[] {
  return children.flatMap((c) => {
    if (c === undefined || c === null || c === false) return [];
    return [typeof c === 'number' ? String(c) : c];
  });
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
