import { currentContext, runInContext } from '../context.ts';
import { Credential } from '../models/Credential.ts';
import { platformCompanyId, select, withIdentity, withTenant } from '../models/database.ts';
import { Employee } from '../models/Employee.ts';
import { editRow, getRow } from '../models/rows.ts';

interface Coming {
  readonly userId: string;
  readonly companyId: string;
}

/**
 * Whoever has shown that an address is theirs answers for the employee of that address, who was imported or
 * added without an account. Looked for whenever they come in, so that it does not matter which was first;
 * somebody who has an employee already keeps that one. Nobody is kept out where it fails: what let them in is
 * used up by then, and it is tried when they come again.
 */
export const linkingEmployees =
  (onFailure: (error: unknown) => void) =>
  (coming: Coming): Promise<void> =>
    link(coming).catch(onFailure);

export type LinkEmployee = ReturnType<typeof linkingEmployees>;

async function link({ userId, companyId }: Coming): Promise<void> {
  if (companyId === platformCompanyId) return;
  const [waiting] = await withTenant(companyId, () => employeesFor(userId));
  if (!waiting) return;
  if (!(await withIdentity(companyId, () => Credential.isConfirmed(userId)))) return;
  await runInContext({ ...currentContext(), actorId: userId, actorType: 'user' }, () =>
    withTenant(companyId, async () => {
      const [held] = await employeesFor(userId, 'FOR NO KEY UPDATE OF e');
      if (!held) return;
      await editRow(Employee, await getRow(Employee, held.id), { userId }, undefined);
    }),
  );
}

const employeesFor = (userId: string, lock = ''): Promise<{ id: string }[]> =>
  select(
    `SELECT e.id FROM platform.users u JOIN employees e ON e.email = u.email
     WHERE u.id = $1 AND e.user_id IS NULL AND e.archived_at IS NULL AND NOT EXISTS (
       SELECT FROM employees o WHERE o.user_id = u.id AND o.archived_at IS NULL) ${lock}`,
    [userId],
  );
