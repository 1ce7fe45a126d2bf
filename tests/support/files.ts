import { crc32, deflateRawSync } from 'node:zlib';

/** Small files of each kind that is taken, and such that only look like one. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
export const pdf = Buffer.from(
  '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n',
);
export const jpeg = Buffer.concat([
  Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
  Buffer.from('ffc0000b080010002001011100', 'hex'),
  Buffer.alloc(200, 0x11),
  Buffer.from('ffd9', 'hex'),
]);
export const webp = Buffer.concat([
  Buffer.from('RIFF\x24\0\0\0WEBPVP8 ', 'latin1'),
  Buffer.from('180000000000009d012a20001000', 'hex'),
  Buffer.alloc(14),
]);
export const heic = Buffer.concat([
  Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
  Buffer.from('\0\0\0\x20meta\0\0\0\0\0\0\0\x14ispe\0\0\0\0', 'latin1'),
  Buffer.from('0000002000000010', 'hex'),
  Buffer.alloc(32),
]);
export const txt = Buffer.from('Das Dach war undicht: 3 m² 保険\n');

/** A ZIP archive of these texts, deflated, as office programs write it. */
export function zip(entries: Readonly<Record<string, string>>): Buffer {
  const places: Buffer[] = [];
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(entries)) {
    const content = deflateRawSync(text);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(8, 4);
    facts.writeUInt32LE(crc32(text), 10);
    facts.writeUInt32LE(content.length, 14);
    facts.writeUInt32LE(Buffer.byteLength(text), 18);
    facts.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04', 'latin1'),
      facts,
      Buffer.from(name),
      content,
    ]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    places.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\0', 'latin1'), facts, tail, Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(places);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(places.length, 4);
  end.writeUInt16LE(places.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

const office = (mainPart: string, kind: string): Buffer =>
  zip({
    '[Content_Types].xml': `<?xml version="1.0"?><Types><Override PartName="/${mainPart}" ContentType="application/vnd.openxmlformats-officedocument.${kind}.main+xml"/></Types>`,
    '_rels/.rels': '<Relationships/>',
    [mainPart]: '<x/>',
  });

export const docx = office('word/document.xml', 'wordprocessingml.document');
export const xlsx = office('xl/workbook.xml', 'spreadsheetml.sheet');
