import { crc32 } from "node:zlib";

export interface ZipEntry {
  name: string;
  content: Uint8Array;
}

const STORED = 20;
/** 1980-01-01, the first day that the format knows. */
const DATE = 0x21;

/** An archive that depends on nothing but names and contents: sorted, not compressed, without times. */
export function zip(entries: readonly ZipEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of sorted) {
    const described = description(name, content);
    const local = Buffer.concat([numbers([4, 0x04034b50]), described, Buffer.from(name)]);
    directory.push(
      numbers([4, 0x02014b50], [2, STORED]),
      described,
      numbers([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]),
      Buffer.from(name),
    );
    parts.push(local, Buffer.from(content));
    offset += local.length + content.length;
  }
  const listed = Buffer.concat(directory);
  const count = sorted.length;
  const end = numbers([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count]);
  return Buffer.concat([...parts, listed, end, numbers([4, listed.length], [4, offset], [2, 0])]);
}

/** What stands both before a file and in the directory: version, flags, method, time, date, sum, sizes, lengths. */
function description(name: string, content: Uint8Array): Buffer {
  const size = content.length;
  return numbers(
    ...([
      [2, STORED],
      [2, 0x0800],
      [2, 0],
      [2, 0],
      [2, DATE],
      [4, crc32(content)],
    ] as const),
    ...([
      [4, size],
      [4, size],
      [2, Buffer.byteLength(name)],
      [2, 0],
    ] as const),
  );
}

/** Little-endian; each with its width in bytes. */
function numbers(...list: (readonly [width: number, value: number])[]): Buffer {
  return Buffer.concat(
    list.map(([width, value]) => {
      const bytes = Buffer.alloc(width);
      bytes.writeUIntLE(value, 0, width);
      return bytes;
    }),
  );
}
