import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { acknowledgementActivities } from '../../src/activities/acknowledgements.ts';
import { markDispatched } from '../../src/commands/dispatch.ts';
import { runInContext } from '../../src/context.ts';
import { execute, flush, select, withTenant } from '../../src/models/database.ts';
import { wakeKeepers } from '../../src/models/keeperStart.ts';
import { OutboxEntry } from '../../src/models/OutboxEntry.ts';
import { addDays, dateAt, hourOfDay, type CalendarDate } from '../../src/rules/calendar.ts';
import { acknowledgementWorkflowId } from '../../src/rules/workflowIds.ts';
import { buildActor, buildCompany } from './build.ts';
import type { Journeys } from './journey.ts';
import type { PolicyJourney } from './policies.ts';
import { buildPolicyRow } from './policyRows.ts';

/** A published policy of a company of its own, and what its keeper does, step by step. */
export async function buildKept() {
  const company = await buildCompany();
  const { id: companyId } = company;
  const author = await buildActor({ companyId, role: 'compliance_manager' });
  const { policyId } = await buildPolicyRow({
    companyId,
    authors: [author.userId],
    status: 'published',
  });
  const zone = 'Europe/Berlin';
  const today = dateAt(Date.now(), zone);
  const activities = acknowledgementActivities();
  const order = (at = Date.now()) => ({ companyId, policyId, at });
  const run = <T>(work: () => Promise<T>) => new MockActivityEnvironment().run(work);
  const tenant = <T>(work: () => Promise<T>) => withTenant(companyId, work);
  return {
    company,
    companyId,
    author,
    policyId,
    today,
    /** Eight in the morning, so many days from today. */
    morning: (days: number): number => hourOfDay(addDays(today, days), 8, zone),
    settle: (at?: number) => run(() => activities.settleAudience(order(at))),
    redate: (at?: number) => run(() => activities.redate(order(at))),
    wave: (at?: number) => run(() => activities.carryOutWave(order(at))),
    state: (at?: number) => activities.readKeeper(order(at)),
    tenant,
    change: (sql: string, ...bind: unknown[]) => tenant(() => execute(sql, bind)),
  };
}

/** Makes people who work for the company itself, in one statement; the first has no manager. */
export async function hire(
  companyId: string,
  count: number,
  {
    joinDate = '2020-01-01',
    department = null,
    userId = null,
    managerId = null,
  }: {
    readonly joinDate?: CalendarDate;
    readonly department?: string | null;
    /** Of the first. */
    readonly userId?: string | null;
    readonly managerId?: string | null;
  } = {},
): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, () => uuid());
  await withTenant(companyId, async () => {
    const [own] = await select<{ id: string }>('SELECT id FROM customers WHERE is_self');
    const customerId = own?.id ?? uuid();
    if (!own) {
      await execute(
        `INSERT INTO customers (company_id, id, name, is_self)
         VALUES ((SELECT app.company_id()), $1, 'Own staff', true)`,
        [customerId],
      );
    }
    await execute(
      `INSERT INTO employees (company_id, id, customer_id, user_id, name, email, department,
         manager_id, join_date)
       SELECT (SELECT app.company_id()), id, $2, CASE WHEN place = 1 THEN $3::uuid END,
         'Employee ' || place, id || '@staff.example', $4, $5, $6
       FROM unnest($1::uuid[]) WITH ORDINALITY AS e (id, place)`,
      [ids, customerId, userId, department, managerId, joinDate],
    );
  });
  return ids;
}

/** Tells the keeper of a policy what is owed to it, as the relay does, and waits until it rests. */
export async function wakeKeeper(
  journeys: Journeys,
  { company, id }: Pick<PolicyJourney, 'company' | 'id'>,
): Promise<void> {
  const owed = await withTenant(company.id, async () => {
    await wakeKeepers([id]);
    await flush();
    return OutboxEntry.findAll({ where: { entityId: id, dispatchedAt: null } });
  });
  for (const entry of owed) await runInContext(entry.context, () => journeys.start(entry));
  await markDispatched(owed);
  const workflowId = acknowledgementWorkflowId(company.id, id);
  journeys.track(workflowId);
  await journeys.settled(workflowId);
}
