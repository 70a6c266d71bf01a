/** What the checker proves, as a script for hosts without Vitest: bundled, given the file and its certificate. */
import { verify } from '../../src/certificate/verify.ts';
import { loadNetwork } from '../../src/formats/load.browser.ts';

/** @param file an ONNX file in base64 */
export async function report(file: string, certificate: unknown): Promise<string> {
  const bytes = Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
  return JSON.stringify(await verify(await loadNetwork(bytes), certificate));
}
