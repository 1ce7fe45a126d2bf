import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { BadRequest, Conflict, Refusal } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { append, select, withTenant, type withIdentity } from '../models/database.ts';
import { IdempotencyKey } from '../models/IdempotencyKey.ts';

/** What makes two requests the same one, and how its result is shown. */
export interface Once {
  readonly companyId: string;
  /** The user, or who else a key belongs to: nobody sees another's answer. */
  readonly principal: string;
  /** Canonical method and path pattern; an older path counts as this one. */
  readonly route: string;
  readonly key: string | undefined;
  /** Of parameters, query and body. */
  readonly bodyHash: string;
  readonly status: number;
  readonly message: string;
  present(result: unknown): unknown;
}

/** The stored answer to a request that was already carried out. */
export class Replay {
  readonly status: number;
  readonly data: unknown;
  readonly message: string;

  constructor(status: number, data: unknown, message: string) {
    this.status = status;
    this.data = data;
    this.message = message;
  }
}

/** Of a request that moves money, where the route alone does not say so. @throws BadRequest */
export function demandKey({ key }: Once): void {
  if (key === undefined) throw keyMissing();
}

export const keyMissing = (): BadRequest =>
  new BadRequest(
    'Money moves here: send an Idempotency-Key header, the same one when you repeat the request',
    'IDEMPOTENCY_KEY_REQUIRED',
  );

/** An upload, whose form and files were read later: the same files with the same form are the same request. */
export const ofUpload = (
  once: Once,
  form: object,
  files: readonly { readonly fileName: string; readonly sha256: string }[],
): Once => ({
  ...once,
  bodyHash: createHash('sha256')
    .update(JSON.stringify([once.bodyHash, form, files.map((f) => [f.fileName, f.sha256])]))
    .digest('base64url'),
});

const keptForMs = 7 * 24 * 60 * 60 * 1000;

/** Refuses whoever may no longer see what a stored answer tells; runs in the company's transaction. */
export type ReplayCheck = () => Promise<unknown>;

/**
 * A request that only writes rows: effect and stored answer commit together, so a refusal or a
 * crash leaves no key behind.
 * @param mayReplay only where the role's permission alone does not decide who sees the answer
 * @param door through which the rows are written
 * @throws Refusal IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED
 */
export const rowsOnce = <T>(
  once: Once,
  work: () => Promise<T>,
  mayReplay?: ReplayCheck,
  door: typeof withTenant | typeof withIdentity = withTenant,
): Promise<T | Replay> =>
  claiming(door, once, async () => {
    if (once.key === undefined) return work();
    const earlier = await lookUp(once);
    if (earlier) {
      if (!earlier.answer) throw twinAtWork();
      await mayReplay?.();
      return earlier.answer;
    }

    const result = await work();
    append(IdempotencyKey, { ...keyRow(once), answer: answerOf(once, result) });
    return result;
  });

/**
 * A command to a workflow: the key commits first, then the command is sent under an id made from it,
 * so that a repetition meets the recorded result even when this process dies in between.
 * @param send gets the command's id
 * @param mayReplay as for `rowsOnce`
 */
export async function commandOnce<T>(
  once: Once,
  send: (commandId: string) => Promise<T>,
  mayReplay?: ReplayCheck,
): Promise<T | Replay> {
  // Not the request id: callers choose it, and may use one for two commands.
  if (once.key === undefined) return send(commandIdOf(once, uuid()));
  const earlier = await claiming(withTenant, once, async () => {
    const found = await lookUp(once);
    if (!found) append(IdempotencyKey, { ...keyRow(once), answer: null });
    else if (found.answer) await mayReplay?.();
    return found;
  });
  if (earlier?.answer) return earlier.answer;
  failpoint('command.afterKey');

  const commandId = commandIdOf(once, once.key);
  try {
    const result = await repeated.run(earlier !== undefined, () => send(commandId));
    failpoint('command.afterAnswer');
    await withTenant(once.companyId, () =>
      IdempotencyKey.update(
        { answer: answerOf(once, result) },
        { where: { scope: scopeOf(once) } },
      ),
    );
    return result;
  } catch (error) {
    if (error instanceof Refusal && error.status < 500) {
      await withTenant(once.companyId, () =>
        IdempotencyKey.destroy({ where: { scope: scopeOf(once) } }),
      );
    }
    throw error;
  }
}

const repeated = new AsyncLocalStorage<boolean>();

/** Whether a command with this key was begun before and not answered: it may have been sent then. */
export const isRepeated = (): boolean => repeated.getStore() ?? false;

/** A transaction that takes a key. A twin that looked too early breaks the key's row at the commit. */
async function claiming<T>(
  door: typeof withTenant | typeof withIdentity,
  { companyId }: Once,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await door(companyId, work);
  } catch (error) {
    throw error instanceof Refusal && error.code === inProgressCode ? twinAtWork() : error;
  }
}

/**
 * One statement: the lock that a concurrent twin does not get, and what an earlier one left. What
 * has expired is gone for us, though the nightly job may not have come by.
 */
async function lookUp(once: Once): Promise<{ answer: Replay | undefined } | undefined> {
  const [found] = await select<{
    locked: boolean;
    body_hash: string | null;
    answer: StoredAnswer | null;
    expired: boolean | null;
  }>(
    `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked, k.body_hash, k.answer,
       k.expires_at <= now() AS expired
     FROM (VALUES (1)) AS one
     LEFT JOIN core.idempotency_keys AS k ON k.scope = $1`,
    [scopeOf(once)],
  );
  if (!found?.locked) throw twinAtWork();
  if (found.body_hash === null) return undefined;
  if (found.expired) {
    await IdempotencyKey.destroy({ where: { scope: scopeOf(once) } });
    return undefined;
  }
  if (found.body_hash !== once.bodyHash) {
    throw new Conflict(
      'IDEMPOTENCY_KEY_REUSED',
      'This Idempotency-Key belongs to a request with other content',
    );
  }
  const { answer } = found;
  return { answer: answer ? new Replay(answer.status, answer.data, answer.message) : undefined };
}

const inProgressCode = 'IDEMPOTENCY_IN_PROGRESS';

const twinAtWork = (): Refusal =>
  new Refusal(409, inProgressCode, 'A request with this Idempotency-Key is being carried out', {
    headers: { 'Retry-After': '1' },
  });

interface StoredAnswer {
  readonly status: number;
  readonly data: unknown;
  readonly message: string;
}

const answerOf = (once: Once, result: unknown): StoredAnswer => ({
  status: once.status,
  data: once.present(result),
  message: once.message,
});

const keyRow = (once: Once) => ({
  scope: scopeOf(once),
  bodyHash: once.bodyHash,
  expiresAt: new Date(Date.now() + keptForMs),
});

const scopeOf = ({ companyId, principal, route, key }: Once): string =>
  digest([companyId, principal, route, key]);

/** Two commands of one person are the same only if all of this is. */
const commandIdOf = ({ companyId, principal, route, bodyHash }: Once, key: string): string =>
  digest([companyId, principal, route, bodyHash, key]);

const digest = (parts: readonly (string | undefined)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');
