import { v7 as uuid } from 'uuid';
import { settleBatch } from '../../../src/models/acknowledging.ts';
import { noteClocks, watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import type { Actor } from '../../../src/context.ts';
import { select, withTenant } from '../../../src/models/database.ts';
import { addDays, dateAt, hourOfDay } from '../../../src/rules/calendar.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';

const zone = 'Europe/Berlin';
const reason = 'Asked for by phone';

describe('the keepers of acknowledgements among the runs', () => {
  let api: TestApi;
  let companyId: string;
  let person: Actor & { readonly userId: string };
  let operator: Caller;
  let policyId: string;
  /** The path of its run. */
  let path: string;

  beforeAll(async () => {
    api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
  });
  afterAll(() => api.close());
  beforeEach(async () => {
    ({ id: companyId } = await buildCompany());
    person = await buildActor({ companyId, role: 'employee' });
    operator = api.as(await buildActor({ companyId, role: 'operator' }));
    ({ policyId } = await buildPolicyRow({ companyId, authors: [], status: 'published' }));
    path = `/workflows/acknowledgement/${policyId}`;
  });

  /** As the keeper does when it begins. */
  const settle = (): Promise<void> =>
    withTenant(companyId, async () => {
      const watched = await watchedPolicy(policyId, new Date());
      await noteClocks(watched);
      let after: string | undefined = '00000000-0000-0000-0000-000000000000';
      while (after) after = await settleBatch(watched, after);
    });
  const askPeople = async (count: number): Promise<void> => {
    await hire(companyId, count, { userId: person.userId });
    await settle();
  };
  const change = (sql: string): Promise<unknown> =>
    api.database.sql(`UPDATE shared.${sql} AND company_id = $1`, [companyId]);
  const mailSent = (): Promise<unknown> =>
    api.database.sql(`UPDATE core.notifications SET status = 'sent' WHERE company_id = $1`, [
      companyId,
    ]);
  const unpublish = async (): Promise<void> => {
    await change(`compliance_policies SET policy_version = 0, reack_version = 0 WHERE true`);
    await change(
      `compliance_policy_versions SET status = 'approved', published_at = NULL WHERE true`,
    );
  };
  const today = () => dateAt(Date.now(), zone);
  const morning = (days: number): string =>
    new Date(hourOfDay(addDays(today(), days), 8, zone)).toISOString();
  const listed = async (query: object): Promise<string[]> => {
    const { body } = await operator.get('/workflows', { type: 'acknowledgement', ...query });
    return body.items.map(({ id }: { id: string }) => id);
  };

  describe('GET /workflows', () => {
    it('shows the policy by its title, whether somebody is asked, and the next date', async () => {
      await buildPolicyRow({ companyId, authors: [], title: 'Only a draft' });
      const before = await operator.get('/workflows', { type: 'acknowledgement' });
      await askPeople(3);

      const after = await operator.get('/workflows', { type: 'acknowledgement' });

      expect(before.body.items).toEqual([
        {
          type: 'acknowledgement',
          id: policyId,
          company_id: companyId,
          reference: 'Acceptable use',
          status: 'idle',
          state_version: 1,
          workflow: { id: `acknowledgement/${companyId}/${policyId}`, state: 'running' },
          overdue: false,
          next_timer: null,
          created_at: expect.any(String),
          closed_at: null,
        },
      ]);
      expect(after.body.items).toMatchObject([
        { id: policyId, status: 'watching', next_timer: { name: 'remind', due_at: morning(23) } },
      ]);
    });

    it('finds them by title, status and whether somebody is late', async () => {
      await askPeople(2);

      expect(await listed({ search: 'ceptable' })).toEqual([policyId]);
      expect(await listed({ search: 'unheard of' })).toEqual([]);
      expect(await listed({ status: 'watching' })).toEqual([policyId]);
      expect(await listed({ status: 'idle' })).toEqual([]);
      expect(await listed({ overdue: true })).toEqual([]);
      await change(`acknowledgements SET due_date = current_date - 2 WHERE true`);
      expect(await listed({ overdue: true })).toEqual([policyId]);
    });

    it('is closed once nothing is published, nobody stands with it, and its mail is gone', async () => {
      await askPeople(1);
      await unpublish();
      expect(await listed({ open: true })).toEqual([policyId]);

      await settle();
      const whileMail = await listed({ open: true });
      await mailSent();

      expect(whileMail).toEqual([policyId]);
      expect(await listed({ open: true })).toEqual([]);
      const { body } = await operator.get(path);
      expect(body.data).toMatchObject({
        status: 'closed',
        state_version: 0,
        workflow: { state: 'closed' },
        closed_at: expect.any(String),
        next_timer: null,
        failing_step: null,
      });
    });
  });

  describe('GET /workflows/acknowledgement/{id}/timeline', () => {
    it('tells of many people by day and in numbers, without names', async () => {
      await askPeople(4);
      await api.as(person).post(`/acknowledgements/${await ownRow()}/acknowledge`, {
        policy_version: 1,
        typed_name: 'Grace Hopper',
      });

      const { body } = await operator.get(`${path}/timeline`);

      expect(body.data).toMatchObject({
        status: 'watching',
        past: [
          { kind: 'event', name: 'publish', title: 'Version 1.0 published', actor_type: 'user' },
          { name: 'ask', title: 'Asked: 4 people', actor_type: 'workflow' },
          { name: 'acknowledge', title: 'Acknowledged: 1 person' },
        ],
        future: [
          {
            name: 'remind',
            title: 'Reminder: 3 people',
            due_at: morning(23),
            original_due_at: morning(23),
            remaining_seconds: expect.any(Number),
            source: 'setting',
          },
          { name: 'open_next_cycle', title: 'Asked again: 1 person', due_at: morning(335) },
        ],
      });
      expect(JSON.stringify(body)).not.toMatch(/Grace|Employee|staff\.example/);
    });

    it('shows a thousand dates at the most', async () => {
      await askPeople(1100);
      await change(
        `acknowledgements a SET next_action_at = next_action_at
           + (SELECT count(*) FROM shared.acknowledgements b WHERE b.id < a.id) * interval '1 day'
         WHERE true`,
      );

      const { body } = await operator.get(`${path}/timeline`);

      expect(body.data.future).toHaveLength(1000);
    });
  });

  describe('GET /workflows/acknowledgement/{id}/explain', () => {
    it('says how many it waits for, how many of them are late, and what comes next', async () => {
      await askPeople(3);
      await change(
        `acknowledgements SET due_date = current_date - 3
         WHERE id = (SELECT min(id::text)::uuid FROM shared.acknowledgements WHERE company_id = $1)`,
      );

      const { body } = await operator.get(`${path}/explain`);

      expect(body.data).toMatchObject({
        status: 'watching',
        summary:
          'The keeper of the acknowledgements is watching and waits for answers of 3 people, 1 overdue',
        waits_for: 'person',
        moves: [
          { event: 'acknowledge', who: 'whoever is asked' },
          { event: 'decline' },
          { event: 'request_exemption' },
          { event: 'move_due_date', who: 'HR, compliance manager, tenant admin' },
        ],
        next: { name: 'remind', title: 'Reminder: 3 people', due_at: morning(23) },
        consequence: 'They are reminded of the day until which they have to answer',
        failing_step: null,
      });
    });

    it('waits for time once all have answered, and for nothing once it is closed', async () => {
      await askPeople(1);
      await api.as(person).post(`/acknowledgements/${await ownRow()}/acknowledge`, {
        policy_version: 1,
        typed_name: 'Grace Hopper',
      });

      const answered = await operator.get(`${path}/explain`);
      await unpublish();
      await settle();
      await mailSent();
      const closed = await operator.get(`${path}/explain`);

      expect(answered.body.data).toMatchObject({
        status: 'idle',
        summary: 'The keeper of the acknowledgements is idle and waits for its next date',
        waits_for: 'time',
        moves: [],
        next: { name: 'open_next_cycle' },
      });
      expect(closed.body.data).toMatchObject({
        status: 'closed',
        waits_for: 'nothing',
        next: null,
        consequence: null,
      });
    });
  });

  describe('what operators do to it', () => {
    const promised = () =>
      api.database.sql(
        `SELECT workflow_type, workflow_id FROM core.outbox
         WHERE company_id = $1 AND workflow_type = 'acknowledgement'`,
        [companyId],
      );

    it('is reset from its rows once the id is given again', async () => {
      const refused = await operator.post(`${path}/reset`, { reason, confirm: companyId });
      const before = await promised();

      const answer = await operator.post(`${path}/reset`, { reason, confirm: policyId });

      expect(refused).toMatchObject({ status: 422 });
      expect(before).toEqual([]);
      expect(answer).toMatchObject({ status: 202, body: { data: { operation: 'reset' } } });
      expect(await promised()).toEqual([
        {
          workflow_type: 'acknowledgement',
          workflow_id: `acknowledgement/${companyId}/${policyId}`,
        },
      ]);
    });

    it('neither ends nor stands still: the policy is in force', async () => {
      const confirm = policyId;

      for (const action of ['terminate', 'cancel', 'pause', 'resume', 'skip-timer']) {
        expect(await operator.post(`${path}/${action}`, { reason, confirm })).toMatchObject({
          status: 404,
        });
      }
      expect(await operator.patch(`${path}/timers/remind`, { reason })).toMatchObject({
        status: 404,
      });
    });

    it('is refused once it is closed', async () => {
      await settle();
      await unpublish();

      expect(await operator.post(`${path}/reset`, { reason, confirm: policyId })).toMatchObject({
        status: 409,
        body: { code: 'WORKFLOW_CLOSED' },
      });
      expect(await promised()).toEqual([]);
    });
  });

  it('is not there for another company, for other ids, and for whoever sees no runs', async () => {
    const other = (await buildCompany()).id;
    const stranger = api.as(await buildActor({ companyId: other, role: 'operator' }));
    const reads = ['', '/timeline', '/explain', '/replay'];

    for (const read of reads) {
      expect((await stranger.get(`${path}${read}`)).status).toBe(404);
      expect((await operator.get(`/workflows/acknowledgement/${uuid()}${read}`)).status).toBe(404);
      expect((await operator.get(`/workflows/acknowledgement/x${read}`)).status).toBe(422);
      expect((await api.as(person).get(`${path}${read}`)).status).toBe(403);
    }
    expect((await stranger.post(`${path}/signal`, { reason })).status).toBe(404);
    expect((await stranger.post(`${path}/reset`, { reason, confirm: policyId })).status).toBe(404);
  });

  const ownRow = async (): Promise<string> => {
    const [row] = await withTenant(companyId, () =>
      select<{ id: string }>(
        `SELECT a.id FROM acknowledgements a JOIN employees e ON e.id = a.employee_id
         WHERE e.user_id = $1`,
        [person.userId],
      ),
    );
    return row?.id ?? '';
  };
});
