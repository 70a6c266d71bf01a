/** Messages of the library in the words of the command line. */

/** What the library calls `the option inputShape` is `--input-shape` here. */
export function inCommandLineWords(text: string): string {
  return text.replace(/\bthe option ([a-z]+(?:[A-Z][a-z]+)*)\b/g, (_, name: string) => flagOf(name));
}

/** The flag of an option. */
export function flagOf(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
