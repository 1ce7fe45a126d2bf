import { v7 as uuid } from 'uuid';
import type { BadKind } from '../../src/commands/auditChecks.ts';
import { pick, type Random } from './random.ts';

/** What somebody did as superuser, and where that must be found. */
export interface Manipulation {
  readonly what: string;
  /** `$1` is the company. */
  readonly statements: readonly string[];
  readonly kinds: readonly BadKind[];
  /** Place in the chain; null for a line outside of it. */
  readonly foundAt: number | null;
  /** From this place on the seals are computed anew afterwards, as whoever has the key can. */
  readonly rechainFrom?: number;
}

/** Places at which a checkpoint was made. */
export const checkpointPlaces = [20, 40, 60] as const;

const nextCheckpoint = (place: number): number =>
  checkpointPlaces.find((at) => at >= place) ?? checkpointPlaces[2];

type Kind = (place: number, random: Random, last: number) => Manipulation;

const lineAt = (place: number): string => `company_id = $1 AND (id, timestamp) = (
  SELECT audit_id, audit_timestamp FROM core.audit_seals WHERE company_id = $1 AND seq = ${place})`;
const sealAt = (place: number): string => `company_id = $1 AND seq = ${place}`;

/** Another character in place of one of a text. */
const flipped = (name: string, random: Random, among: string): string => {
  const at = 1 + random(among === hexDigits ? 64 : 5);
  const [one, other] = [among.charAt(random(among.length / 2)), among.charAt(among.length - 1)];
  const old = `substr(${name}, ${at}, 1)`;
  return `overlay(${name} PLACING CASE WHEN ${old} = '${one}' THEN '${other}' ELSE '${one}' END FROM ${at} FOR 1)`;
};
const hexDigits = '0123456789abcdef';
const letters = 'abcdefghijklmnop';

const lineChanges: Readonly<Record<string, (random: Random) => string>> = {
  action: (random) => `action = ${flipped('action', random, letters)}`,
  'actor type': () => `actor_type = 'system'`,
  actor: () => `actor_id = '${uuid()}'`,
  'entity type': (random) => `entity_type = ${flipped('entity_type', random, letters)}`,
  entity: () => `entity_id = '${uuid()}'`,
  time: () => `timestamp = timestamp + interval '1 microsecond'`,
  month: () => `timestamp = timestamp + interval '62 days'`,
  id: () => `id = '${uuid()}'`,
  'amount before': () => `before = jsonb_set(before, '{premium}', '"120.01"')`,
  'number before': () => `before = jsonb_set(before, '{terms}', '2')`,
  'name after': (random) =>
    `after = jsonb_set(after, '{policyholderName}', to_jsonb(${flipped(`(after ->> 'policyholderName')`, random, letters)}))`,
  'value deep below': () => `after = jsonb_set(after, '{contact,email}', '"b@b.example"')`,
  'field taken out': () => `after = after - 'premium'`,
  'field put in': () => `after = after || '{"status": "active"}'`,
  'nothing after': () => 'after = NULL',
  'text for a number': () => `before = jsonb_set(before, '{terms}', '"1"')`,
  request: (random) => `request_id = ${flipped('request_id', random, letters)}`,
  workflow: () => `workflow_id = 'subscription/1'`,
  address: () => `ip = '192.0.2.251'`,
  'no address': () => 'ip = NULL',
  browser: (random) => `user_agent = ${flipped('user_agent', random, letters)}`,
  'a wrong erasure': (random) =>
    `after = jsonb_set(after, '{policyholderName}', to_jsonb('~' || repeat('${pick(random, hexDigits.split(''))}', 64)))`,
  'an erasure of what is not personal': () =>
    `after = jsonb_set(after, '{premium}', to_jsonb('~' || repeat('0', 64)))`,
};

const sealChanges: Readonly<Record<string, readonly [(random: Random) => string, ...BadKind[]]>> = {
  hash: [(random) => `hash = ${flipped('hash', random, hexDigits)}`, 'seal_changed', 'changed'],
  'hash before': [
    (random) => `prev_hash = ${flipped('prev_hash', random, hexDigits)}`,
    'seal_changed',
  ],
  'line named': [() => `audit_id = '${uuid()}'`, 'missing'],
  "line's time": [() => `audit_timestamp = audit_timestamp + interval '1 second'`, 'seal_changed'],
  'time of sealing': [() => `sealed_at = sealed_at - interval '1 microsecond'`, 'changed'],
};

const kinds: readonly Kind[] = [
  ...Object.entries(lineChanges).map(([name, change]): Kind => (place, random) => ({
    what: `line changed: ${name}`,
    statements: [`UPDATE core.audit_logs SET ${change(random)} WHERE ${lineAt(place)}`],
    kinds: name === 'id' ? ['missing'] : ['changed'],
    foundAt: place,
  })),
  ...Object.entries(sealChanges).map(([name, [change, ...found]]): Kind => (place, random) => ({
    what: `seal changed: ${name}`,
    statements: [`UPDATE core.audit_seals SET ${change(random)} WHERE ${sealAt(place)}`],
    kinds: found,
    foundAt: place,
  })),
  (place) => ({
    what: 'line taken out',
    statements: [`DELETE FROM core.audit_logs WHERE ${lineAt(place)}`],
    kinds: ['missing'],
    foundAt: place,
  }),
  (place) => ({
    what: 'line given to another company',
    statements: [
      `UPDATE core.audit_logs SET company_id = '00000000-0000-7000-8000-000000000000' WHERE ${lineAt(place)}`,
    ],
    kinds: ['missing'],
    foundAt: place,
  }),
  (place, random) => {
    const most = 1 + random(5);
    return {
      what: `${most} lines and their seals taken out`,
      statements: [
        `DELETE FROM core.audit_logs WHERE company_id = $1 AND id IN (
           SELECT audit_id FROM core.audit_seals WHERE company_id = $1
             AND seq BETWEEN ${place} AND ${place + most - 1})`,
        `DELETE FROM core.audit_seals WHERE company_id = $1
           AND seq BETWEEN ${place} AND ${place + most - 1}`,
      ],
      kinds: ['seal_changed'],
      foundAt: place,
    };
  },
  (place) => ({
    what: 'line and seal taken out, the others moved up',
    statements: [
      `DELETE FROM core.audit_logs WHERE ${lineAt(place)}`,
      `DELETE FROM core.audit_seals WHERE ${sealAt(place)}`,
      `UPDATE core.audit_seals SET seq = seq + 1000000 WHERE company_id = $1 AND seq > ${place}`,
      `UPDATE core.audit_seals SET seq = seq - 1000001 WHERE company_id = $1 AND seq > 1000000`,
    ],
    kinds: ['seal_changed'],
    foundAt: place,
  }),
  () => ({
    what: 'line put in among old ones',
    statements: [
      `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type)
       SELECT company_id, '${uuid()}', min(audit_timestamp), 'user', 'UPDATE', 'policy'
       FROM core.audit_seals WHERE company_id = $1 GROUP BY company_id`,
    ],
    kinds: ['added'],
    foundAt: null,
  }),
  (place) => {
    const id = uuid();
    return {
      what: 'line and seal put in, the others moved down',
      statements: [
        `UPDATE core.audit_seals SET seq = seq + 1000000 WHERE company_id = $1 AND seq >= ${place}`,
        `UPDATE core.audit_seals SET seq = seq - 999999 WHERE company_id = $1 AND seq > 1000000`,
        `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type)
         SELECT company_id, '${id}', audit_timestamp, 'user', 'UPDATE', 'policy'
         FROM core.audit_seals WHERE ${sealAt(place + 1)}`,
        `INSERT INTO core.audit_seals
           (company_id, seq, audit_id, audit_timestamp, hash, prev_hash, sealed_at)
         SELECT company_id, ${place}, '${id}', audit_timestamp, repeat('a', 64), prev_hash, sealed_at
         FROM core.audit_seals WHERE ${sealAt(place + 1)}`,
      ],
      kinds: ['changed'],
      foundAt: place,
    };
  },
  (place, random, last) => {
    const other = place + 1 + random(last - place);
    return {
      what: "two seals in each other's place",
      statements: [
        `UPDATE core.audit_seals SET seq = 1000000 WHERE ${sealAt(place)}`,
        `UPDATE core.audit_seals SET seq = ${place} WHERE ${sealAt(other)}`,
        `UPDATE core.audit_seals SET seq = ${other} WHERE ${sealAt(1_000_000)}`,
      ],
      kinds: ['reordered'],
      foundAt: place,
    };
  },
  (place) => ({
    what: "two lines under each other's id",
    statements: [
      `WITH pair AS (
         SELECT audit_id, lead(audit_id) OVER (ORDER BY seq) AS other FROM core.audit_seals
         WHERE company_id = $1 AND seq IN (${place}, ${place + 1})),
       swap AS (
         SELECT audit_id AS id, other FROM pair WHERE other IS NOT NULL
         UNION ALL SELECT other, audit_id FROM pair WHERE other IS NOT NULL)
       UPDATE core.audit_logs a SET entity_id = (
         SELECT entity_id FROM core.audit_logs b WHERE b.company_id = $1 AND b.id = swap.other)
       FROM swap WHERE a.company_id = $1 AND a.id = swap.id`,
    ],
    kinds: ['changed'],
    foundAt: place,
  }),
  (place) => ({
    what: 'the tail cut off, lines and seals',
    statements: [
      `DELETE FROM core.audit_logs WHERE company_id = $1 AND id IN (
         SELECT audit_id FROM core.audit_seals WHERE company_id = $1 AND seq > ${place})`,
      `DELETE FROM core.audit_seals WHERE company_id = $1 AND seq > ${place}`,
    ],
    kinds: ['cut'],
    foundAt: place + 1,
  }),
  (place) => ({
    what: 'the last seals taken away',
    statements: [`DELETE FROM core.audit_seals WHERE company_id = $1 AND seq > ${place}`],
    kinds: ['cut'],
    foundAt: place + 1,
  }),
  ...['action', 'amount before', 'name after', 'address', 'time of sealing'].map(
    (name): Kind =>
      (place, random) => {
        const ofLine = lineChanges[name];
        const change = ofLine
          ? `UPDATE core.audit_logs SET ${ofLine(random)} WHERE ${lineAt(place)}`
          : `UPDATE core.audit_seals SET sealed_at = sealed_at - interval '1 day' WHERE ${sealAt(place)}`;
        return {
          what: `computed anew after a change: ${name}`,
          statements: [change],
          rechainFrom: place,
          kinds: ['checkpoint'],
          foundAt: nextCheckpoint(place),
        };
      },
  ),
];

/** @param last place of the chain */
export function manipulation(random: Random, last: number): Manipulation {
  // Neither end, so that there is something on either side.
  const place = 2 + random(last - 10);
  return pick(random, kinds)(place, random, last);
}
