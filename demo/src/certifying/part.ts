/** A part of the section, which is drawn anew when something has changed. */
export interface Part {
  readonly element: HTMLElement;
  readonly update: () => void;
}
