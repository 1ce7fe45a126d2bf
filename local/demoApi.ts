import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
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

interface Sent {
  readonly token?: string;
  readonly body?: object;
  readonly key?: string;
}

export async function call(
  method: string,
  route: string,
  { token, body, key }: Sent = {},
): Promise<Json> {
  const response = await fetch(`${api}${route}`, {
    method,
    headers: {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(key && { 'Idempotency-Key': key }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!isJson(answer)) throw new Error(`${method} ${route} answered no object`);
  if (!response.ok) {
    const sentence = `${method} ${route}: ${response.status} ${text(answer, 'message')}`;
    throw response.status === 503 ? new NotNow(sentence) : new Error(sentence);
  }
  return answer;
}

export async function signIn({
  email,
  password,
}: {
  email: string;
  password: string;
}): Promise<string> {
  return text(
    data(await call('POST', '/auth/login', { body: { email, password } })),
    'access_token',
  );
}

export function demoAccount(role: string): { email: string; password: string } {
  const dir = process.env['SURETY_DATA'] || path.join(projectDir, '.data');
  const file = path.join(dir, 'demo-accounts.json');
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

/** What has happened, from a timeline. */
export function tellPast(timeline: Json): void {
  for (const event of list(timeline, 'past')) {
    say(
      `${text(event, 'at').slice(11, 19)}  ${text(event, 'title')} (${text(event, 'actor_type')})`,
    );
  }
}

/** The newest first. */
export async function mailsTo(address: string): Promise<Json[]> {
  const mails: unknown = await (await fetch(`${base}/dev/mails`)).json();
  return list(mails, 'items').filter((mail) => text(mail, 'to').includes(address));
}

/** Subjects in the order in which they were sent; the last one may still be on its way. */
export async function tellMails(address: string): Promise<void> {
  await pause(1500);
  for (const mail of (await mailsTo(address)).toReversed()) say(text(mail, 'subject'));
}
