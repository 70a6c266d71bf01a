/**
 * What becomes of trials: how often each operator was part of a network, and how often it was what the library refused; how trials ended
 * that found nothing.
 */

export interface TallyDocument {
  readonly seen: [string, number][];
  readonly refused: [string, number][];
  readonly outcomes: [string, number][];
}

export class Tally {
  readonly seen = new Map<string, number>();
  readonly refused = new Map<string, number>();
  readonly outcomes = new Map<string, number>();

  /** Adds what another has counted. */
  add(other: {
    readonly seen: Iterable<[string, number]>;
    readonly refused: Iterable<[string, number]>;
    readonly outcomes: Iterable<[string, number]>;
  }): void {
    for (const [op, count] of other.seen) this.#count(this.seen, op, count);
    for (const [op, count] of other.refused) this.#count(this.refused, op, count);
    for (const [outcome, count] of other.outcomes) this.#count(this.outcomes, outcome, count);
  }

  count(what: 'seen' | 'refused' | 'outcomes', key: string): void {
    this.#count(this[what], key, 1);
  }

  /** As messages between processes carry it. */
  toJSON(): TallyDocument {
    return { seen: [...this.seen], refused: [...this.refused], outcomes: [...this.outcomes] };
  }

  /** Operators of which most applications were refused, the worst first: `Op 12/15`. */
  mostlyRefused(): string[] {
    const shares = [...this.seen].map(([op, seen]) => ({ op, seen, refused: this.refused.get(op) ?? 0 }));
    return shares
      .filter(({ seen, refused }) => seen >= 5 && refused > 0.6 * seen)
      .sort((a, b) => b.refused / b.seen - a.refused / a.seen)
      .map(({ op, seen, refused }) => `${op} ${refused}/${seen}`);
  }

  /** Of trials that found nothing, the most frequent first: `12 refused`. */
  outcomeLines(): string[] {
    return [...this.outcomes].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${count} ${outcome}`);
  }

  #count(counts: Map<string, number>, op: string, by: number): void {
    counts.set(op, (counts.get(op) ?? 0) + by);
  }
}
