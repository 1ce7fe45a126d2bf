import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { errorCode } from '../errors.ts';
import { CompanyRefused } from './companyOwner.ts';

/**
 * One company in a file: gzipped lines of JSON. The first says what the file is, then comes one line a
 * row, `{"table":…,"row":[…]}`, in an order in which they can be put back; each value is the text that
 * Postgres reads and writes, or null. The last has the counts and the digest of all lines before it.
 */
export interface Manifest {
  readonly format: typeof format;
  readonly company: {
    readonly id: string;
    readonly code: string;
    readonly name: string;
    readonly isolation: 'shared' | 'dedicated_schema';
  };
  readonly migrations: readonly string[];
  readonly exportedAt: string;
  readonly tables: readonly { readonly name: string; readonly columns: readonly string[] }[];
}

export interface Ending {
  readonly tables: Readonly<Record<string, TableDigest>>;
  /** Of every line before this one, as written. */
  readonly sha256: string;
}

export interface TableDigest {
  readonly rows: number;
  readonly sha256: string;
}

export type Row = readonly (string | null)[];

export const format = 'surety-company-1';

/** Longer than any row can be: what has such a line is not ours. */
const longestLine = 256 * 1024 * 1024;

/** Counts rows and takes their digest, in the order in which they come. */
export function digestOfRows(): { add(texts: readonly string[]): void; end(): TableDigest } {
  const hash = createHash('sha256');
  let rows = 0;
  return {
    add(texts) {
      rows += texts.length;
      for (const text of texts) hash.update(`${text}\n`);
    },
    end: () => ({ rows, sha256: hash.digest('hex') }),
  };
}

/**
 * Writes a file that only its owner may read; nothing is kept in memory but the rows at hand.
 * @param rowsOf JSON arrays of texts, by pages
 */
export async function writeCompanyFile(
  file: string,
  manifest: Manifest,
  rowsOf: (table: string) => AsyncIterable<readonly string[]>,
): Promise<Ending> {
  const hash = createHash('sha256');
  const tables: Record<string, TableDigest> = {};
  let sha256 = '';

  async function* lines(): AsyncGenerator<string> {
    yield hashed(hash, `${JSON.stringify(manifest)}\n`);
    for (const { name } of manifest.tables) {
      const digest = digestOfRows();
      for await (const texts of rowsOf(name)) {
        digest.add(texts);
        yield hashed(hash, texts.map((row) => `{"table":"${name}","row":${row}}\n`).join(''));
      }
      tables[name] = digest.end();
    }
    sha256 = hash.digest('hex');
    yield `${JSON.stringify({ tables, sha256 })}\n`;
  }

  await pipeline(
    Readable.from(lines(), { highWaterMark: 1 }),
    createGzip(),
    createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }),
  );
  return { tables, sha256 };
}

/** What to do with the parts of a file as they come; nothing is known of its end yet. */
export interface FileReader {
  start?(manifest: Manifest): Promise<void>;
  rows?(table: string, rows: readonly Row[]): Promise<void>;
}

/** Rows that are handed over together: as many, or as large. */
const most = { rows: 500, bytes: 1024 * 1024 };

/**
 * Reads a file to its end, and knows then that it is whole and unchanged.
 * @throws CompanyRefused where it is not
 */
export async function readCompanyFile(
  file: string,
  reader: FileReader = {},
): Promise<{ manifest: Manifest; ending: Ending }> {
  const hash = createHash('sha256');
  let manifest: Manifest | undefined;
  let ending: Ending | undefined;
  let page: { table: string; rows: Row[]; bytes: number } | undefined;
  const handOver = async (): Promise<void> => {
    if (page) await reader.rows?.(page.table, page.rows);
    page = undefined;
  };

  for await (const line of linesOf(file)) {
    if (ending) throw new CompanyRefused(`${file} goes on behind its end`);
    if (!manifest) {
      manifest = asManifest(file, line);
      await reader.start?.(manifest);
    } else if (line.startsWith('{"table":')) {
      const { table, row }: { table: string; row: Row } = parse(file, line);
      if (page && (page.table !== table || page.rows.length >= most.rows)) await handOver();
      page ??= { table, rows: [], bytes: 0 };
      page.rows.push(row);
      page.bytes += line.length;
      if (page.bytes >= most.bytes) await handOver();
    } else {
      const last: Ending = parse(file, line);
      if (last.sha256 !== hash.copy().digest('hex')) throw changed(file);
      await handOver();
      ending = last;
    }
    hash.update(line).update('\n');
  }
  if (!manifest || !ending) throw new CompanyRefused(`${file} is cut: its end is missing`);
  return { manifest, ending };
}

/** Only line feeds end a line: other separators may stand in a text. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of unzipped(file)) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, at)]).toString('utf8');
      rest = [];
      length = 0;
      from = at + 1;
    }
    rest.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > longestLine) throw notOurs(file);
  }
  if (length > 0) throw new CompanyRefused(`${file} is cut: its last line is not whole`);
}

async function* unzipped(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  const gunzip = createGunzip();
  const flow = pipeline(source, gunzip);
  flow.catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield Buffer.from(chunk);
    await flow;
  } catch (error) {
    switch (errorCode(error)) {
      case 'ENOENT':
        throw new CompanyRefused(`There is no file ${file}`);
      case 'Z_BUF_ERROR':
        throw new CompanyRefused(`${file} is cut: its end is missing`);
      case 'Z_DATA_ERROR':
        throw changed(file);
      default:
        throw error;
    }
  }
}

function asManifest(file: string, line: string): Manifest {
  const manifest: Manifest = parse(file, line);
  if (manifest.format !== format) throw notOurs(file);
  return manifest;
}

/** What it was written as is known once its digest is compared. */
function parse<T>(file: string, line: string): T {
  try {
    return JSON.parse(line);
  } catch {
    throw notOurs(file);
  }
}

function hashed(hash: Hash, text: string): string {
  hash.update(text);
  return text;
}

const changed = (file: string): CompanyRefused =>
  new CompanyRefused(`${file} is not as it was written: its check sum differs`);

const notOurs = (file: string): CompanyRefused =>
  new CompanyRefused(`${file} is not the export of a company`);
