import { imageSizeOf } from '../../src/commands/imageSize.ts';
import { heic, jpeg, png, webp } from '../support/files.ts';

const sizeOf = (mime: string, content: Buffer) =>
  imageSizeOf(mime, (at, length) => Promise.resolve(content.subarray(at, at + length)));

/** A JPEG with so many bytes of notes before its frame. */
const noted = (segments: number): Buffer => {
  const note = Buffer.concat([Buffer.from('ffe1fffe', 'hex'), Buffer.alloc(0xfffc, 0xc0)]);
  return Buffer.concat([
    jpeg.subarray(0, 2),
    ...Array<Buffer>(segments).fill(note),
    jpeg.subarray(2),
  ]);
};

const frame = (width: number, height: number): Buffer => {
  const large = Buffer.from(jpeg);
  large.writeUInt16BE(height, 25);
  large.writeUInt16BE(width, 27);
  return large;
};

const webpOf = (kind: string, bytes: string): Buffer =>
  Buffer.concat([
    Buffer.from(`RIFF\x24\0\0\0WEBP${kind}\x0a\0\0\0`, 'latin1'),
    Buffer.from(bytes, 'hex'),
    Buffer.alloc(10),
  ]);

describe('the size of a picture', () => {
  it.each([
    ['image/png', png, 1, 1],
    ['image/jpeg', jpeg, 32, 16],
    ['image/jpeg', frame(60_000, 50_000), 60_000, 50_000],
    ['image/jpeg', noted(40), 32, 16],
    ['image/webp', webp, 32, 16],
    ['image/webp', webpOf('VP8X', '00000000ff0f00ff0700'), 4096, 2048],
    ['image/webp', webpOf('VP8L', '2fffcf0f00'), 4096, 64],
    ['image/heic', heic, 32, 16],
  ])('of %s is read from the header', async (mime, content, width, height) => {
    expect(await sizeOf(mime, content)).toEqual({ width, height });
  });

  it('of a HEIC is that of the whole, not of its tiles', async () => {
    const tile = heic.subarray(24, 24 + 32);
    const whole = Buffer.from(tile.subarray(12));
    whole.writeUInt32BE(8000, 12);
    const meta = Buffer.concat([tile, whole, tile.subarray(12)]);
    meta.writeUInt32BE(meta.length, 0);

    expect(await sizeOf('image/heic', Buffer.concat([heic.subarray(0, 24), meta]))).toEqual({
      width: 8000,
      height: 16,
    });
  });

  it.each([
    ['a PNG that ends early', 'image/png', png.subarray(0, 20)],
    ['a PNG without width', 'image/png', Buffer.alloc(30)],
    [
      'a JPEG without a frame',
      'image/jpeg',
      Buffer.concat([jpeg.subarray(0, 20), Buffer.from('ffda0008')]),
    ],
    [
      'a JPEG of padding alone',
      'image/jpeg',
      Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(9000, 0xff)]),
    ],
    ['a JPEG that ends in its notes', 'image/jpeg', noted(2).subarray(0, 70_000)],
    ['a WebP of another kind', 'image/webp', webpOf('VP9 ', '00000000ff0f00ff0700')],
    [
      'a HEIC whose boxes have no length',
      'image/heic',
      Buffer.concat([heic.subarray(0, 24), Buffer.alloc(64)]),
    ],
    ['a text', 'text/plain', Buffer.from('Das Dach')],
  ])('is not known of %s', async (_, mime, content) => {
    expect(await sizeOf(mime, content)).toBeUndefined();
  });
});
