import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse/sync';
import type { Problem } from '../rules/problem.ts';

/** A line after the first, its cells without the space around them, or why it cannot be read. */
export type TableLine = {
  /** Counted from 1; of cells with line breaks in them, where they end. */
  readonly line: number;
} & ({ readonly cells: readonly string[] } | { readonly problem: Problem });

/** Characters of one line: beyond, a quote was left open. */
const longestLine = 32 * 1024;
const longestBytes = 4 * longestLine;

/** So many are looked at together. */
const linesAtOnce = 1000;

/**
 * The lines of a CSV file, as it flows: commas, quotes as in RFC 4180, UTF-8 with a byte order mark or
 * without, any of the usual line ends. Empty lines are passed over. What a spreadsheet takes for a formula
 * is text here. A line that cannot be read as such is told with its problem, and the next one begins after
 * its first line break, whatever quotes are open.
 */
export async function* tableLines(source: Readable): AsyncGenerator<TableLine> {
  let ahead: (string | undefined)[] = [];
  let before = 0;
  let enough = linesAtOnce;
  try {
    for await (const text of plainLines(source)) {
      ahead.push(text);
      if (ahead.length < enough) continue;
      const { lines, taken } = readLines(ahead, before, false);
      yield* lines;
      ahead = ahead.slice(taken);
      before += taken;
      enough = ahead.length + linesAtOnce;
    }
    yield* readLines(ahead, before, true).lines;
  } finally {
    source.destroy();
  }
}

/** Lines as they stand in the file; undefined for one that is no UTF-8. */
async function* plainLines(source: Readable): AsyncGenerator<string | undefined> {
  let rest = '';
  let isFirst = true;
  for await (const bytes of byteLines(source)) {
    const lines = `${rest}${bytes}`.split('\n');
    rest = (lines.pop() ?? '').slice(0, longestBytes + 1);
    for (const line of lines) {
      yield textOf(line, isFirst);
      isFirst = false;
    }
  }
  yield textOf(rest, isFirst);
}

/** Each byte a character, so that none is split or lost; line ends are `\n`. */
async function* byteLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of source) {
    const bytes = rest + chunk.toString('latin1');
    // What follows may belong to the same line end.
    rest = bytes.endsWith('\r') ? '\r' : '';
    yield withLineFeeds(rest ? bytes.slice(0, -1) : bytes);
  }
  yield withLineFeeds(rest);
}

function textOf(line: string, isFirst: boolean): string | undefined {
  // Its length says enough.
  if (line.length > longestBytes) return line;
  const bytes = Buffer.from(line, 'latin1');
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  return isFirst && text.startsWith('\ufeff') ? text.slice(1) : text;
}

const withLineFeeds = (text: string): string => text.replaceAll(/\r\n?/g, '\n');

/**
 * @param before so many came before them
 * @param isEnd none come after them; else the last ones may wait for those that do
 */
function readLines(
  texts: readonly (string | undefined)[],
  before: number,
  isEnd: boolean,
): { readonly lines: readonly TableLine[]; readonly taken: number } {
  const lines: TableLine[] = [];
  let at = 0;
  while (at < texts.length) {
    const end = endOf(texts, at);
    if (end === undefined && !isEnd) break;
    const read =
      typeof end === 'number'
        ? cellsOf(texts.slice(at, end).join('\n'))
        : texts[at] === undefined
          ? wrongEncoding
          : notClosed;
    const next = typeof end === 'number' && 'cells' in read ? end : at + 1;
    if (read !== empty) lines.push({ line: before + next, ...read });
    at = next;
  }
  return { lines, taken: at };
}

/** After the last line of what begins there, which goes on while a quote is open. */
function endOf(texts: readonly (string | undefined)[], at: number): number | 'never' | undefined {
  let isOpen = false;
  let length = 0;
  for (let end = at; end < texts.length; end += 1) {
    const text = texts[end];
    if (text === undefined) return 'never';
    length += text.length + 1;
    if (length > longestLine + 1) return 'never';
    if (text.split('"').length % 2 === 0) isOpen = !isOpen;
    if (!isOpen) return end + 1;
  }
  return undefined;
}

type Cells = { readonly cells: readonly string[] } | { readonly problem: Problem };

const empty: Cells = { cells: [] };

const malformed = (message: string): Cells => ({ problem: { code: 'MALFORMED_CSV', message } });

const notClosed = malformed(
  `A line has more than ${longestLine} characters, or a quote is not closed`,
);

const wrongEncoding: Cells = {
  problem: { code: 'WRONG_ENCODING', message: 'The line is not text in UTF-8' },
};

function cellsOf(text: string): Cells {
  if (text.trim() === '') return empty;
  if (!text.includes('"')) return { cells: text.split(',').map((cell) => cell.trim()) };
  try {
    const [cells, ...others] = parse(text, { record_delimiter: '\n', trim: true });
    return cells && others.length === 0 ? { cells } : wronglyQuoted;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return wronglyQuoted;
  }
}

const wronglyQuoted = malformed('The quotes are not as CSV has them');
