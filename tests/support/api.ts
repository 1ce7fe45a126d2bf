import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import supertest, { type Test } from 'supertest';
import { v7 as uuid } from 'uuid';
import { composeApi } from '../../src/api/compose.ts';
import { createTokens, type Tokens } from '../../src/commands/tokens.ts';
import type { ResolveTxt } from '../../src/commands/txtRecords.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor } from '../../src/context.ts';
import { withIdentity } from '../../src/models/database.ts';
import { RefreshToken } from '../../src/models/RefreshToken.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';
import { listenTo, type Listening } from './listening.ts';
import { services } from './services.ts';

type Headers = Readonly<Record<string, string>>;
type Answer = Promise<supertest.Response>;

/**
 * Sends requests as somebody. A path from the API prefix on, or from the root: `/api/plans`,
 * `/dev/mail`, `/graphql`, and with `//` any other one.
 */
export interface Caller {
  get(path: string, query?: object, headers?: Headers): Answer;
  post(path: string, body?: object, headers?: Headers): Answer;
  put(path: string, body: object, headers?: Headers): Answer;
  patch(path: string, body: object, headers?: Headers): Answer;
  delete(path: string, headers?: Headers): Answer;
  /** A multipart form. */
  upload(path: string, form: Form, headers?: Headers): Answer;
  /** Opens a stream of events. */
  listen(path: string, headers?: Headers): Promise<Listening>;
  /** The bytes that are answered, whatever their type. */
  download(path: string): Promise<supertest.Response & { readonly bytes: Buffer }>;
}

export interface Form {
  readonly fields?: Readonly<Record<string, string>>;
  readonly files?: readonly {
    readonly name: string;
    readonly type?: string;
    readonly content: Buffer;
    /** `files` unless told. */
    readonly field?: string;
  }[];
}

export interface TestApi {
  readonly database: TestDatabase;
  /** A built actor with a session of their own and a real access token. */
  as(actor: Actor): Caller;
  /** Somebody without a token, at the company's own address. */
  visiting(companyId: string): Caller;
  /** Somebody without a token at an address of no company. */
  readonly nowhere: Caller;
  /** `http://127.0.0.1:…`, for what `Caller` does not do. */
  readonly address: string;
  /** Where it keeps documents. */
  readonly documentsDir: string;
  close(): Promise<void>;
}

/**
 * The API as it runs, on a database of its own; `settings` are environment variables. DNS shows
 * nothing unless told.
 */
export async function openTestApi(
  settings: NodeJS.ProcessEnv = {},
  { resolveTxt = async () => [] }: { readonly resolveTxt?: ResolveTxt } = {},
): Promise<TestApi> {
  const database = await openTestDatabase({ poolMax: 2 });
  const documentsDir = mkdtempSync(path.join(tmpdir(), 'surety-documents-'));
  const config = readConfig({
    ENVIRONMENT: 'test',
    DATABASE_URL: database.apiUrl,
    TEMPORAL_ADDRESS: services().temporalAddress,
    TEMPORAL_TASK_QUEUE: `test-${randomUUID()}`,
    DOCUMENT_STORAGE_DIR: documentsDir,
    ...settings,
  });
  const log = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' }, pino.destination(2));
  const api = await composeApi({
    config,
    moduleLog: (module) => log.child({ module }),
    access: log,
    version: '0.0.0-test',
    resolveTxt,
  });
  const server = createServer(api.app.callback()).listen(0, '127.0.0.1');
  const tokens = createTokens(config);
  const http = supertest(server);

  const caller = (headersOf: () => Promise<Headers>): Caller => {
    const at = (to: string) =>
      to.startsWith('//')
        ? to.slice(1)
        : /^\/(api|dev|\.well-known|graphql|health|version|status|metrics)(\/|$)/.test(to)
          ? to
          : `${config.apiPrefix}${to}`;
    const send = async (request: Test, headers: Headers = {}, body?: object) =>
      request.set({ ...(await headersOf()), ...headers }).send(body);
    return {
      get: (to, query = {}, headers) => send(http.get(at(to)).query(query), headers),
      post: (to, body = {}, headers) => send(http.post(at(to)), headers, body),
      put: (to, body, headers) => send(http.put(at(to)), headers, body),
      patch: (to, body, headers) => send(http.patch(at(to)), headers, body),
      delete: (to, headers) => send(http.delete(at(to)), headers),
      async upload(to, { fields = {}, files = [] }, headers = {}) {
        const request = http.post(at(to)).set({ ...(await headersOf()), ...headers });
        for (const [name, value] of Object.entries(fields)) request.field(name, value);
        for (const { field = 'files', name, type, content } of files) {
          request.attach(field, content, { filename: name, ...(type && { contentType: type }) });
        }
        return request;
      },
      listen: async (to, headers = {}) =>
        listenTo(`${addressOf(server)}${at(to)}`, { ...(await headersOf()), ...headers }),
      async download(to) {
        const request = http.get(at(to)).set(await headersOf());
        const answer = await request.buffer(true).parse((response, done) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => done(null, Buffer.concat(chunks)));
        });
        return Object.assign(answer, { bytes: Buffer.from(answer.body) });
      },
    };
  };

  const bearer = async (actor: Actor): Promise<Headers> => {
    const { token } = await openSession(tokens, actor);
    return { Authorization: `Bearer ${token}` };
  };
  const address = async (companyId: string): Promise<Headers> => {
    const host = `${companyId}.example`;
    await database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING`,
      [uuid(), companyId, host],
    );
    return { Host: host };
  };
  /** Signs in, or claims the address, once. */
  const known = new Map<string, Promise<Headers>>();
  const remembered = (key: string, make: () => Promise<Headers>) => () => {
    const headers = known.get(key) ?? make();
    known.set(key, headers);
    return headers;
  };

  return {
    database,
    as: (actor) => caller(remembered(`${actor.companyId}/${actor.userId}`, () => bearer(actor))),
    visiting: (companyId) => caller(remembered(companyId, () => address(companyId))),
    nowhere: caller(async () => ({})),
    documentsDir,
    get address() {
      return addressOf(server);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await api.close();
      await database.close();
      rmSync(documentsDir, { recursive: true, force: true });
    },
  };
}

function addressOf(server: Server): string {
  const place = server.address();
  return `http://127.0.0.1:${typeof place === 'object' ? place?.port : place}`;
}

/** What a login makes: a session of its own and an access token for it. */
export async function openSession(tokens: Tokens, { userId, companyId, roles }: Actor) {
  if (!userId) throw new Error('Only a person signs in');
  const sessionId = uuid();
  const inAnHour = new Date(Date.now() + 3_600_000);
  await withIdentity(companyId, async () =>
    RefreshToken.issue({ userId, companyId, familyId: sessionId }, randomUUID(), inAnHour),
  );
  const { token } = await tokens.sign({ userId, companyId, roles, sessionId });
  return { sessionId, token };
}

/** An answer's text without what differs from request to request, and with each id as `<id>`. */
export const comparable = ({ status, text }: supertest.Response): string =>
  `${status} ${text}`
    .replaceAll(/"(timestamp|request_id)":"[^"]*"/g, '"$1":""')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>');
