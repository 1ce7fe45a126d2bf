import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import path from 'node:path';
import { projectDir } from './dataDir.ts';

/** How the demo talks to the running product, and tells of it. */
export const base = process.env['SURETY_URL'] ?? 'http://127.0.0.1:3000';
const api = `${base}/api/v1`;

export async function until(otherwise: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let second = 0; second < 120; second += 1) {
    if (await isSo()) return;
    await pause(1000);
  }
  throw new Error(`${otherwise} within two minutes.`);
}

export type Json = Readonly<Record<string, unknown>>;

export const chapter = (title: string): void => console.log(`\n${title}`);
export const say = (line: string): void => console.log(`  ${line}`);
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** The product cannot do it right now; the same request may be sent again. */
class NotNow extends Error {}

/** So many requests in a minute are allowed, and no more. */
class TooMany extends Error {
  readonly seconds: number;

  constructor(sentence: string, seconds: number) {
    super(sentence);
    this.seconds = seconds;
  }
}

interface Sent {
  readonly token?: string;
  readonly body?: object;
  readonly key?: string;
  /** One's own address, of several that this machine has. */
  readonly from?: string | undefined;
}

export async function call(method: string, route: string, sent: Sent = {}): Promise<Json> {
  const { status, retryAfter, content } = await send(method, route, sent);
  const answer: unknown = JSON.parse(content.toString());
  if (!isJson(answer)) throw new Error(`${method} ${route} answered no object`);
  if (status >= 400) {
    const sentence = `${method} ${route}: ${status} ${text(answer, 'message')}`;
    if (status === 503) throw new NotNow(sentence);
    throw status === 429 ? new TooMany(sentence, retryAfter) : new Error(sentence);
  }
  return answer;
}

/** A file, as bytes. */
export async function download(route: string, token: string): Promise<Buffer> {
  const { status, content } = await send('GET', route, { token });
  if (status !== 200) throw new Error(`GET ${route}: ${status}`);
  return content;
}

interface Answer {
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: number;
  readonly content: Buffer;
}

const send = (method: string, route: string, { token, body, key, from }: Sent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(key && { 'Idempotency-Key': key }),
    };
    const options = { method, headers, ...(from !== undefined && { localAddress: from }) };
    const { request } = base.startsWith('https:') ? https : http;
    const sent = request(`${api}${route}`, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode: status = 0, headers: got } = response;
        const retryAfter = Number(got['retry-after'] ?? 1);
        resolve({ status, retryAfter, content: Buffer.concat(parts) });
      });
    });
    sent.once('error', reject);
    sent.end(body && JSON.stringify(body));
  });

/** From an address of one's own; where there is but one, in turn: only so many do so in a minute. */
export async function signIn(
  { email, password }: { readonly email: string; readonly password: string },
  address?: string,
): Promise<string> {
  const from = address ?? (await ownAddress());
  for (;;) {
    try {
      const answer = await call('POST', '/auth/login', { body: { email, password }, from });
      return text(data(answer), 'access_token');
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      say(`ten sign in from one address in a minute: going on in ${error.seconds} s`);
      await pause(error.seconds * 1000);
    }
  }
}

/** An address that nobody else comes from. Linux has all of 127.0.0.0/8; undefined where one is all. */
export async function ownAddress(): Promise<string | undefined> {
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  const address = `127.${1 + (a % 254)}.${b}.${1 + (c % 254)}`;
  return isLocal && (await hasAddress(address)) ? address : undefined;
}

const isLocal = new URL(base).hostname === '127.0.0.1';

const hasAddress = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });

/** Where `npm start` keeps its data. */
export const dataDir = process.env['SURETY_DATA'] || path.join(projectDir, '.data');

export function demoAccount(role: string): { email: string; password: string } {
  const file = path.join(dataDir, 'demo-accounts.json');
  const accounts: { role: string; email: string; password: string }[] = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const account = accounts.find((each) => each.role === role);
  if (!account) throw new Error(`There is no demo account for ${role}.`);
  return account;
}

export async function untilUp(): Promise<void> {
  const response = await fetch(`${base}/health/ready`).catch(() => undefined);
  if (!response?.ok) throw new Error(`Nothing answers at ${base}: run "npm start" first.`);
}

const mostTries = 30;

/**
 * A change, sent again under its key while the answer is "not now": on a busy machine a workflow may
 * take longer than the answer waits, and by then have done it.
 */
export async function command(
  method: string,
  route: string,
  sent: { readonly token: string; readonly body: object },
): Promise<Json> {
  const key = randomUUID();
  for (let tries = 1; ; tries += 1) {
    try {
      return await call(method, route, { ...sent, key });
    } catch (error) {
      if (!(error instanceof NotNow) || tries === mostTries) throw error;
      await pause(1000);
    }
  }
}

/** One request of GraphQL, sent again while an answer in it is "not now". @returns its data */
export async function graphql(
  token: string,
  query: string,
  variables: object = {},
): Promise<Readonly<Record<string, unknown>>> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(`${base}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    const answer: unknown = await response.json();
    const [error] = list(answer, 'errors');
    if (!error) return data(within(answer));
    const isNotNow = number(within(error['extensions']), 'status') === 503;
    if (!isNotNow || tries === mostTries) throw new Error(`GraphQL: ${text(error, 'message')}`);
    await pause(1000);
  }
}

/** What is under a name, where it is an object. */
export const within = (value: unknown): Json => (isJson(value) ? value : {});

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

export const data = (answer: Json): Json => (isJson(answer['data']) ? answer['data'] : {});

export function list(answer: unknown, name: string): Json[] {
  const value = isJson(answer) ? answer[name] : undefined;
  return Array.isArray(value) ? value.filter(isJson) : [];
}

export function text(answer: Json, name: string): string {
  const value = answer[name];
  return typeof value === 'string' ? value : '';
}

export function number(answer: Json, name: string): number {
  const value = answer[name];
  return typeof value === 'number' ? value : 0;
}

/** What has happened, from a timeline. */
export function tellPast(timeline: Json): void {
  for (const event of list(timeline, 'past')) {
    say(
      `${text(event, 'at').slice(11, 19)}  ${text(event, 'title')} (${text(event, 'actor_type')})`,
    );
  }
}

/** @throws Error where the mail goes to a server that nobody here can ask */
export async function insistOnMails(): Promise<void> {
  const { ok } = await fetch(`${base}/dev/mails?size=1`);
  if (!ok) {
    throw new Error('it reads the mail that it causes, so the product must run without SMTP_URL.');
  }
}

/** The newest first. */
export async function mailsTo(address: string): Promise<Json[]> {
  const asked = `${base}/dev/mails?to=${encodeURIComponent(address)}&size=100`;
  const mails: unknown = await (await fetch(asked)).json();
  return list(mails, 'items');
}

/** Subjects in the order in which they were sent; the last one may still be on its way. */
export async function tellMails(address: string): Promise<void> {
  await pause(1500);
  for (const mail of (await mailsTo(address)).toReversed()) say(text(mail, 'subject'));
}
