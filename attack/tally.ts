/** What becomes of operators: how often each was part of a network, and how often it was what the library refused. */

export class Tally {
  readonly seen = new Map<string, number>();
  readonly refused = new Map<string, number>();

  /** Adds what another has counted. */
  add(other: {
    readonly seen: Iterable<[string, number]>;
    readonly refused: Iterable<[string, number]>;
  }): void {
    for (const [op, count] of other.seen) this.#count(this.seen, op, count);
    for (const [op, count] of other.refused) this.#count(this.refused, op, count);
  }

  count(what: 'seen' | 'refused', op: string): void {
    this.#count(this[what], op, 1);
  }

  /** As messages between processes carry it. */
  toJSON(): { seen: [string, number][]; refused: [string, number][] } {
    return { seen: [...this.seen], refused: [...this.refused] };
  }

  /** Operators of which most applications were refused, the worst first: `Op 12/15`. */
  mostlyRefused(): string[] {
    const shares = [...this.seen].map(([op, seen]) => ({ op, seen, refused: this.refused.get(op) ?? 0 }));
    return shares
      .filter(({ seen, refused }) => seen >= 5 && refused > 0.6 * seen)
      .sort((a, b) => b.refused / b.seen - a.refused / a.seen)
      .map(({ op, seen, refused }) => `${op} ${refused}/${seen}`);
  }

  #count(counts: Map<string, number>, op: string, by: number): void {
    counts.set(op, (counts.get(op) ?? 0) + by);
  }
}
