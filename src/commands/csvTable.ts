import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { errorCode, invalidField, Refusal } from '../errors.ts';

/** A line after the first, its cells without the space around them. */
export interface TableLine {
  /** Counted from 1; of cells with line breaks in them, where they end. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Characters of one line: beyond, a quote was left open. */
const longestLine = 32 * 1024;

/**
 * The lines of a CSV file, as it flows: commas, quotes as in RFC 4180, UTF-8 with a byte order mark or
 * without, any of the usual line ends. Empty lines are passed over. What a spreadsheet takes for a formula
 * is text here.
 * @throws Invalid where it cannot be read as such from some line on
 */
export async function* tableLines(source: Readable): AsyncGenerator<TableLine> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: longestLine,
    record_delimiter: '\n',
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  // What fails on the way ends the loop below, which throws it.
  pipeline(source, decoded, parser).catch(() => {});
  try {
    for await (const each of parser) {
      const { record, info }: ReadLine = each;
      yield { line: info.lines, cells: record };
    }
  } catch (error) {
    throw problemOf(error) ?? error;
  } finally {
    source.destroy();
  }
}

interface ReadLine {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** The text, whose lines all end in `\n`: only of these the parser counts each as one. */
async function* decoded(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = '';
  try {
    for await (const chunk of source) {
      const text = rest + decoder.decode(chunk, { stream: true });
      // What follows may belong to the same line end.
      rest = text.endsWith('\r') ? '\r' : '';
      yield withLineFeeds(rest ? text.slice(0, -1) : text);
    }
    yield withLineFeeds(rest + decoder.decode());
  } catch (error) {
    if (errorCode(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw invalidField('files', 'The file is not text in UTF-8', 'WRONG_ENCODING');
  }
}

const withLineFeeds = (text: string): string => text.replaceAll(/\r\n?/g, '\n');

function problemOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (!(error instanceof CsvError)) return undefined;
  const line = typeof error['lines'] === 'number' ? ` in or before line ${error['lines']}` : '';
  const why =
    error.code === 'CSV_MAX_RECORD_SIZE'
      ? `A line has more than ${longestLine} characters, or a quote is not closed,`
      : 'The quotes are not as CSV has them';
  return invalidField('files', `${why}${line}`, 'MALFORMED_CSV');
}
