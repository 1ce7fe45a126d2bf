import { createHash } from 'node:crypto';
import { isGrpcServiceError } from '@temporalio/client';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import {
  dataOf,
  newKey,
  newProperty,
  seenBy,
  textIn,
  until,
  type Answer,
  type Product,
  type Wish,
} from './product.ts';

/** What clients were told, in a process that nobody kills: the measure of what must be there. */
export interface Entry {
  /** Each subscription is for a property of its own, so a doubled one is found by it. */
  readonly propertyId: string;
  readonly autoRenew: boolean;
  /** The answers, as events of the lifecycle; `expire` and auto-renewal come from its timers. */
  readonly events: LifecycleEvent[];
  subscriptionId: string;
  /** How often the reconciler had to start its workflow again. */
  restarts: number;
}

export type LifecycleEvent =
  'subscribe' | 'cancel' | 'change_expiry' | 'change_expiry_to_now' | 'renew' | 'expire';

export const newEntry = (autoRenew = false): Entry => ({
  propertyId: newProperty(),
  autoRenew,
  events: [],
  subscriptionId: '',
  restarts: 0,
});

/** Every row and message that one subscription has left behind. */
interface Trace {
  readonly id: string;
  readonly status: string;
  readonly state_version: number;
  readonly term_no: number;
  readonly closed: boolean;
  readonly policies: number;
  readonly terms: number[];
  readonly transitions: string[];
  readonly audit: string[];
  readonly notifications: string[];
  readonly starts: number;
}

/** Rows exactly once: what the ledger holds is what is stored, for each subscription and in sum. */
export async function expectRowsOnce(product: Product, ledger: readonly Entry[]): Promise<void> {
  const found = await product.sql<Trace & { property: string }>(
    `SELECT s.insured_property_id AS property, s.id, s.status, s.state_version, s.term_no,
       s.workflow_closed_at IS NOT NULL AS closed,
       (SELECT count(*)::int FROM shared.policies p
        WHERE p.insured_property_id = s.insured_property_id) AS policies,
       (SELECT array_agg(term_no ORDER BY term_no) FROM shared.subscription_terms t
        WHERE t.subscription_id = s.id) AS terms,
       (SELECT array_agg(state_version || ' ' || event ORDER BY state_version, event)
        FROM core.transitions t WHERE t.entity_id = s.id) AS transitions,
       (SELECT array_agg(action || coalesce(' ' || (after->>'event'), '') ORDER BY 1)
        FROM (SELECT action, after FROM core.audit_logs WHERE entity_id = s.id) a) AS audit,
       (SELECT array_agg(line ORDER BY line) FROM
         (SELECT channel || ' ' || template_code || ' ' || status AS line
          FROM core.notifications n WHERE n.entity_id = s.id) n) AS notifications,
       (SELECT count(*)::int FROM core.outbox o WHERE o.entity_id = s.id) AS starts
     FROM shared.policy_subscriptions s WHERE s.insured_property_id IS NOT NULL`,
  );
  const stored = ledger.map(({ propertyId }) =>
    found
      .filter(({ property }) => property === propertyId)
      .map(({ property: _property, audit, ...trace }) => ({ ...trace, audit: audit.toSorted() })),
  );

  expect(stored).toEqual(ledger.map((entry) => [traceOf(entry)]));
  expect(found).toHaveLength(ledger.length);
}

/** What an entry of the ledger must have left behind. */
function traceOf({ events, autoRenew, subscriptionId, restarts }: Entry): Trace {
  const steps = events.map((event) => (event === 'change_expiry_to_now' ? 'change_expiry' : event));
  const isMoved = steps.includes('change_expiry');
  const templates = events.map((event) =>
    autoRenew && mails[event] === 'renewal_reminder' ? 'renewal_reminder_auto' : mails[event],
  );
  return {
    id: subscriptionId,
    status: steps.includes('cancel')
      ? 'cancelled'
      : steps.includes('expire')
        ? 'expired'
        : 'active',
    state_version: steps.length,
    term_no: steps.includes('renew') ? 2 : 1,
    closed: steps.includes('cancel'),
    policies: 1,
    terms: steps.includes('renew') ? [1, 2] : [1],
    transitions: steps.map((event, index) => `${index + 1} ${event}`),
    audit: [
      'CREATE',
      ...steps.slice(1).map((event) => `STATUS_CHANGE ${event}`),
      ...(isMoved ? ['TIMER_CHANGE'] : []),
    ].toSorted(),
    notifications: [
      ...templates.flatMap((template) => [`email ${template} sent`, `in_app ${template} sent`]),
      ...(events.includes('change_expiry_to_now') && !autoRenew
        ? ['in_app renewal_call sent']
        : []),
    ].toSorted(),
    starts: 1 + restarts,
  };
}

/** Each step tells the holder once; a nearer expiry by the latest of the reminders now past. */
const mails: Readonly<Record<LifecycleEvent, string>> = {
  subscribe: 'subscription_confirmed',
  cancel: 'subscription_cancelled',
  change_expiry: 'renewal_reminder',
  change_expiry_to_now: 'renewal_reminder',
  renew: 'subscription_renewed',
  expire: 'subscription_expired',
};

/** @returns how many deliveries were repetitions of a mail that had arrived */
export async function expectMailsOnce(product: Product): Promise<number> {
  const rows = await product.sql<{ dedupe_key: string }>(
    `SELECT dedupe_key FROM core.notifications WHERE channel = 'email' AND status = 'sent'`,
  );
  const arrived = product.messageIds();
  const promised = rows.map(
    ({ dedupe_key }) => `<${createHash('sha256').update(dedupe_key).digest('base64url')}@surety>`,
  );

  expect([...new Set(arrived)].toSorted()).toEqual(promised.toSorted());
  return arrived.length - promised.length;
}

/** No start is owed or parked, no command is half-way, no mail waits. */
export async function expectNothingOpen(product: Product): Promise<void> {
  const [open] = await product.sql(
    `SELECT
       (SELECT count(*)::int FROM core.outbox WHERE dispatched_at IS NULL) AS starts,
       (SELECT count(*)::int FROM core.idempotency_keys WHERE answer IS NULL) AS commands,
       (SELECT count(*)::int FROM core.notifications WHERE status <> 'sent') AS messages`,
  );

  expect(open).toEqual({ starts: 0, commands: 0, messages: 0 });
}

/** Each workflow is open or closed as its row says, and has the row's state in its memory. */
export async function expectWorkflowsAsRows(
  product: Product,
  ledger: readonly Entry[],
): Promise<void> {
  const rows = await product.sql<Row>(
    `SELECT id, company_id, status, state_version, term_no, workflow_closed_at IS NULL AS open
     FROM shared.policy_subscriptions WHERE id = ANY($1)`,
    [ledger.map(({ subscriptionId }) => subscriptionId)],
  );
  const seen: unknown[] = [];
  // One after another would take a minute for hundreds, all at once would time out.
  for (let from = 0; from < rows.length; from += 10) {
    seen.push(...(await Promise.all(rows.slice(from, from + 10).map((row) => told(product, row)))));
  }

  expect(seen).toEqual(
    rows.map(({ id, open, status, state_version: stateVersion, term_no: termNo }) =>
      open
        ? { id, run: 'RUNNING', status, stateVersion, termNo }
        : { id, run: 'COMPLETED', status, stateVersion, termNo },
    ),
  );
}

interface Row {
  readonly id: string;
  readonly company_id: string;
  readonly status: string;
  readonly state_version: number;
  readonly term_no: number;
  readonly open: boolean;
}

async function told(product: Product, { id, company_id: companyId }: Row): Promise<unknown> {
  const { run, status, stateVersion, termNo } = await seenBy<{
    status: string;
    stateVersion: number;
    termNo: number;
  }>(product, subscriptionWorkflowId(companyId, id));
  return { id, run, status, stateVersion, termNo };
}

/**
 * Waits until the timers have done what the ledger expects of them and every message is out. A mail
 * whose worker died waits for its next try (minutes); an operator's reset makes it go at once.
 */
export async function settled(
  product: Product,
  ledger: readonly Entry[],
  withinMs: number,
): Promise<void> {
  const steps = ledger.reduce((sum, { events }) => sum + events.length, 0);
  let isFirst = true;
  let left:
    | {
        readonly open: number;
        readonly due: readonly string[];
        readonly steps: number;
        readonly waiting: readonly string[];
      }
    | undefined;
  await until(
    () => `all ${steps} steps are taken and all messages are out (${JSON.stringify(left)})`,
    async () => {
      [left] = await product.sql<NonNullable<typeof left>>(
        `SELECT (SELECT count(*)::int FROM core.outbox WHERE dispatched_at IS NULL) AS open,
           ARRAY(SELECT name || ' of ' || entity_type || ' ' || entity_id FROM core.timers
             WHERE status = 'scheduled' AND due_at <= now()) AS due,
           (SELECT count(*)::int FROM core.transitions WHERE entity_id IN
             (SELECT id FROM shared.policy_subscriptions WHERE insured_property_id IS NOT NULL)
           ) AS steps,
           ARRAY(SELECT DISTINCT coalesce(n.workflow_id,
               n.entity_type || '/' || n.company_id || '/' || n.entity_id, n.id::text)
             FROM core.notifications n WHERE n.status = 'queued') AS waiting`,
      );
      if (!left) return false;
      if (!isFirst) await deliverNow(product, left.waiting);
      isFirst = false;
      const isDone = left.open + left.due.length + left.waiting.length === 0;
      return isDone && left.steps === steps;
    },
    withinMs,
  );
  await allClosed(product, withinMs);
}

/** A mail that is out and marked may still wait for its worker's word, and its workflow with it. */
export const allClosed = (product: Product, withinMs: number): Promise<void> =>
  until('all that is over has closed', () => isClosed(product), withinMs);

async function isClosed(product: Product): Promise<boolean> {
  const over = await product.sql<{ id: string }>(
    `SELECT 'subscription/' || company_id || '/' || id AS id FROM shared.policy_subscriptions
     WHERE workflow_closed_at IS NOT NULL
     UNION ALL SELECT 'claim/' || company_id || '/' || id FROM shared.claims
     WHERE workflow_closed_at IS NOT NULL`,
  );
  const open: string[] = [];
  for (const { id } of over) {
    const { status } = await product.temporal.workflow.getHandle(id).describe();
    if (status.name === 'RUNNING') open.push(id);
  }
  await deliverNow(product, open);
  return open.length === 0;
}

/**
 * What an operator does in the Temporal UI: the activity that waits for its next try goes now.
 * @param waiting ids of workflows
 */
async function deliverNow(
  { temporal: { workflowService } }: Product,
  waiting: readonly string[],
): Promise<void> {
  for (const workflowId of waiting) {
    const execution = { workflowId };
    const namespace = 'default';
    try {
      const { pendingActivities } = await workflowService.describeWorkflowExecution({
        namespace,
        execution,
      });
      for (const { activityId, attempt } of pendingActivities ?? []) {
        if (!activityId || (attempt ?? 1) < 2) continue;
        await workflowService.resetActivity({ namespace, execution, id: activityId });
      }
    } catch (error) {
      // Closed in the meantime, or Temporal is on its way up.
      if (!isGrpcServiceError(error)) throw error;
    }
  }
}

/** Buys a subscription for the entry, insisting until it is answered. */
export async function subscribe(
  product: Product,
  entry: Entry,
  { role = 'policyholder', key }: { role?: Parameters<Product['as']>[0]; key: string },
): Promise<Answer> {
  const answer = await product.as(role).insist({
    method: 'POST',
    path: '/subscriptions',
    body: {
      insurance_plan_id: product.planId,
      insured_property_id: entry.propertyId,
      auto_renew: entry.autoRenew,
    },
    key,
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  entry.subscriptionId = textIn(dataOf(answer), 'id');
  entry.events.push('subscribe');
  return answer;
}

/** The date that was asked for is past by the time that it is judged. */
const isPastBy = ({ status, body }: Answer): boolean =>
  status === 422 && JSON.stringify(body).includes('EXPIRY_OUT_OF_RANGE');

export type Fate = 'kept' | 'cancelled' | 'renewed';

/** One subscription from purchase to where its client leaves it; every answer goes to the ledger. */
export async function liveSubscription(
  product: Product,
  entry: Entry,
  fate: Fate,
  role: Parameters<Product['as']>[0],
): Promise<void> {
  const person = product.as(role);
  await subscribe(product, entry, { role, key: newKey() });
  if (fate === 'kept') return;

  const wish = (): Wish =>
    fate === 'cancelled'
      ? {
          method: 'PATCH',
          path: `/subscriptions/${entry.subscriptionId}/cancel`,
          body: {},
          key: newKey(),
        }
      : {
          method: 'PATCH',
          path: `/workflows/subscription/${entry.subscriptionId}/timers/expiry`,
          body: { due_at: new Date(Date.now() + 45_000).toISOString(), reason: 'A bad day' },
          key: newKey(),
        };
  const whose = fate === 'cancelled' ? person : product.as('tenant_admin');
  let answer = await whose.insist(wish());
  // Nothing was done by then; who was not heard in time asks for a later date.
  while (isPastBy(answer)) answer = await whose.insist(wish());
  if (answer.status !== 200) throw new Error(`${fate}: ${JSON.stringify(answer.body)}`);
  entry.events.push(
    ...(fate === 'cancelled'
      ? (['cancel'] as const)
      : (['change_expiry_to_now', 'renew'] as const)),
  );
}
