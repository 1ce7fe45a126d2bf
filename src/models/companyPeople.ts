import type pg from 'pg';
import { isStillReferredTo } from './companyOwner.ts';
import { users } from './companyTables.ts';

export const memberships = 'platform.memberships';

const peopleABatch = 200;

/** The address of somebody who went with their company, and to whom something still refers. */
export const removedAddress = (user: string): string => `${user}.id || '@removed.invalid'`;

/**
 * Takes some memberships out of a closed company, with the people that no other company knows. Needs a
 * transaction.
 * @returns how many rows went, by table; undefined when nobody is left
 */
export async function removePeople(
  client: pg.Client,
  companyId: string,
): Promise<Record<string, number> | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT DISTINCT user_id AS id FROM ${memberships} WHERE company_id = $1
     ORDER BY user_id LIMIT ${peopleABatch}`,
    [companyId],
  );
  if (rows.length === 0) return undefined;
  const ids = rows.map(({ id }) => id);
  await client.query(
    `UPDATE ${memberships} SET delegate_user_id = NULL, delegate_until = NULL
     WHERE company_id = $1 AND delegate_user_id = ANY ($2)`,
    [companyId, ids],
  );
  const gone = await client.query(
    `DELETE FROM ${memberships} WHERE company_id = $1 AND user_id = ANY ($2)`,
    [companyId, ids],
  );
  // Row security leaves out whoever another company knows.
  for (const links of ['platform.password_reset_tokens', 'platform.email_changes']) {
    await client.query(`DELETE FROM ${links} WHERE user_id = ANY ($1)`, [ids]);
  }
  const removed = await removeUsers(client, ids);
  return {
    [memberships]: gone.rowCount ?? 0,
    [users]: removed.deleted,
    'people without a name': removed.unnamed,
  };
}

/** Only trying tells whether something refers to somebody: rows of other companies are not to be seen. */
async function removeUsers(
  client: pg.Client,
  ids: readonly string[],
): Promise<{ deleted: number; unnamed: number }> {
  await client.query('SAVEPOINT people');
  try {
    const { rowCount } = await client.query(`DELETE FROM ${users} WHERE id = ANY ($1)`, [ids]);
    await client.query('RELEASE people');
    return { deleted: rowCount ?? 0, unnamed: 0 };
  } catch (error) {
    if (!isStillReferredTo(error)) throw error;
    await client.query('ROLLBACK TO people');
  }
  if (ids.length === 1) return { deleted: 0, unnamed: await unname(client, ids) };
  const middle = Math.ceil(ids.length / 2);
  const first = await removeUsers(client, ids.slice(0, middle));
  const second = await removeUsers(client, ids.slice(middle));
  return { deleted: first.deleted + second.deleted, unnamed: first.unnamed + second.unnamed };
}

/** All that is left is the id, to which something refers; nobody can sign in with it. */
async function unname(client: pg.Client, ids: readonly string[]): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE ${users} AS u SET email = ${removedAddress('u')}, phone_number = NULL,
       username = 'removed-' || right(replace(id::text, '-', ''), 22),
       first_name = '', last_name = '', password_hash = NULL, is_active = false, archived_at = now(),
       mfa_enabled = false, mfa_secret = NULL, mfa_recovery_hashes = '{}', updated_at = now()
     WHERE id = ANY ($1)`,
    [ids],
  );
  return rowCount ?? 0;
}
