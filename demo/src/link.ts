/** Addresses of this page that carry a network of its host and settings. */

/** Fields of the settings, by the names that they have in a form. */
export const SETTINGS = [
  'engine',
  'method',
  'rule',
  'target',
  'evaluations',
  'time-limit',
  'memory',
  'threads',
] as const;
export type Setting = (typeof SETTINGS)[number];

export interface Link {
  /** A network on the page's host, or one of the examples. */
  readonly network?: { readonly url: string } | { readonly example: string };
  readonly settings: Readonly<Partial<Record<Setting, string>>>;
}

export function readLink(search: string): Link {
  const given = new URLSearchParams(search);
  const [url, example] = [given.get('url'), given.get('example')];
  const settings = SETTINGS.flatMap((name) => {
    const value = given.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const network = url ? { url } : example ? { example } : undefined;
  return { ...(network && { network }), settings: Object.fromEntries(settings) };
}

/** What stands behind `?` in the address. */
export function writeLink({ network, settings }: Link): string {
  const search = new URLSearchParams(Object.entries({ ...network, ...settings }));
  // Paths and pairs of outputs can be read as they are.
  return search.toString().replaceAll('%2F', '/').replaceAll('%2C', ',');
}
