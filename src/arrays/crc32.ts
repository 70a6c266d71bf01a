/** The check sum of zip files (CRC-32 of ISO 3309: polynomial 0xEDB88320, bits reversed). */

const TABLE = new Uint32Array(256).map((_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

export class Crc32 {
  #state = 0xffffffff;

  add(bytes: Uint8Array): void {
    let state = this.#state;
    for (let k = 0; k < bytes.length; k++) state = (state >>> 8) ^ TABLE[(state ^ bytes[k]!) & 255]!;
    this.#state = state;
  }

  get value(): number {
    return (this.#state ^ 0xffffffff) >>> 0;
  }
}
