// Writes a .zip of files that are stored as they are, not compressed (weights do not get smaller), with their CRC-32.

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Numbers as little-endian bytes, from pairs of value and size. */
function record(...fields) {
  const bytes = [];
  for (const [value, size] of fields) for (let i = 0; i < size; i++) bytes.push(Math.floor(value / 256 ** i) & 255);
  return Uint8Array.from(bytes);
}

/** A Blob of the .zip; `files` are bytes by name, names may have folders. Up to 4 GiB and 65,535 files. */
export function zip(files, date = new Date()) {
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [file, bytes] of Object.entries(files)) {
    const name = new TextEncoder().encode(file);
    // Version 2.0, names in UTF-8, stored; the same fields stand before the file and in the directory.
    const fields = [[20, 2], [0x0800, 2], [0, 2], [time, 2], [day, 2], [crc32(bytes), 4], [bytes.length, 4], [bytes.length, 4], [name.length, 2], [0, 2]]; // prettier-ignore
    const head = record([0x04034b50, 4], ...fields);
    directory.push(record([0x02014b50, 4], [20, 2], ...fields, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), name);
    parts.push(head, name, bytes);
    offset += head.length + name.length + bytes.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const count = directory.length / 2;
  const end = record([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}
