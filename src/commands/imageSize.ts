/** How many bytes from where; fewer at the end of the file. */
export type ReadBytes = (at: number, length: number) => Promise<Buffer>;

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** What the header of an image says, without decoding it; undefined where it does not say. */
export async function imageSizeOf(mime: string, read: ReadBytes): Promise<ImageSize | undefined> {
  const size = await readers.get(mime)?.(read);
  return size && size.width > 0 && size.height > 0 ? size : undefined;
}

export const isImage = (mime: string): boolean => readers.has(mime);

async function ofPng(read: ReadBytes): Promise<ImageSize | undefined> {
  const head = await read(16, 8);
  if (head.length < 8) return undefined;
  return { width: head.readUInt32BE(0), height: head.readUInt32BE(4) };
}

/** Of more segments before the picture nobody writes. */
const mostSegments = 2000;

async function ofJpeg(read: ReadBytes): Promise<ImageSize | undefined> {
  for (let at = 2, segments = 0; segments < mostSegments; segments += 1) {
    const head = await read(at, 9);
    const marker = head[1] ?? 0;
    if (head.length < 9 || head[0] !== 0xff) return undefined;
    if (isFrame(marker)) return { height: head.readUInt16BE(5), width: head.readUInt16BE(7) };
    // The picture itself, or the end.
    if (marker === 0xda || marker === 0xd9) return undefined;
    at += marker === 0xff ? 1 : 2 + (isBare(marker) ? 0 : head.readUInt16BE(2));
  }
  return undefined;
}

/** Tables share the range of the frames. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Without a length. */
const isBare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

async function ofWebp(read: ReadBytes): Promise<ImageSize | undefined> {
  const head = await read(0, 30);
  if (head.length < 30) return undefined;
  switch (head.toString('latin1', 12, 16)) {
    case 'VP8X':
      return { width: 1 + head.readUIntLE(24, 3), height: 1 + head.readUIntLE(27, 3) };
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    case 'VP8 ':
      return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
    default:
      return undefined;
  }
}

const mostBoxes = 100;
const mostMeta = 1024 * 1024;

/** A picture of tiles names their size as well as its own, which is the largest. */
async function ofHeic(read: ReadBytes): Promise<ImageSize | undefined> {
  for (let at = 0, boxes = 0; boxes < mostBoxes; boxes += 1) {
    const head = await read(at, 16);
    if (head.length < 16) return undefined;
    const short = head.readUInt32BE(0);
    const length = short === 1 ? Number(head.readBigUInt64BE(8)) : short;
    if (length < 8) return undefined;
    if (head.toString('latin1', 4, 8) === 'meta') {
      return largestIn(await read(at, Math.min(length, mostMeta)));
    }
    at += length;
  }
  return undefined;
}

function largestIn(meta: Buffer): ImageSize | undefined {
  let largest: ImageSize | undefined;
  for (let at = meta.indexOf('ispe'); at >= 0 && at + 16 <= meta.length;) {
    const size = { width: meta.readUInt32BE(at + 8), height: meta.readUInt32BE(at + 12) };
    if (!largest || size.width * size.height > largest.width * largest.height) largest = size;
    at = meta.indexOf('ispe', at + 4);
  }
  return largest;
}

const readers: ReadonlyMap<string, (read: ReadBytes) => Promise<ImageSize | undefined>> = new Map([
  ['image/png', ofPng],
  ['image/jpeg', ofJpeg],
  ['image/webp', ofWebp],
  ['image/heic', ofHeic],
]);
