import { createEndorsements } from '../../src/commands/endorsements.ts';
import { createPremiumInvoices } from '../../src/commands/premiumInvoices.ts';
import type { Actor } from '../../src/context.ts';
import { coverOn } from '../../src/models/claimCover.ts';
import { withTenant } from '../../src/models/database.ts';
import { addDays, daysBetween } from '../../src/rules/calendar.ts';
import { as, once } from '../support/build.ts';
import {
  dayMs,
  events,
  instantOf,
  useJourneysWithGateway,
  type Begin,
  type Journeys,
  type Row,
} from '../support/journey.ts';
import type { TestGateway } from '../support/payments.ts';

const hourMs = 3_600_000;
const invoiced = { billing: { mode: 'invoice' } } as const;

describe('a subscription whose premiums are invoiced', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened));

  type Script = Parameters<TestGateway['script']>[0];

  /** @param script what becomes of the first payment */
  async function begin(script: Script = ['ok'], wish: Begin = {}) {
    await gateway.script(script);
    const journey = await journeys.begin({ settings: invoiced, ...wish });
    const billing = createPremiumInvoices({ workflows: journeys.workflows, hasGateway: true });
    const rows = async (sql: string): Promise<Row[]> =>
      (
        await journeys.database.sql<{ row: Row }>(`SELECT to_jsonb(t) AS row FROM (${sql}) AS t`, [
          journey.id,
        ])
      ).map(({ row }) => row);
    return Object.assign(journey, {
      invoices: () =>
        rows('SELECT * FROM shared.premium_invoices WHERE subscription_id = $1 ORDER BY id'),
      payments: () =>
        rows(`SELECT p.* FROM shared.payments p WHERE p.invoice_id IN
            (SELECT id FROM shared.premium_invoices WHERE subscription_id = $1)
          OR p.parent_payment_id IN (SELECT q.id FROM shared.payments q JOIN
            shared.premium_invoices i ON i.id = q.invoice_id WHERE i.subscription_id = $1)
          ORDER BY p.id`),
      templates: async () =>
        (await journey.notifications())
          .filter(({ channel }) => channel === 'email')
          .map((each) => each['template_code']),
      toldRoles: async () =>
        (await journey.notifications()).flatMap(({ recipient_role: role, template_code: code }) =>
          typeof role === 'string' ? [`${role} ${String(code)}`] : [],
        ),
      pay: (actor: Actor = journey.holder) =>
        as(actor, () => billing.pay(actor, journey.id, {}, once(actor))),
      reinstate: (actor: Actor = journey.holder, reason?: string) =>
        as(actor, () => billing.reinstate(actor, journey.id, { reason }, once(actor))),
      endorse: async (premium: string) => {
        const agent = await journey.staff('call_center');
        return as(agent, () =>
          createEndorsements(journeys).endorse(
            agent,
            journey.id,
            { premium, reason: 'A new roof' },
            once(agent),
          ),
        );
      },
      isCovered: async (date: string) => {
        const { policy_id: policyId } = await journey.row();
        const cover = await withTenant(journey.company.id, () => coverOn(String(policyId), date));
        return cover !== undefined;
      },
      ledgerSum: async () => {
        const [sum] = await journeys.database.sql<{ sum: string }>(
          `SELECT coalesce(sum(amount), 0)::text AS sum FROM shared.ledger_entries
           WHERE company_id = $1`,
          [journey.company.id],
        );
        return Number(sum?.sum);
      },
      /** Where clocks change meanwhile it is not always the date of the hour that is passed to. */
      lapsedOn: async () =>
        journey.dateAt(
          instantOf((await journey.transitions()).find(({ event }) => event === 'lapse')?.['at']),
        ),
      /** Lets time pass, and waits until what that woke up has been done. */
      async pass(milliseconds: number) {
        await journeys.passUntil(journeys.now() + milliseconds);
        await journey.rest();
      },
    });
  }

  type Billed = Awaited<ReturnType<typeof begin>>;

  /** Renewed by itself, and the premium of the new term is declined for good. */
  async function beginUnpaidTerm(wish: Begin = {}): Promise<Billed> {
    const journey = await begin(['ok'], {
      autoRenew: true,
      plan: { durationMonths: 6, ...wish.plan },
    });
    await journey.pass(120_000);
    await gateway.script(['decline']);
    await journeys.passUntil((await journey.expiresAt()) + hourMs);
    await journey.rest();
    return journey;
  }

  async function beginLapsed(): Promise<Billed> {
    const journey = await beginUnpaidTerm();
    await journey.pass(3 * dayMs);
    await journey.pass(30 * dayMs + hourMs);
    return journey;
  }

  it('has its cover from the payment on', async () => {
    const journey = await begin();
    await journey.pass(120_000);

    expect(await events(journey)).toEqual(['order', 'pay']);
    expect(await journey.row()).toMatchObject({ status: 'active' });
    expect(await journey.policy()).toMatchObject({ status: 'active' });
    expect(await journey.invoices()).toMatchObject([
      { status: 'paid', amount: 365, reason: 'term', term_no: 1, payment_id: null },
    ]);
    expect(await journey.payments()).toMatchObject([{ status: 'completed', purpose: 'premium' }]);
    expect(await journey.templates()).toEqual(['premium_due', 'subscription_confirmed']);
    expect(await journey.ledgerSum()).toBe(0);
    const timers = await journey.timers();
    expect(timers.filter(({ status }) => status === 'scheduled')).toHaveLength(8);
  });

  it('waits without cover while the payment is tried again, and begins once it is made', async () => {
    const journey = await begin(['decline_for_now', 'decline_for_now', 'ok']);
    const today = journey.dateAt(journeys.now());
    const waiting = await journey.row();
    const covered = await journey.isCovered(today);

    await journey.pass(26 * hourMs);

    const later = journey.dateAt(journeys.now());
    expect(waiting).toMatchObject({ status: 'pending_payment' });
    expect(covered).toBe(false);
    expect(await journey.row()).toMatchObject({ status: 'active' });
    expect(await journey.payments()).toMatchObject([{ status: 'completed', attempts: 3 }]);
    expect(await journey.isCovered(today)).toBe(false);
    expect(await journey.isCovered(later)).toBe(true);
  });

  it('is not taken up without a payment, and owes nothing', async () => {
    const journey = await begin(['decline']);
    await journey.pass(120_000);
    expect(await journey.toldRoles()).toEqual(['call_center premium_unpaid']);

    await journey.end();

    expect(await journey.toldRoles()).toEqual([
      'call_center premium_unpaid',
      'tenant_admin premium_not_taken_up',
    ]);
    expect(await events(journey)).toEqual(['order', 'not_taken_up']);
    expect(await journey.row()).toMatchObject({
      status: 'cancelled',
      workflow_closed_at: expect.any(String),
    });
    expect(await journey.policy()).toMatchObject({ status: 'cancelled' });
    expect(await journey.invoices()).toMatchObject([{ status: 'void' }]);
    expect(await journey.isCovered(journey.dateAt(journeys.now()))).toBe(false);
  });

  it('is not charged once the window is over, and whoever can call the holder hears of it', async () => {
    const journey = await begin(['decline_for_now', 'decline_for_now', 'decline_for_now', 'ok']);

    await journey.pass(80 * hourMs);
    const [waiting] = await journey.payments();
    const paymentId = String(waiting?.['id']);
    await journeys.passUntil(journeys.now() + 20 * hourMs);
    await journeys.settled(`payment/${journey.company.id}/${paymentId}`);

    expect(await journey.row()).toMatchObject({ status: 'cancelled' });
    expect(await journey.payments()).toMatchObject([
      { purpose: 'premium', status: 'failed', failure_code: 'not_due' },
    ]);
    expect(gateway.carriedOut(paymentId)).toBe(0);
    expect(await journey.ledgerSum()).toBe(0);
    expect(await journey.templates()).toEqual(['premium_due', 'subscription_not_taken_up']);
    expect(await journey.toldRoles()).toEqual([
      'call_center premium_unpaid',
      'tenant_admin premium_not_taken_up',
    ]);
  });

  it('that is cancelled while its premium is tried again is not charged for it', async () => {
    const journey = await begin(['ok'], { autoRenew: true, plan: { durationMonths: 6 } });
    await journey.pass(120_000);
    await gateway.script(['decline_for_now', 'ok']);
    await journeys.passUntil((await journey.expiresAt()) + hourMs / 2);
    await journey.cancel();

    await journey.pass(2 * hourMs);

    expect(await journey.payments()).toMatchObject([
      { status: 'completed', refunded_amount: 0 },
      { status: 'failed', failure_code: 'not_due' },
    ]);
  });

  it('is paid by the holder once the first try has failed', async () => {
    const journey = await begin(['decline', 'ok']);
    await journey.pass(120_000);

    await journey.pay();
    await journey.pass(120_000);

    expect(await events(journey)).toEqual(['order', 'charge', 'pay']);
    expect(await journey.payments()).toMatchObject([{ status: 'failed' }, { status: 'completed' }]);
    await expect(journey.pay()).rejects.toMatchObject({ status: 409, code: 'NOTHING_DUE' });
  });

  it('falls into the grace when the renewal is not paid, keeps its cover, and leaves it by paying', async () => {
    const journey = await beginUnpaidTerm();
    const renewed = await journey.row();
    await journey.pass(3 * dayMs + dayMs);
    const inGrace = await journey.row();
    const covered = await journey.isCovered(journey.dateAt(journeys.now()));
    await journey.pass(dayMs);

    await journey.pay();
    await journey.pass(120_000);

    expect(renewed).toMatchObject({ status: 'active', term_no: 2 });
    expect(inGrace).toMatchObject({ status: 'grace' });
    expect(covered).toBe(true);
    expect(await events(journey)).toEqual([
      'order',
      'pay',
      'renew',
      'miss_payment',
      'charge',
      'pay',
    ]);
    expect(await journey.row()).toMatchObject({ status: 'active' });
    expect(await journey.policy()).toMatchObject({ status: 'active' });
    expect(await journey.invoices()).toMatchObject([{ status: 'paid' }, { status: 'paid' }]);
    expect((await journey.templates()).slice(-2)).toEqual(['subscription_grace', 'grace_reminder']);
    expect(await journey.toldRoles()).toEqual([
      'call_center premium_unpaid',
      'tenant_admin premium_overdue',
    ]);
    expect(await journey.ledgerSum()).toBe(0);
  });

  it('lapses at the end of the grace, and is reinstated with a gap by paying the arrears', async () => {
    const journey = await beginLapsed();
    const lapsed = await journey.row();
    const lapsedOn = await journey.lapsedOn();
    await journey.pass(10 * dayMs);
    const explained = await as(journey.holder, () =>
      journeys.timelines.timeline(journey.holder, journey.id),
    );

    await journey.reinstate();
    await journey.pass(120_000);

    const today = journey.dateAt(journeys.now());
    const [, renewed, reinstated] = await journey.terms();
    const [, writtenOff, arrears] = await journey.invoices();
    expect(lapsed).toMatchObject({ status: 'lapsed' });
    expect(explained.future.map(({ name }) => name)).toEqual(['reinstatement_close']);
    expect((await events(journey)).slice(-4)).toEqual([
      'miss_payment',
      'lapse',
      'ask_reinstatement',
      'reinstate',
    ]);
    expect(renewed).toMatchObject({ term_no: 2, part_no: 1, end_date: lapsedOn });
    expect(reinstated).toMatchObject({
      term_no: 2,
      part_no: 2,
      start_date: today,
      gap_days: daysBetween(lapsedOn, today),
      origin: 'reinstatement',
    });
    expect(writtenOff).toMatchObject({ status: 'written_off', amount: 365 });
    expect(arrears).toMatchObject({ status: 'paid', reason: 'reinstatement' });
    expect(Number(arrears?.['amount'])).toBeLessThan(365);
    expect(await journey.isCovered(addDays(lapsedOn, -1))).toBe(true);
    expect(await journey.isCovered(addDays(lapsedOn, 1))).toBe(false);
    expect(await journey.isCovered(today)).toBe(true);
    expect(await journey.row()).toMatchObject({ status: 'active', term_no: 2 });
    expect(await journey.policy()).toMatchObject({ status: 'active' });
    expect(await journey.ledgerSum()).toBe(0);

    await journey.setRow('auto_renew = false');
    await journey.end();
    expect(await journey.row()).toMatchObject({ status: 'expired', term_no: 2 });
  });

  it('is reinstated by arrears that came in time, though nobody has told it before its time ends', async () => {
    const journey = await beginLapsed();
    // Late in its time: while the gateway is away its run asks every hour.
    await journey.pass(28 * dayMs);
    await gateway.stop();
    await journey.reinstate();
    const arrears = (await journey.invoices()).at(-1);
    await journeys.database.sql(
      `UPDATE shared.premium_invoices SET status = 'paid', paid_at = now() WHERE id = $1`,
      [arrears?.['id']],
    );
    const before = await journey.row();
    const close = (await journey.timers()).find(({ name }) => name === 'reinstatement_close');

    await journeys.passUntil(instantOf(close?.['due_at']) + hourMs);
    await journey.rest();

    expect(before).toMatchObject({ status: 'lapsed' });
    expect(await journey.row()).toMatchObject({ status: 'active', term_no: 2 });
    expect((await events(journey)).slice(-2)).toEqual(['ask_reinstatement', 'reinstate']);
    expect((await journey.invoices()).at(-1)).toMatchObject({ status: 'paid' });
    expect(await journey.isCovered(journey.dateAt(journeys.now()))).toBe(true);
    // A child that outlives its parent has this server stand still.
    await gateway.startAgain();
    await journeys.passUntil(journeys.now() + 3 * hourMs);
  });

  it('that has lapsed is reinstated at once by an administrator, with a reason, and billed', async () => {
    const journey = await beginLapsed();
    const admin = await journey.staff('tenant_admin');
    const agent = await journey.staff('call_center');

    await expect(journey.reinstate(agent, 'Please')).rejects.toMatchObject({ status: 403 });
    await expect(journey.reinstate(admin)).rejects.toMatchObject({ status: 422 });
    await journey.reinstate(admin, 'The bank had erred');
    const atOnce = await journey.row();
    await journey.pass(120_000);

    expect(atOnce).toMatchObject({ status: 'active' });
    expect((await journey.invoices()).at(-1)).toMatchObject({
      reason: 'reinstatement',
      status: 'paid',
    });
  });

  it('that nobody reinstates ends with the day on which it lapsed, and can be renewed late', async () => {
    const journey = await beginLapsed();
    const lapsedOn = await journey.lapsedOn();

    await journey.pass(20 * dayMs);
    await journey.end();

    expect((await events(journey)).slice(-2)).toEqual(['lapse', 'expire']);
    expect(await journey.row()).toMatchObject({
      status: 'expired',
      end_date: lapsedOn,
      workflow_closed_at: expect.any(String),
    });
    expect(await journey.policy()).toMatchObject({ status: 'expired', end_date: lapsedOn });
    const statuses = new Set((await journey.timers()).map(({ status }) => status));
    expect([...statuses].toSorted()).toEqual(['cancelled', 'fired']);
  });

  it('lapses on another day when the end of its grace is moved, and its reminders keep to that', async () => {
    const journey = await beginUnpaidTerm();
    // The first reminder comes after a day of the calendar, which may have 25 hours.
    await journey.pass(4 * dayMs + 6 * hourMs);
    const admin = await journey.staff('tenant_admin');
    const dueAt = new Date(journeys.now() + 5 * dayMs);
    const move = (dryRun: boolean, name = 'grace_end', at = dueAt) =>
      as(admin, () =>
        journeys.timelines.changeTimer(
          admin,
          journey.id,
          name,
          { dueAt: at, reason: 'Agreed by phone', dryRun },
          once(admin),
        ),
      );
    const before = await journey.timers();

    const shown = await move(true);
    expect(await journey.timers()).toEqual(before);
    await expect(move(false, 'grace_reminder_10')).rejects.toMatchObject({
      code: 'TIMER_NOT_MOVABLE',
    });
    await expect(
      move(false, 'grace_end', new Date(journeys.now() + 200 * dayMs)),
    ).rejects.toMatchObject({ status: 422 });
    await move(false);

    const timers = await journey.timers();
    const told = (await journey.notifications()).filter((each) => each['channel'] === 'email');
    expect(shown).toEqual({
      dryRun: true,
      scheduled: [{ name: 'grace_end', dueAt }],
      cancelled: ['grace_reminder_10', 'grace_reminder_20', 'grace_reminder_27'],
    });
    expect(timers.find(({ name }) => name === 'grace_end')).toMatchObject({
      reason: 'Agreed by phone',
      changed_by: admin.userId,
      source: 'command',
    });
    expect(told.at(-1)).toMatchObject({
      template_code: 'grace_reminder',
      payload: expect.objectContaining({ graceEndsOn: journey.dateAt(dueAt.getTime()) }),
    });
    await journey.pass(4 * dayMs);
    expect(await journey.row()).toMatchObject({ status: 'grace' });
    await journey.pass(dayMs + hourMs);
    expect(await journey.row()).toMatchObject({ status: 'lapsed' });
    expect((await journey.audit()).map(({ action }) => action)).toContain('TIMER_CHANGE');
  });

  it('has longer to pay its first premium when the window is moved', async () => {
    const journey = await begin(['decline', 'ok']);
    await journey.pass(120_000);
    const operator = await journey.staff('operator');
    await as(operator, () =>
      journeys.timelines.changeTimer(
        operator,
        journey.id,
        'payment_window',
        { extendByMs: 5 * dayMs, reason: 'The bank was closed', dryRun: false },
        once(operator),
      ),
    );

    await journey.pass(4 * dayMs);
    const waiting = await journey.row();
    const [invoice] = await journey.invoices();
    await journey.pay();
    await journey.pass(120_000);

    expect(waiting).toMatchObject({ status: 'pending_payment' });
    expect(Date.parse(String(invoice?.['due_at']))).toBeGreaterThan(journeys.now() + 3 * dayMs);
    expect(await journey.row()).toMatchObject({ status: 'active' });
  });

  it('that is cancelled gives back what was paid for the days that are left', async () => {
    const journey = await begin();
    await journey.pass(100 * dayMs);

    await journey.cancel({}, 'leaving');

    const { refund_amount: refund } = await journey.row();
    const [paid, back] = await journey.payments();
    expect(Number(refund)).toBeGreaterThan(255);
    expect(Number(refund)).toBeLessThan(275);
    expect(paid).toMatchObject({ status: 'completed', refunded_amount: refund });
    expect(back).toMatchObject({ purpose: 'refund', status: 'pending', amount: refund });
  });

  it('that is cancelled in the grace gives nothing back and owes nothing', async () => {
    const journey = await beginUnpaidTerm();
    await journey.pass(4 * dayMs);

    await journey.cancel();

    expect(await journey.row()).toMatchObject({ status: 'cancelled', refund_amount: 0 });
    expect(await journey.invoices()).toMatchObject([{ status: 'paid' }, { status: 'void' }]);
    expect(await journey.payments()).toHaveLength(2);
  });

  it('bills what an endorsement costs more, and gives back what it costs less', async () => {
    const journey = await begin();
    await journey.pass(100 * dayMs);

    await journey.endorse('730.00');
    await journey.pass(120_000);
    const [, dearer] = await journey.invoices();
    await journey.endorse('365.00');

    expect(dearer).toMatchObject({ reason: 'endorsement', status: 'paid' });
    const payments = await journey.payments();
    expect(payments).toMatchObject([
      { purpose: 'premium', amount: 365 },
      { purpose: 'premium', amount: dearer?.['amount'] },
      { purpose: 'refund', amount: dearer?.['amount'] },
    ]);
    expect(await journey.ledgerSum()).toBe(0);
  });

  it('cannot be renewed ahead of time while a premium is open', async () => {
    const journey = await begin();
    await journeys.passUntil((await journey.expiresAt()) - 60 * dayMs);
    await gateway.script(['decline']);
    await journey.endorse('800.00');
    await journey.pass(120_000);

    await expect(journey.renew()).rejects.toMatchObject({ status: 409, code: 'INVOICE_OPEN' });
    await expect(journey.endorse('100.00')).rejects.toMatchObject({ code: 'INVOICE_OPEN' });
    expect(await journey.row()).toMatchObject({ status: 'active', term_no: 1 });
  });
});
