import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../../src/context.ts';
import { allowedClaimEvents } from '../../src/rules/claims.ts';
import { dateAt } from '../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../support/api.ts';
import { buildActor, buildSubscription } from '../support/build.ts';
import { openRealTemporal, type TestTemporal } from '../support/lifecycle.ts';
import { openTestGateway, type TestGateway } from '../support/payments.ts';

/** How long many at once take depends on the machine, and is not the matter here. */
jest.setTimeout(300_000);

describe('two people who act on one claim at the same moment', () => {
  let gateway: TestGateway;
  let server: TestTemporal;
  let api: TestApi;

  beforeAll(async () => {
    gateway = await openTestGateway();
    server = await openRealTemporal(() => ({ gateway: gateway.gateway }));
    api = await openTestApi({ TEMPORAL_TASK_QUEUE: server.taskQueue });
  });

  afterAll(async () => {
    await server.close();
    await api.close();
    await gateway.close();
  });

  type Wish = readonly [method: 'post' | 'put', step: string, body: object];

  /** The same request again while the answer is "not now". */
  async function send(actor: Actor, id: string, [method, step, body]: Wish) {
    const key = { 'Idempotency-Key': uuid() };
    for (;;) {
      const answer = await api.as(actor)[method](`/claims/${id}/${step}`, body, key);
      if (answer.status !== 503) return answer;
      await setTimeout(100);
    }
  }

  /** A claim in the hands of an adjuster, whose way so far went well. */
  async function reported() {
    const { holder, companyId, id: subscriptionId } = await buildSubscription();
    const { body } = await api.as(holder).get(`/subscriptions/${subscriptionId}`);
    const adjuster = await buildActor({ companyId, role: 'adjuster' });
    const manager = await buildActor({ companyId, role: 'claims_manager' });
    const second = await buildActor({ companyId, role: 'claims_manager' });
    const made = await api.as(holder).post(`/policies/${body.data.policy_id}/claims`, {
      title: 'Burst pipe',
      description: 'Water in the kitchen',
      incident_date: dateAt(Date.now(), 'Europe/Berlin'),
    });
    const id = String(made.body.data.id);
    const go = async (actor: Actor, ...wish: Wish) => {
      const { status } = await send(actor, id, wish);
      expect([wish[1], status]).toEqual([wish[1], 200]);
    };
    await go(manager, 'post', 'assign', { user_id: adjuster.userId });
    return { id, companyId, adjuster, manager, second, go };
  }

  const toReview: Wish = ['put', 'update-status', { new_status: 'under_review' }];
  const submit = (amount: string): Wish => [
    'put',
    'update-status',
    { new_status: 'waiting_approval', data: { amount, rationale: 'The estimate' } },
  ];
  const approve: Wish = ['post', 'approve', { approved_amount: '900.00' }];
  const deny: Wish = ['post', 'deny', { code: 'exclusion', reason: 'Wear and tear' }];

  /** An approval is answered before the money is on its way. */
  const paid = async (actor: Actor, id: string) => {
    const isPaid = async () =>
      (await api.as(actor).get(`/claims/${id}`)).body.data.status === 'paid';
    while (!(await isPaid())) await setTimeout(100);
  };

  const traceOf = async (id: string) => {
    const [row] = await api.database.sql<{ events: string[]; told: string[]; payments: number }>(
      `SELECT
         ARRAY(SELECT event FROM core.transitions WHERE entity_id = $1
           ORDER BY state_version) AS events,
         ARRAY(SELECT template_code FROM core.notifications WHERE entity_id = $1
           AND channel = 'email' AND template_code IN ('claim_approved', 'claim_denied')) AS told,
         (SELECT count(*)::integer FROM shared.payments WHERE claim_id = $1) AS payments`,
      [id],
    );
    if (!row) throw new Error(`Nothing of the claim ${id}`);
    return row;
  };

  it('decide it once, of two hundred tries; the others get 409 and how it stands', async () => {
    const { id, adjuster, manager, second, go } = await reported();
    await go(adjuster, ...toReview);
    await go(adjuster, ...submit('900.00'));

    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        index % 2 === 0 ? send(manager, id, approve) : send(second, id, deny),
      ),
    );

    const won = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    expect(won).toHaveLength(1);
    const isApproved = Number(won[0]) % 2 === 0;
    for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
      expect([status, body.code]).toEqual([409, 'ILLEGAL_TRANSITION']);
      const after = isApproved ? ['approved', 'payment_processing', 'paid'] : ['denied'];
      expect(after).toContain(body.current_status);
      const standing = { status: body.current_status, onHold: false, previousStatus: null };
      expect(body.allowed_transitions).toEqual(allowedClaimEvents(standing));
    }
    if (isApproved) await paid(manager, id);
    const { events, told, payments } = await traceOf(id);
    expect(events.filter((event) => event === 'approve' || event === 'deny')).toEqual([
      isApproved ? 'approve' : 'deny',
    ]);
    expect(told).toEqual([isApproved ? 'claim_approved' : 'claim_denied']);
    expect(payments).toBe(isApproved ? 1 : 0);
  });

  it('take it up and submit it once each', async () => {
    const { id, adjuster, manager } = await reported();

    const taken = await Promise.all([adjuster, manager].map((who) => send(who, id, toReview)));
    const submitted = await Promise.all([
      send(adjuster, id, submit('900.00')),
      send(manager, id, submit('800.00')),
    ]);

    for (const answers of [taken, submitted]) {
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    }
    const late = [...taken, ...submitted].filter(({ status }) => status === 409);
    expect(late.map(({ body }) => [body.code, body.current_status])).toEqual([
      ['ILLEGAL_TRANSITION', 'under_review'],
      ['ILLEGAL_TRANSITION', 'waiting_approval'],
    ]);
    expect((await traceOf(id)).events).toEqual([
      'report',
      'assign',
      'start_review',
      'submit_for_approval',
    ]);
  });

  it('hold and withdraw it in some order, and whichever came first is in its history', async () => {
    const { id, manager, second } = await reported();

    const [held, withdrawn] = await Promise.all([
      send(manager, id, ['post', 'hold', { kind: 'catastrophe', reason: 'A storm' }]),
      send(second, id, ['post', 'withdraw', { reason: 'Settled' }]),
    ]);

    expect(withdrawn.status).toBe(200);
    expect([200, 409]).toContain(held.status);
    const { events } = await traceOf(id);
    expect(events).toEqual([
      'report',
      'assign',
      ...(held.status === 200 ? ['hold'] : []),
      'withdraw',
    ]);
  });
});
