import { randomUUID } from 'node:crypto';

export interface Request {
  /** Under which its times are collected. */
  readonly kind: string;
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly token?: string | undefined;
  /** `newId` in it stands for an id of its own each time. */
  readonly body?: object | undefined;
  /** Sends an Idempotency-Key of its own each time. */
  readonly keyed?: boolean;
}

export interface Person {
  readonly userId: string;
  /** Signed beforehand, for a session that is in the database. */
  readonly token: string;
}

const newId = '00000000-0000-4000-8000-000000000000';

/** That may be insured; the world has so many. */
export const insurable = 80_000;
let insured = 0;

/** How many have been. */
export const insuredSoFar = (): number => insured;

/** Goes on after those that another program insured. */
export const insureAfter = (count: number): void => void (insured = count);

export const propertyId = (n: number): string =>
  newId.slice(0, -6) + n.toString(16).padStart(6, '0');

/** Names the next property where one is to be; as long as the text it is made of. */
export const withNewIds = (text: string): string => text.replaceAll(newId, nextProperty);

export function nextProperty(): string {
  insured += 1;
  if (insured > insurable) throw new Error('There are no more properties to insure');
  return propertyId(insured);
}

/** For a property of its own, because nobody may hold a plan twice for one. */
export const subscribeRequest = (
  prefix: string,
  { token }: Person,
  planId: string | undefined,
): Request => ({
  kind: 'subscribe',
  method: 'POST',
  path: `${prefix}/subscriptions`,
  token,
  body: { insurance_plan_id: planId, insured_property_id: newId, auto_renew: false },
  keyed: true,
});

/** 20 of the plans of one level, the cheapest first, and how many there are. */
export const listPlansRequest = (prefix: string, { token }: Person): Request => ({
  kind: 'list plans',
  method: 'GET',
  path: `${prefix}/plans?coverage_level=standard&sort_by=premium&sort_order=asc&page=1&size=20`,
  token,
});

/** One request outside of any measurement. @throws Error unless it is answered with success */
export async function call(
  origin: string,
  { method, path, token, body, keyed }: Request,
): Promise<void> {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(keyed && { 'Idempotency-Key': randomUUID() }),
    },
    ...(body !== undefined && { body: withNewIds(JSON.stringify(body)) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
}
