import { setTimeout as pause } from 'node:timers/promises';
import { acknowledgementWorkflowId } from '../../src/rules/workflowIds.ts';
import { expectMailsOnce } from './ledger.ts';
import {
  dataOf,
  newKey,
  openProduct,
  seededRandom,
  seenBy,
  textIn,
  until,
  type Product,
} from './product.ts';

/** `PEOPLE=10000` makes the long run of the same test. */
const people = Number(process.env['PEOPLE'] ?? 1000);
const department = 'Bad days';
/** Beside those at the failpoints, while mail goes out. */
const randomKills = 3;

/** Where the worker dies while everybody is asked: around the walk, between two batches, with mail. */
const deathsWhileAsking = [
  'activity.before:settleAudience#1',
  'transaction.beforeCommit:tenant#3',
  'transaction.afterCommit:tenant#3',
  'activity.after:settleAudience#1',
  'mail.afterSend#100',
  'mail.beforeMark#100',
] as const;

/** The same of a wave of reminders. */
const deathsInWave = [
  'activity.before:carryOutWave#1',
  'transaction.beforeCommit:tenant#3',
  'transaction.afterCommit:tenant#3',
  'activity.after:carryOutWave#1',
  'mail.afterSend#100',
] as const;

describe(`the worker that dies while ${people} people are told`, () => {
  const random = seededRandom();
  let product: Product;
  let companyId: string;
  let policyId: string;
  let deaths = 0;

  beforeAll(async () => {
    product = await openProduct({ SMTP_MESSAGES_PER_SECOND: '200' });
    const [own] = await product.sql<{ companyId: string }>(
      `SELECT company_id AS "companyId" FROM shared.insurance_plans WHERE id = $1`,
      [product.planId],
    );
    companyId = own?.companyId ?? '';
    await product.sql(
      `INSERT INTO shared.employees (company_id, id, customer_id, name, email, department, join_date)
       SELECT c.company_id, gen_random_uuid(), c.id, 'Employee ' || n, 'e' || n || '@staff.example', $2,
         '2020-01-01'
       FROM shared.customers c, generate_series(1, $3::integer) n
       WHERE c.company_id = $1 AND c.id = (SELECT min(id::text)::uuid FROM shared.customers
         WHERE company_id = $1)`,
      [companyId, department, people],
    );
    policyId = await approvedPolicy();
  }, 600_000);
  afterAll(() => product.close(), 120_000);

  async function approvedPolicy(): Promise<string> {
    const author = product.as('compliance_manager');
    const post = async (by: typeof author, path: string, body: object): Promise<string> => {
      const answer = await by.insist({ method: 'POST', path, body, key: newKey() });
      expect([200, 201]).toContain(answer.status);
      return textIn(dataOf(answer), 'id');
    };
    const id = await post(author, '/compliance-policies', {
      title: 'On bad days',
      content: 'Keep calm',
      audience_department: department,
    });
    await post(author, `/compliance-policies/${id}/submit`, { approvers: [] });
    await post(product.as('tenant_admin'), `/compliance-policies/${id}/approve`, {});
    return id;
  }

  /** Dies at each of these in turn, then at random until the mail of all is out. */
  async function dieThrough(
    failpoints: readonly [string, ...(readonly string[])],
    begin: () => Promise<unknown>,
    isDone: () => Promise<boolean>,
  ): Promise<void> {
    const [first, ...others] = failpoints;
    await product.arm('worker', first);
    const begun = begin();
    for (const failpoint of others) {
      await product.died('worker');
      deaths += 1;
      await product.arm('worker', failpoint);
    }
    await product.died('worker');
    deaths += 1;
    await product.restart('worker');
    await begun;
    for (let kills = 0; kills < randomKills && !(await isDone()); kills += 1) {
      await pause(1000 + random.next() * 3000);
      await product.restart('worker');
      deaths += 1;
    }
    await until('everybody is told', isDone, 300_000 + 100 * people);
  }

  const told = async (template: string) => {
    const [counts] = await product.sql<{ rows: number; keys: number; about: number; sent: number }>(
      `SELECT count(*)::integer AS rows, count(DISTINCT dedupe_key)::integer AS keys,
         count(DISTINCT entity_id)::integer AS about,
         count(*) FILTER (WHERE status = 'sent')::integer AS sent
       FROM core.notifications
       WHERE company_id = $1 AND template_code = $2 AND channel = 'email'
         AND workflow_id = $3`,
      [companyId, template, acknowledgementWorkflowId(companyId, policyId)],
    );
    return counts;
  };
  const once = { rows: people, keys: people, about: people, sent: people };
  const isTold = (template: string) => async (): Promise<boolean> =>
    (await told(template))?.sent === people;

  /** The rows, what was written down of each, and the counts that are kept of them. */
  const standing = async () => {
    const [found] = await product.sql(
      `SELECT count(*)::integer AS rows, count(DISTINCT a.employee_id)::integer AS employees,
         count(*) FILTER (WHERE a.is_current AND a.status = 'pending' AND a.cycle = 1)::integer AS open,
         count(DISTINCT a.next_action_at)::integer AS dates,
         (SELECT count(*)::integer FROM core.audit_logs l
          WHERE l.company_id = $1 AND l.entity_type = 'acknowledgement' AND l.action = 'CREATE'
            AND l.after ->> 'policyId' = $2::text) AS created,
         (SELECT count(*)::integer FROM shared.acknowledgement_history h
            JOIN shared.acknowledgements o ON o.id = h.acknowledgement_id
          WHERE h.company_id = $1 AND o.policy_id = $2::uuid) AS changes,
         (SELECT sum(c.pending)::integer FROM shared.compliance_counts c
          WHERE c.policy_id = $2::uuid) AS counted
       FROM shared.acknowledgements a WHERE a.policy_id = $2::uuid`,
      [companyId, policyId],
    );
    return found;
  };
  const asked = {
    rows: people,
    employees: people,
    open: people,
    dates: 1,
    created: people,
    changes: 0,
    counted: people,
  };

  it(
    'asks each of them once, with one mail',
    async () => {
      await dieThrough(
        deathsWhileAsking,
        () =>
          product.as('compliance_manager').insist({
            method: 'POST',
            path: `/compliance-policies/${policyId}/publish`,
            body: {},
            key: newKey(),
          }),
        isTold('acknowledgement_assigned'),
      );

      expect(await standing()).toEqual(asked);
      expect(await told('acknowledgement_assigned')).toEqual(once);
      expect(product.broken).toEqual([]);
    },
    1_200_000 + 200 * people,
  );

  it(
    'reminds each of them once, with one mail',
    async () => {
      await product.sql(
        `UPDATE shared.acknowledgements SET next_action = 'remind', next_action_at = now(),
           due_date = (now() AT TIME ZONE (SELECT time_zone FROM platform.companies WHERE id = $1))::date
             + 7
         WHERE policy_id = $2`,
        [companyId, policyId],
      );
      await dieThrough(
        deathsInWave,
        () =>
          product.as('operator').insist({
            method: 'POST',
            path: `/workflows/acknowledgement/${policyId}/signal`,
            body: { reason: 'Reminders are due' },
            key: newKey(),
          }),
        isTold('acknowledgement_reminder'),
      );

      expect(await standing()).toEqual(asked);
      expect(await told('acknowledgement_reminder')).toEqual(once);
      expect(await told('acknowledgement_assigned')).toEqual(once);
      const workflowId = acknowledgementWorkflowId(companyId, policyId);
      await until(
        'the keeper rests',
        async () => !(await seenBy<{ hasMail: boolean }>(product, workflowId)).hasMail,
        60_000,
      );
      expect(await seenBy(product, workflowId)).toMatchObject({
        run: 'RUNNING',
        status: 'watching',
        pending: people,
      });
      const repeated = await expectMailsOnce(product);
      expect(product.broken).toEqual([]);
      process.stderr.write(
        `SEED=${random.seed}: ${people} people, ${deaths} deaths of the worker, ${repeated} mails delivered twice\n`,
      );
    },
    1_200_000 + 200 * people,
  );

  it('takes an answer while Temporal is away, and confirms it once it is back', async () => {
    const [own] = await product.sql<{ id: string }>(
      `WITH who AS (
         UPDATE shared.employees e SET user_id = u.id FROM platform.users u
         WHERE u.email = $1 AND e.id = (SELECT min(a.employee_id::text)::uuid
           FROM shared.acknowledgements a WHERE a.policy_id = $2) RETURNING e.id)
       SELECT a.id FROM shared.acknowledgements a JOIN who ON who.id = a.employee_id
       WHERE a.policy_id = $2`,
      [product.accountOf('policyholder').email, policyId],
    );
    await product.stack.kill('temporal');

    const answer = await product.as('policyholder').send({
      method: 'POST',
      path: `/acknowledgements/${own?.id}/acknowledge`,
      body: { policy_version: 1, typed_name: 'Grace Hopper' },
      key: newKey(),
    });
    await product.stack.start('temporal');
    const isConfirmed = async () => (await told('acknowledgement_confirmed'))?.sent === 1;
    await until('the answer is confirmed', isConfirmed, 180_000);

    expect(answer).toMatchObject({ status: 200, body: { data: { status: 'acknowledged' } } });
    expect(await told('acknowledgement_confirmed')).toEqual({
      rows: 1,
      keys: 1,
      about: 1,
      sent: 1,
    });
    expect(await standing()).toMatchObject({ rows: people, open: people - 1, counted: people - 1 });
    await expectMailsOnce(product);
    expect(product.broken).toEqual([]);
  }, 480_000);
});
