/** Names that no two things share. */

export class UniqueNames {
  private readonly taken = new Set<string>();
  /** How often a name was asked for, so that many askers of one name do not take quadratic time. */
  private readonly asked = new Map<string, number>();

  /** The wanted name, with a number behind it if it is taken. */
  claim(wanted: string): string {
    let count = this.asked.get(wanted) ?? 0;
    let name = wanted;
    do {
      count++;
      name = count === 1 ? wanted : `${wanted} ${count}`;
    } while (this.taken.has(name));
    this.asked.set(wanted, count);
    this.taken.add(name);
    return name;
  }
}
