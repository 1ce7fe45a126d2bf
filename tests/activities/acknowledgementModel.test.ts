import { MockActivityEnvironment } from '@temporalio/testing';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import { acknowledgementActivities } from '../../src/activities/acknowledgements.ts';
import { createAcknowledgements } from '../../src/commands/acknowledgements.ts';
import { contentHash } from '../../src/models/CompliancePolicyVersion.ts';
import { execute, withTenant } from '../../src/models/database.ts';
import { addDays, dateAt, daysBetween, hourOfDay } from '../../src/rules/calendar.ts';
import {
  AcknowledgementModel,
  acts,
  exemptionDays,
  type Act,
} from '../support/acknowledgementModel.ts';
import { hire } from '../support/acknowledgements.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { seed } from '../rules/property.ts';
import { outcomeOf, walkBoth } from '../support/model.ts';
import { buildPolicyRow } from '../support/policyRows.ts';

const zone = 'Europe/Berlin';
/** Everything but the date goes on as it is. */
const real = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

const answer = { typedName: 'Ada', answers: [], openedAt: null, scrolledAt: null };

/** The rules, commands and activities as they are, on real rows; the keeper's loop is played by hand. */
describe('a document that people have to read', () => {
  let database: TestDatabase;
  const keeper = acknowledgementActivities();
  const commands = createAcknowledgements({
    drawPdf: () => Promise.reject(new Error('No page is drawn here')),
  });
  const first = dateAt(Date.now(), zone);
  /** Eight in the morning, or noon, of a day. */
  const clock = (day: number, hour: 8 | 12): number => hourOfDay(addDays(first, day), hour, zone);

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  beforeEach(() => jest.useFakeTimers({ doNotFake: [...real] }));
  afterEach(() => jest.useRealTimers());
  afterAll(() => database.close());

  async function openTwin() {
    jest.setSystemTime(clock(0, 12));
    const { id: companyId } = await buildCompany({ timeZone: zone });
    const author = await buildActor({ companyId, role: 'compliance_manager' });
    const hr = await buildActor({ companyId, role: 'hr' });
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    await buildActor({ companyId, role: 'executive' });
    const { policyId } = await buildPolicyRow({
      companyId,
      authors: [author.userId],
      status: 'published',
    });
    const readers = [
      await buildActor({ companyId, role: 'employee' }),
      await buildActor({ companyId, role: 'employee' }),
    ] as const;
    const ids: string[] = [];
    for (const [place, { userId }] of readers.entries()) {
      const joinDate = addDays(first, place === 0 ? -2000 : -5);
      ids.push(...(await hire(companyId, 1, { userId, joinDate })));
    }
    const change = (sql: string, ...bind: unknown[]) =>
      withTenant(companyId, () => execute(sql, bind));

    const look = async (): Promise<void> => {
      const order = { companyId, policyId, at: Date.now() };
      await new MockActivityEnvironment().run(async () => {
        await keeper.settleAudience(order);
        await keeper.carryOutWave(order);
      });
    };
    await look();
    let day = 0;
    let made = 1;

    const publish = (number: number): Promise<void> =>
      withTenant(companyId, async () => {
        const those = [policyId, number];
        await execute(
          `UPDATE compliance_policy_versions SET status = 'superseded', ended_at = now()
           WHERE policy_id = $1 AND status = 'published' AND number <> $2`,
          those,
        );
        await execute(
          `UPDATE compliance_policy_versions
           SET status = 'published', published_at = coalesce(published_at, now()), ended_at = NULL
           WHERE policy_id = $1 AND number = $2`,
          those,
        );
        await execute(
          `UPDATE compliance_policies SET policy_version = $2, reack_version = (
             SELECT max(number) FROM compliance_policy_versions
             WHERE policy_id = $1 AND requires_reack AND published_at IS NOT NULL AND number <= $2)
           WHERE id = $1`,
          those,
        );
      });

    async function carryOut(act: Act, model: AcknowledgementModel): Promise<void> {
      switch (act.event) {
        case 'pass':
          day += act.days;
          while (!act.isOff && (await wakesBefore(clock(day, 8)))) await look();
          jest.setSystemTime(clock(day, 12));
          return;
        case 'publish':
          made += 1;
          await change(
            `INSERT INTO compliance_policy_versions (company_id, id, policy_id, number, major, minor,
               content, content_sha256, requires_reack, authors)
             VALUES ((SELECT app.company_id()), $1, $2, $3, $3, 0, 'For work', $4, $5 OR NOT EXISTS (
               SELECT FROM compliance_policy_versions
               WHERE policy_id = $2 AND status = 'published'), '[]')`,
            uuid(),
            policyId,
            made,
            contentHash('For work'),
            act.requiresReack,
          );
          await publish(made);
          return;
        case 'take_back': {
          await change(
            `UPDATE compliance_policy_versions
             SET status = 'approved', published_at = NULL, archived_at = now()
             WHERE policy_id = $1 AND status = 'published'`,
            policyId,
          );
          // The model has taken it back already.
          if (model.published !== undefined) await publish(model.published);
          return;
        }
        default:
          await carryOutOf(act);
      }
    }

    /** Goes on to the morning on which something is due, if one comes until then. */
    async function wakesBefore(end: number): Promise<boolean> {
      const { nextAt } = await keeper.readKeeper({ companyId, policyId, at: Date.now() });
      if (nextAt === null || nextAt > end) return false;
      jest.setSystemTime(nextAt);
      return true;
    }

    async function carryOutOf(act: Extract<Act, { readonly person: number }>): Promise<void> {
      const reader = readers[act.person === 0 ? 0 : 1];
      const employeeId = ids[act.person] ?? '';
      const today = addDays(first, day);
      if (act.event === 'leave' || act.event === 'return') {
        await change(
          act.event === 'leave'
            ? `UPDATE employees SET status = 'inactive', leave_date = $2 WHERE id = $1`
            : `UPDATE employees SET status = 'active', leave_date = NULL, return_date = $2 WHERE id = $1`,
          employeeId,
          today,
        );
        return;
      }
      if (act.event === 'ask_again') {
        await as(author, () =>
          commands.request({ policyId, employeeIds: [employeeId] }, once(author)),
        );
        return;
      }
      const [row] = await database.sql<{ id: string; version: number }>(
        `SELECT id, policy_version AS version FROM shared.acknowledgements
         WHERE employee_id = $1 AND is_current`,
        [employeeId],
      );
      const { id, version } = row ?? { id: '', version: 0 };
      switch (act.event) {
        case 'acknowledge':
          await as(reader, () =>
            commands.acknowledge(reader, id, { ...answer, policyVersion: version }),
          );
          return;
        case 'decline':
          await as(reader, () => commands.decline(reader, id, 'Not for me'));
          return;
        case 'ask_exemption': {
          const validUntil = addDays(today, exemptionDays);
          await as(reader, () =>
            commands.requestExemption(reader, id, { reason: 'On leave', validUntil }),
          );
          return;
        }
        case 'decide': {
          const { granted } = act;
          await as(admin, () => commands.decideExemption(admin, id, { granted, reason: 'Seen' }));
          return;
        }
        case 'remind':
          await as(hr, () => commands.remind(hr, id));
          return;
        case 'move': {
          const move = { dueDate: addDays(today, act.days), reason: 'Asked for', dryRun: false };
          await as(hr, () => commands.move(hr, id, move, undefined));
        }
      }
    }

    return {
      carryOut: (act: Act, model: AcknowledgementModel): Promise<string> =>
        outcomeOf(async () => {
          await carryOut(act, model);
        }),
      look,

      async shown() {
        const rows = await database.sql<{ employee: string; due: string; next: string | null }>(
          `SELECT a.employee_id AS employee, a.policy_version AS version, a.cycle,
             a.acknowledgement_type AS type, a.status, a.due_date::text AS due,
             a.is_current AS current, a.escalation_status AS escalation,
             EXISTS (SELECT 1 FROM shared.exemptions x WHERE x.acknowledgement_id = a.id
               AND x.status = 'open') AS "asksExemption",
             (a.next_action_at AT TIME ZONE $2)::date::text AS next
           FROM shared.acknowledgements a WHERE a.policy_id = $1
           ORDER BY array_position($3::uuid[], a.employee_id), a.policy_version, a.cycle`,
          [policyId, zone, ids],
        );
        const told = await database.sql<{ template: string; count: number }>(
          `SELECT template_code AS template, count(*)::integer AS count FROM core.notifications
           WHERE company_id = $1 AND channel = 'email' GROUP BY 1 ORDER BY 1`,
          [companyId],
        );
        return {
          rows: rows.map(({ employee, due, next, ...row }) => ({
            person: ids.indexOf(employee),
            ...row,
            due: daysBetween(first, due),
            next: next === null ? null : daysBetween(first, next),
          })),
          told: Object.fromEntries(told.map(({ template, count }) => [template, count])),
        };
      },
    };
  }

  it('stands after any acts of anybody where the table says, and everybody is told what they should', async () => {
    await fc.assert(
      fc.asyncProperty(acts, async (chosen) => {
        const model = new AcknowledgementModel();
        const twin = await openTwin();
        await walkBoth(chosen, async (act) => {
          const expected = model.carryOut(act);
          if (expected === undefined) return [undefined, undefined];
          const outcome = await twin.carryOut(act, model);
          await twin.look();
          const shown = await twin.shown();
          return [
            { outcome: expected, shown: model.shown },
            { outcome, shown },
          ];
        });
      }),
      { seed, numRuns: 100, endOnFailure: true },
    );
  }, 300_000);
});
