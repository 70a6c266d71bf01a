/** Names of layers where there is little room. */

/** The end of a name says more than its start. */
export function shortened(name: string, most: number): string {
  return name.length <= most ? name : `…${name.slice(-Math.max(1, Math.floor(most) - 1))}`;
}
