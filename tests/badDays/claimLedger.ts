import type { Role } from '../../src/rules/permissions.ts';
import { claimWorkflowId } from '../../src/rules/workflowIds.ts';
import { allClosed } from './ledger.ts';
import {
  dataOf,
  newKey,
  seenBy,
  textIn,
  transfersOf,
  until,
  type Answer,
  type Product,
  type Wish,
} from './product.ts';

/** A claim that a client reported, and where the client takes it. */
export interface ClaimEntry {
  readonly fate: ClaimFate;
  readonly claimId: string;
}

/** Those of most claims; the payout of others is declined for good. */
export const claimFates = ['paid', 'denied', 'withdrawn', 'documented', 'appealed'] as const;
export type ClaimFate = (typeof claimFates)[number] | 'declined';

const untilPayment = [
  'report',
  'assign',
  'start_review',
  'submit_for_approval',
  'approve',
  'start_payment',
] as const;

/** What each claim must have left behind: its course, the claimant's mails, and what was transferred. */
const courses: Readonly<
  Record<ClaimFate, { events: readonly string[]; mails: readonly string[]; status: string }>
> = {
  paid: {
    events: [...untilPayment, 'complete_payment'],
    mails: ['claim_received', 'claim_in_hands', 'claim_approved', 'payment_sent'],
    status: 'paid',
  },
  declined: {
    events: [...untilPayment, 'fail_payment'],
    mails: ['claim_received', 'claim_in_hands', 'claim_approved'],
    status: 'approved',
  },
  denied: {
    events: ['report', 'assign', 'start_review', 'submit_for_approval', 'deny'],
    mails: ['claim_received', 'claim_in_hands', 'claim_denied'],
    status: 'denied',
  },
  withdrawn: {
    events: ['report', 'withdraw'],
    mails: ['claim_received', 'claim_closed'],
    status: 'closed',
  },
  /** The scan of what was sent in lets it go on by itself. */
  documented: {
    events: ['report', 'assign', 'start_review', 'request_documents', 'complete_documents'],
    mails: ['claim_received', 'claim_in_hands', 'claim_documents_wanted'],
    status: 'under_review',
  },
  /** After it stood still for a while. */
  appealed: {
    events: [
      'report',
      'assign',
      'start_review',
      'hold',
      'release',
      'submit_for_approval',
      'deny',
      'appeal',
    ],
    mails: ['claim_received', 'claim_in_hands', 'claim_denied'],
    status: 'under_review',
  },
};

/** What is done to a claim that was reported. */
export type ClaimDeed = Exclude<keyof ClaimClients, 'report' | 'live'>;

/** What people do to claims, each insisting until they are answered. */
export interface ClaimClients {
  /** Under a policy of its own, so that no fraud rule finds claims like it. */
  report(fate: ClaimFate): Promise<ClaimEntry>;
  assign(entry: ClaimEntry): Promise<Answer>;
  review(entry: ClaimEntry): Promise<Answer>;
  submit(entry: ClaimEntry): Promise<Answer>;
  approve(entry: ClaimEntry): Promise<Answer>;
  deny(entry: ClaimEntry): Promise<Answer>;
  withdraw(entry: ClaimEntry): Promise<Answer>;
  hold(entry: ClaimEntry): Promise<Answer>;
  release(entry: ClaimEntry): Promise<Answer>;
  requestDocuments(entry: ClaimEntry): Promise<Answer>;
  /** All that was asked for. */
  addDocument(entry: ClaimEntry): Promise<Answer>;
  appeal(entry: ClaimEntry): Promise<Answer>;
  /** From the report to where its client leaves it. */
  live(fate: ClaimFate): Promise<ClaimEntry>;
}

/** What its client does to a claim after the report. */
const lives: Readonly<Record<ClaimFate, readonly ClaimDeed[]>> = {
  paid: ['assign', 'review', 'submit', 'approve'],
  declined: ['assign', 'review', 'submit', 'approve'],
  denied: ['assign', 'review', 'submit', 'deny'],
  withdrawn: ['withdraw'],
  documented: ['assign', 'review', 'requestDocuments', 'addDocument'],
  appealed: ['assign', 'review', 'hold', 'release', 'submit', 'deny', 'appeal'],
};

/** Like no other, or the claims would be suspected. */
function invoice(): FormData {
  const form = new FormData();
  form.append('document_type', 'invoice');
  form.append(
    'files',
    new Blob([`A new pipe, ${newKey()}`], { type: 'text/plain' }),
    'invoice.txt',
  );
  return form;
}

const dayMs = 86_400_000;
/** The gateway declines the second one for good. */
const amountOf = (fate: ClaimFate): string => (fate === 'declined' ? '6660.01' : '950.00');

export async function openClaimClients(product: Product): Promise<ClaimClients> {
  const adjuster = product.accountOf('adjuster').email;
  const [found] = await product.sql<{ id: string }>(
    'SELECT id FROM platform.users WHERE email = $1',
    [adjuster],
  );
  if (!found) throw new Error('Nobody was seeded as adjuster');
  const day = (offset: number): string =>
    new Date(Date.now() + offset * dayMs).toISOString().slice(0, 10);

  const ask = async (role: Role, wish: Omit<Wish, 'key'>): Promise<Answer> => {
    const answer = await product.as(role).insist({ ...wish, key: newKey() });
    if (answer.status === 200 || answer.status === 201) return answer;
    throw new Error(`${wish.path}: ${JSON.stringify(answer.body)}`);
  };
  const step =
    (
      role: Role,
      name: string,
      bodyOf: (fate: ClaimFate) => object,
      method: Wish['method'] = 'POST',
    ) =>
    ({ claimId, fate }: ClaimEntry): Promise<Answer> =>
      ask(role, { method, path: `/claims/${claimId}/${name}`, body: bodyOf(fate) });

  const clients: ClaimClients = {
    async report(fate) {
      const policy = await ask('call_center', {
        method: 'POST',
        path: '/policies',
        body: {
          policy_type: 'home',
          policyholder_name: 'Grace Hopper',
          policyholder_email: `grace-${newKey()}@example.com`,
          coverage_amount: '50000.00',
          premium: '480.00',
          start_date: day(-90),
          end_date: day(275),
        },
      });
      const claim = await ask('call_center', {
        method: 'POST',
        path: `/policies/${textIn(dataOf(policy), 'id')}/claims`,
        body: {
          title: 'Burst pipe',
          description: 'Water under the sink',
          incident_date: day(-2),
          claim_amount: '7000.00',
        },
      });
      return { fate, claimId: textIn(dataOf(claim), 'id') };
    },
    assign: step('claims_manager', 'assign', () => ({ user_id: found.id })),
    review: step('adjuster', 'update-status', () => ({ new_status: 'under_review' }), 'PUT'),
    submit: step(
      'adjuster',
      'update-status',
      (fate) => ({
        new_status: 'waiting_approval',
        data: { amount: amountOf(fate), rationale: 'The estimate' },
      }),
      'PUT',
    ),
    approve: step('claims_manager', 'approve', (fate) => ({ approved_amount: amountOf(fate) })),
    deny: step('claims_manager', 'deny', () => ({ code: 'exclusion', reason: 'Wear and tear' })),
    withdraw: step('claims_manager', 'withdraw', () => ({ reason: 'Settled' })),
    hold: step('claims_manager', 'hold', () => ({ kind: 'catastrophe', reason: 'A flood' })),
    release: step('claims_manager', 'release', () => ({ reason: 'The water is gone' })),
    requestDocuments: step('adjuster', 'request-documents', () => ({ items: ['Invoice'] })),
    addDocument: step('call_center', 'add-document', () => invoice()),
    appeal: step('call_center', 'appeal', () => ({ reason: 'It was no wear and tear' })),
    async live(fate) {
      const entry = await clients.report(fate);
      for (const each of lives[fate]) await clients[each](entry);
      return entry;
    },
  };
  return clients;
}

/**
 * Waits until every claim is where its client left it, what it owes has been sent and started, and
 * whatever is over has closed.
 */
export async function claimsSettled(
  product: Product,
  ledger: readonly ClaimEntry[],
  withinMs: number,
): Promise<void> {
  await until(
    'every claim has reached its end and every message is out',
    async () => {
      const [left] = await product.sql<{ claims: number; waiting: number; open: number }>(
        `SELECT (SELECT count(*)::int FROM shared.claims c JOIN unnest($1::uuid[], $2::text[], $3::int[])
             AS e (id, status, steps) ON e.id = c.id
           WHERE c.status = e.status AND c.state_version = e.steps) AS claims,
           (SELECT count(*)::int FROM core.notifications WHERE status = 'queued') AS waiting,
           (SELECT count(*)::int FROM core.outbox WHERE dispatched_at IS NULL) AS open`,
        [
          ledger.map(({ claimId }) => claimId),
          ledger.map(({ fate }) => courses[fate].status),
          // A claim is approved before its payout and again after it was declined.
          ledger.map(({ fate }) => courses[fate].events.length),
        ],
      );
      return left?.claims === ledger.length && left.waiting === 0 && left.open === 0;
    },
    withinMs,
  );
  await allClosed(product, withinMs);
}

/** Rows, mails and money exactly once, for each claim of the ledger; the books are even. */
export async function expectClaimsOnce(
  product: Product,
  ledger: readonly ClaimEntry[],
): Promise<void> {
  const found = await product.sql<Trace>(
    `SELECT c.id, c.company_id, c.status, c.state_version, c.paid_amount::text AS paid,
       (SELECT count(*)::int FROM shared.claims o WHERE o.policy_id = c.policy_id) AS reports,
       ARRAY(SELECT t.event FROM core.transitions t WHERE t.entity_id = c.id
         ORDER BY t.state_version) AS events,
       (SELECT count(*)::int FROM core.audit_logs a WHERE a.entity_id = c.id
         AND a.action = 'STATUS_CHANGE') AS audited,
       ARRAY(SELECT n.template_code FROM core.notifications n
         WHERE n.entity_id IN (c.id, c.payment_id) AND n.channel = 'email'
           AND n.recipient_address = c.claimant_email AND n.status = 'sent'
         ORDER BY n.id) AS mails,
       (SELECT count(*)::int FROM core.notifications n WHERE n.entity_id = c.id
         AND n.channel = 'email' AND n.template_code = 'claim_payment_failed'
         AND n.status = 'sent') AS alarms,
       ARRAY(SELECT p.id FROM shared.payments p WHERE p.claim_id = c.id) AS payments,
       ARRAY(SELECT account || ' ' || amount FROM shared.ledger_entries l
         WHERE l.payment_id = c.payment_id ORDER BY account) AS booked
     FROM shared.claims c WHERE c.id = ANY ($1) ORDER BY array_position($1, c.id)`,
    [ledger.map(({ claimId }) => claimId)],
  );
  const transfers = transfersOf(product);
  const [books] = await product.sql(
    'SELECT coalesce(sum(amount), 0.00)::text AS sum FROM shared.ledger_entries',
  );

  expect(books).toEqual({ sum: '0.00' });
  expect(
    found.map(({ company_id: _, payments, mails, ...row }) => ({
      ...row,
      mails: mails.toSorted(),
      moved: payments.map((id) =>
        transfers.filter((each) => each.payment_id === id).map(({ status }) => status),
      ),
    })),
  ).toEqual(ledger.map(traceOf));
  expect(await Promise.all(found.map((row) => told(product, row)))).toEqual(
    found.map(({ id, status, state_version: stateVersion }) => ({
      id,
      run: status === 'closed' ? 'COMPLETED' : 'RUNNING',
      status,
      stateVersion,
    })),
  );
}

interface Trace {
  readonly id: string;
  readonly company_id: string;
  readonly status: string;
  readonly state_version: number;
  readonly paid: string;
  readonly reports: number;
  readonly events: readonly string[];
  readonly audited: number;
  readonly mails: readonly string[];
  /** To the claims manager. */
  readonly alarms: number;
  readonly payments: readonly string[];
  readonly booked: readonly string[];
}

function traceOf({ claimId, fate }: ClaimEntry) {
  const { events, mails, status } = courses[fate];
  const isPaid = fate === 'paid';
  const isDeclined = fate === 'declined';
  const amount = amountOf(fate);
  return {
    id: claimId,
    status,
    state_version: events.length,
    paid: isPaid ? amount : '0.00',
    reports: 1,
    events,
    audited: events.length - 1,
    mails: mails.toSorted(),
    alarms: isDeclined ? 1 : 0,
    moved: isPaid ? [['completed']] : isDeclined ? [['declined']] : [],
    booked: isPaid ? [`claims_paid ${amount}`, `gateway_clearing -${amount}`] : [],
  };
}

async function told(
  product: Product,
  { id, company_id: companyId }: Pick<Trace, 'id' | 'company_id'>,
): Promise<unknown> {
  const { run, status, stateVersion } = await seenBy<{ status: string; stateVersion: number }>(
    product,
    claimWorkflowId(companyId, id),
  );
  return { id, run, status, stateVersion };
}
