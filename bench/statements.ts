import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { pino } from 'pino';
import { v7 as uuid } from 'uuid';
import { composeApi } from '../src/api/compose.ts';
import { readConfig } from '../src/config.ts';
import { call, type Request } from './requests.ts';

/** As the driver gets it. Without values it travels by the simple protocol. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/**
 * Serves each request twice by the product, in this process, and answers with the longest transaction
 * of the second time: by then everything is cached that the product caches. Told apart by connection,
 * since effects of the first time may still be under way.
 */
export async function captureStatements(
  requests: readonly Request[],
): Promise<readonly (readonly Statement[])[]> {
  const open = new Map<unknown, Statement[]>();
  let done: Statement[][] = [];
  const stopListening = listen((connection, statement) => {
    if (statement.text.startsWith('BEGIN')) open.set(connection, []);
    const transaction = open.get(connection);
    transaction?.push(statement);
    if (transaction && statement.text.startsWith('COMMIT')) done.push(transaction);
  });
  const log = pino({ level: 'silent' });
  const api = await composeApi({
    config: readConfig(),
    moduleLog: () => log,
    access: log,
    version: '0.0.0',
  });
  const server = createServer(api.app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${portOf(server.address())}`;
  const captured: Statement[][] = [];
  try {
    for (const request of requests) {
      await call(origin, request);
      done = [];
      await call(origin, request);
      const [longest = []] = done.toSorted((a, b) => b.length - a.length);
      captured.push(longest);
    }
    return captured;
  } finally {
    stopListening();
    server.close();
    server.closeAllConnections();
    await api.close();
  }
}

/**
 * Makes of one captured transaction as many alike as wanted: what it had made up itself (ids, key
 * digests, the policy's number) is made up anew each time, so that unique keys hold.
 * @returns a function that takes other ids for some of those that were given
 */
export function repeater(statements: readonly Statement[]) {
  const isInsert = ({ text }: Statement): boolean => text.startsWith('WITH i0');
  const given = new Set(
    statements
      .filter((each) => !isInsert(each))
      .flatMap(({ text, values = [] }) => idsIn([text, ...values])),
  );

  return (own: Readonly<Record<string, string>>) => {
    const known = new Map(Object.entries(own));
    const anew = (found: string): string => {
      const replacement = known.get(found) ?? (given.has(found) ? found : madeUp(found));
      known.set(found, replacement);
      return replacement;
    };
    /** One statement, given the number that an earlier one of this transaction took. */
    return ({ text, values }: Statement, policyNumber: string): Statement => ({
      text: text.includes("'") ? text.replaceAll(idOrDigest, anew) : text,
      ...(values && {
        values: values.map((value) =>
          typeof value === 'string'
            ? value
                .replaceAll(idOrDigest, anew)
                .replaceAll(policyNumbers, (found) => found.replace(/\d+$/, policyNumber))
            : value,
        ),
      }),
    });
  };
}

const idOrDigest = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{64}\b/g;
const policyNumbers = /\bPOL-[A-Z0-9]+-\d{4}-\d+\b/g;

const idsIn = (values: readonly unknown[]): string[] =>
  values.flatMap((value) =>
    typeof value === 'string'
      ? (value.match(idOrDigest) ?? []).filter((found) => found.includes('-'))
      : [],
  );

/** An id for an id, for a digest one as long. */
const madeUp = (found: string): string =>
  found.includes('-') ? uuid() : `${uuid()}${uuid()}`.replaceAll('-', '').slice(0, found.length);

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address ? address.port : 0;

/** Hears every statement that the driver sends in this process. */
export function listen(hear: (connection: unknown, statement: Statement) => void): () => void {
  const query: unknown = Reflect.get(pg.Client.prototype, 'query');
  if (typeof query !== 'function') throw new Error('The driver has no query method');
  Reflect.set(pg.Client.prototype, 'query', function heard(this: unknown, ...args: unknown[]) {
    const [text, values] = args;
    if (typeof text === 'string') {
      hear(this, { text, ...(Array.isArray(values) && { values: [...values] }) });
    }
    return Reflect.apply(query, this, args);
  });
  return () => void Reflect.set(pg.Client.prototype, 'query', query);
}
