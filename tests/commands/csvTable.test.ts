import { Readable } from 'node:stream';
import fc from 'fast-check';
import { csvLine } from '../../src/api/csv.ts';
import { tableLines } from '../../src/commands/csvTable.ts';
import { seed } from '../rules/property.ts';

const readAll = async (content: string | Buffer, chunkBytes = 7) => {
  const bytes = Buffer.from(content);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  const lines: [number, ...string[]][] = [];
  for await (const read of tableLines(Readable.from(chunks, { objectMode: false }))) {
    lines.push([read.line, ...('cells' in read ? read.cells : [read.problem.code])]);
  }
  return lines;
};

describe('a table in CSV', () => {
  it.each(['\n', '\r\n', '\r'])('is read with lines that end in %j', async (end) => {
    const text = ['a,b', '1, 2 ', '', '"x,""y""",', '=1+1,-2'].join(end);

    expect(await readAll(text)).toEqual([
      [1, 'a', 'b'],
      [2, '1', '2'],
      [4, 'x,"y"', ''],
      [5, '=1+1', '-2'],
    ]);
  });

  it('may begin with a byte order mark and hold line breaks in quotes', async () => {
    expect(await readAll('\ufeffname\r\n"Åse\r\nÖ"\r\nz')).toEqual([
      [1, 'name'],
      [3, 'Åse\nÖ'],
      [4, 'z'],
    ]);
  });

  it('tells each line that is not UTF-8, and reads the others', async () => {
    const latin = Buffer.from('name\nJos\xe9\nz', 'latin1');

    expect(await readAll(latin)).toEqual([
      [1, 'name'],
      [2, 'WRONG_ENCODING'],
      [3, 'z'],
    ]);
    expect(await readAll(Buffer.from('name\nÅ').subarray(0, -1))).toEqual([
      [1, 'name'],
      [2, 'WRONG_ENCODING'],
    ]);
    const [first] = await readAll(Buffer.from('\ufeffname\nx', 'utf16le'));
    expect(first).toEqual([1, 'WRONG_ENCODING']);
  });

  it.each([
    ['a quote that is not closed', '"x\nb,c'],
    ['text after a quote', '"x"y\nb,c'],
    ['a quote inside of text', 'x "y" z\nb,c'],
    ['a quote that another line closes', 'x "y\nb,c\nz" w'],
    ['a line that is too long', `${'x'.repeat(40_000)}\nb,c`],
    ['a quote that is not closed for very long', `"x\nb,c\n${'d,e\n'.repeat(9000)}`],
  ])('tells a line with %s, and goes on with the next', async (_, text) => {
    const lines = await readAll(`a,b\n${text}\n"f",g\n`, 1000);

    expect(lines.slice(0, 3)).toEqual([
      [1, 'a', 'b'],
      [2, 'MALFORMED_CSV'],
      [3, 'b', 'c'],
    ]);
    expect(lines.at(-1)?.slice(1)).toEqual(['f', 'g']);
  });

  it('tells each of many lines with a quote too many', async () => {
    const lines = await readAll('a,b "c\n'.repeat(5000), 64 * 1024);

    expect(lines).toHaveLength(5000);
    expect(lines.at(-1)).toEqual([5000, 'MALFORMED_CSV']);
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
          const lines = await readAll(rows.map(csvLine).join(''));

          expect(lines.map(([, ...cells]) => cells)).toEqual(rows);
        },
      ),
      { seed, numRuns: 100 },
    );
  });
});
