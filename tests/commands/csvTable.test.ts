import { Readable } from 'node:stream';
import fc from 'fast-check';
import { csvLine } from '../../src/api/csv.ts';
import { tableLines } from '../../src/commands/csvTable.ts';
import { seed } from '../rules/property.ts';

const read = async (content: string | Buffer, chunkBytes = 7) => {
  const bytes = Buffer.from(content);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  const lines: [number, ...string[]][] = [];
  for await (const { line, cells } of tableLines(Readable.from(chunks, { objectMode: false }))) {
    lines.push([line, ...cells]);
  }
  return lines;
};

describe('a table in CSV', () => {
  it.each(['\n', '\r\n', '\r'])('is read with lines that end in %j', async (end) => {
    const text = ['a,b', '1, 2 ', '', '"x,""y""",', '=1+1,-2'].join(end);

    expect(await read(text)).toEqual([
      [1, 'a', 'b'],
      [2, '1', '2'],
      [4, 'x,"y"', ''],
      [5, '=1+1', '-2'],
    ]);
  });

  it('may begin with a byte order mark and hold line breaks in quotes', async () => {
    expect(await read('\ufeffname\r\n"Åse\r\nÖ"\r\nz')).toEqual([
      [1, 'name'],
      [3, 'Åse\nÖ'],
      [4, 'z'],
    ]);
  });

  it('says that a file is not UTF-8, wherever it stops being so', async () => {
    for (const bytes of [
      Buffer.from('name\nJos\xe9', 'latin1'),
      Buffer.from('\ufeffname\nx', 'utf16le'),
      Buffer.from('name\nÅ').subarray(0, -1),
    ]) {
      await expect(read(bytes)).rejects.toMatchObject({
        status: 422,
        details: [{ field: 'files', code: 'WRONG_ENCODING' }],
      });
    }
  });

  it.each([
    ['a quote that is not closed', 'a\n1\n"x\n', /line \d/],
    ['text after a quote', 'a\n"x"y\n', /line 2/],
    ['a quote inside of text', 'a\nx "y" z\n', /line 2/],
    ['a line without end', `a\n${'x'.repeat(40_000)}`, /more than 32768 characters/],
  ])('refuses %s, and says where', async (_, text, where) => {
    await expect(read(text)).rejects.toMatchObject({
      status: 422,
      details: [{ code: 'MALFORMED_CSV', message: expect.stringMatching(where) }],
    });
  });

  it('is what our own exports write, apart from the space around a cell', async () => {
    const cell = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .map((text) => text.replaceAll(/\r\n?/g, '\n').replaceAll(/^[=+\-@\t\r]+|^\s+|\s+$/g, ''))
      .filter((text) => text === text.trim() && !/^[=+\-@]/.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 10 }),
        async (rows) => {
          const lines = await read(rows.map(csvLine).join(''));

          expect(lines.map(([, ...cells]) => cells)).toEqual(rows);
        },
      ),
      { seed, numRuns: 100 },
    );
  });
});
