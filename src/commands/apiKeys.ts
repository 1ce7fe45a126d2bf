import type { Config } from '../config.ts';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, Unauthenticated, invalidField } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { ApiKey } from '../models/ApiKey.ts';
import { AuditLog } from '../models/AuditLog.ts';
import {
  afterCommit,
  append,
  execute,
  flush,
  select,
  withIdentity,
  withTenant,
} from '../models/database.ts';
import { selectPage } from '../models/list.ts';
import { getRow } from '../models/rows.ts';
import { allows, scopeCodes, type Permission } from '../rules/permissions.ts';
import { hashSecret, isSameSecret } from '../secrets.ts';
import { createFreshAnswers } from './freshAnswers.ts';
import { newKey, prefixOf } from './keyFormat.ts';

export interface KeyWish {
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly expiresAt?: Date | undefined;
}

export type KeyView = Pick<
  ApiKey,
  | 'id'
  | 'name'
  | 'prefix'
  | 'scopes'
  | 'expiresAt'
  | 'lastUsedAt'
  | 'revokedAt'
  | 'replacesId'
  | 'createdAt'
  | 'createdBy'
>;

/** The only answers that carry the key itself; nothing can show it again. */
export interface NewKey extends KeyView {
  readonly key: string;
}

const day = 86_400_000;
const usualDays = 90;
const mostDays = 365;
const usualOverlapHours = 24;
const usedAnewMs = 60_000;

export type ApiKeys = ReturnType<typeof createApiKeys>;

/** Keys of a company's programs: made, exchanged and ended by its administrators, and recognised. */
export function createApiKeys({
  config: { environment },
  log,
}: {
  readonly config: Pick<Config, 'environment'>;
  readonly log: Pick<Logger, 'warn'>;
}) {
  const kind = environment === 'production' ? 'live' : 'test';
  const known = createFreshAnswers<string, LiveKey>({ keyOf: (prefix) => prefix, load: loadKeys });
  const uses = createUses(log);

  const make = async (
    actor: Actor,
    wish: Pick<ApiKey, 'name' | 'scopes' | 'expiresAt' | 'replacesId'>,
  ): Promise<NewKey> => {
    const { scopes } = wish;
    const lacking = scopes.find((scope) => !scopeCodes.includes(scope) || !allows(actor, scope));
    if (lacking) throw new Forbidden(`${lacking} is not yours to give to a key`);
    const { prefix, text } = newKey(kind);
    const facts = { ...wish, prefix };
    const id = append(ApiKey, { ...facts, keyHash: hashSecret(text) });
    AuditLog.record('CREATE', about(id), { after: facts });
    await flush();
    return { ...viewOf(await getRow(ApiKey, id)), key: text };
  };

  return {
    /**
     * Who a key stands for, by what the database says now.
     * @throws Unauthenticated
     */
    async actorOf(text: string): Promise<Actor> {
      const prefix = prefixOf(text, kind);
      const found = prefix === undefined ? undefined : await known.get(prefix);
      if (!found || !isSameSecret(found.keyHash, hashSecret(text))) {
        throw new Unauthenticated('The API key is not valid');
      }
      const { id, companyId, scopes } = found;
      uses.note({ id, companyId });
      return {
        type: 'api_key',
        userId: null,
        companyId,
        roles: [],
        sessionId: null,
        key: { id, scopes },
      };
    },

    list: (actor: Actor, { page, size }: { readonly page: number; readonly size: number }) =>
      withTenant(actor.companyId, () =>
        selectPage<KeyView>(
          `k.id, k.name, k.prefix, k.scopes, k.expires_at AS "expiresAt",
           k.last_used_at AS "lastUsedAt", k.revoked_at AS "revokedAt",
           k.replaces_id AS "replacesId", k.created_at AS "createdAt", k.created_by AS "createdBy"`,
          'core.api_keys k',
          [],
          { by: 'k.created_at', id: 'k.id', order: 'desc', page, size },
        ),
      ),

    create: (actor: Actor, { name, scopes, expiresAt }: KeyWish): Promise<NewKey> =>
      withTenant(actor.companyId, () => {
        const last = Date.now() + mostDays * day;
        const end = expiresAt ?? new Date(Date.now() + usualDays * day);
        if (end.getTime() <= Date.now() || end.getTime() > last) {
          throw invalidField('expires_at', `lies within the next ${mostDays} days`, 'OUT_OF_RANGE');
        }
        return make(actor, {
          name,
          scopes: [...new Set(scopes)],
          expiresAt: end,
          replacesId: null,
        });
      }),

    /**
     * Another key with the same rights and as long a life; the old one works on for the overlap.
     * @throws Conflict KEY_ENDED, KEY_ROTATED
     */
    rotate: (
      actor: Actor,
      id: string,
      { overlapHours = usualOverlapHours }: { readonly overlapHours?: number | undefined },
    ): Promise<NewKey> =>
      withTenant(actor.companyId, async () => {
        const old = await getRow(ApiKey, id, { lock: true });
        if (old.revokedAt || old.expiresAt.getTime() <= Date.now()) {
          throw new Conflict('KEY_ENDED', `The key ${id} has ended; make a new one`);
        }
        const lifeMs = old.expiresAt.getTime() - old.createdAt.getTime();
        const expiresAt = new Date(Date.now() + Math.min(lifeMs, mostDays * day));
        const made = await make(actor, {
          name: old.name,
          scopes: old.scopes,
          expiresAt,
          replacesId: id,
        });
        const overlapEnd = Date.now() + overlapHours * 3_600_000;
        const end = new Date(Math.min(old.expiresAt.getTime(), overlapEnd));
        AuditLog.record('KEY_ROTATED', about(id), {
          before: { expiresAt: old.expiresAt },
          after: { expiresAt: end, replacedBy: made.id },
        });
        await old.update({ expiresAt: end, version: old.version + 1, updatedBy: actor.userId });
        afterCommit(() => known.forget(old.prefix));
        return made;
      }),

    /** Ends it at once here, within 5 s elsewhere. A key that has been revoked stays so. */
    revoke: (actor: Actor, id: string): Promise<void> =>
      withTenant(actor.companyId, async () => {
        const row = await getRow(ApiKey, id, { lock: true });
        if (row.revokedAt) return;
        const revokedAt = new Date();
        await row.update({ revokedAt, version: row.version + 1, updatedBy: actor.userId });
        AuditLog.record('KEY_REVOKED', about(id), { after: { revokedAt } });
        afterCommit(() => known.forget(row.prefix));
      }),

    /** Waits for what is still written. */
    async close(): Promise<void> {
      known.close();
      await uses.written();
    },
  };
}

const about = (id: string) => ({ type: ApiKey.entityType, id });

const viewOf = (row: ApiKey): KeyView => row.get();

interface LiveKey {
  readonly id: string;
  readonly companyId: string;
  readonly keyHash: string;
  readonly scopes: readonly Permission[];
}

/** By prefix; keys that have ended, or whose company has, are left out. */
async function loadKeys(prefixes: readonly string[]): Promise<ReadonlyMap<string, LiveKey>> {
  const rows = await withIdentity(null, () =>
    select<LiveKey & { readonly prefix: string }>(
      `SELECT k.id, k.company_id AS "companyId", k.prefix, k.key_hash AS "keyHash", k.scopes
       FROM core.api_keys k
       WHERE k.prefix = ANY ($1::text[]) AND k.revoked_at IS NULL AND k.expires_at > now()
         AND EXISTS (SELECT 1 FROM platform.companies c
           WHERE c.id = k.company_id AND c.status <> 'closed' AND c.archived_at IS NULL)`,
      [prefixes],
    ),
  );
  return new Map(
    rows.map(({ prefix, ...key }) => [
      prefix,
      { ...key, scopes: scopeCodes.filter((code) => key.scopes.includes(code)) },
    ]),
  );
}

/** Writes when a key was last used: once a minute, and not in the request's way. */
function createUses(log: Pick<Logger, 'warn'>) {
  const writtenAt = new Map<string, number>();
  const open = new Set<Promise<unknown>>();

  return {
    note({ id, companyId }: Pick<LiveKey, 'id' | 'companyId'>): void {
      const now = performance.now();
      const last = writtenAt.get(id);
      if (last !== undefined && now - last < usedAnewMs) return;
      writtenAt.set(id, now);
      const writing = withIdentity(companyId, () =>
        execute('UPDATE core.api_keys SET last_used_at = now() WHERE company_id = $1 AND id = $2', [
          companyId,
          id,
        ]),
      )
        .catch((error: unknown) => log.warn({ err: error }, 'the use of a key was not noted'))
        .finally(() => open.delete(writing));
      open.add(writing);
    },
    written: () => Promise.all(open),
  };
}
