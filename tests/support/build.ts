import { v7 as uuid } from 'uuid';
import { runInContext, type Actor } from '../../src/context.ts';
import { Replay, type Once } from '../../src/commands/idempotency.ts';
import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import { append, withGlobal, withIdentity, withTenant, flush } from '../../src/models/database.ts';
import { Company } from '../../src/models/Company.ts';
import { InsurancePlan } from '../../src/models/InsurancePlan.ts';
import { PropertyCategory } from '../../src/models/PropertyCategory.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { getRow } from '../../src/models/rows.ts';
import { User } from '../../src/models/User.ts';
import type { TestDatabase } from './database.ts';
import { Membership } from '../../src/models/Membership.ts';
import type { Role } from '../../src/rules/permissions.ts';

/** A number of its own for each built row, so that unique names are. */
let built = 0;
const unique = (): string => `${Date.now().toString(36)}${(built += 1)}`;

export async function buildCompany(
  overrides: Partial<{ code: string; timeZone: string; settings: Company['settings'] }> = {},
): Promise<Company> {
  return withGlobal(() =>
    Company.create({
      id: uuid(),
      name: `Company ${unique()}`,
      code: `C${unique().toUpperCase()}`.slice(0, 20),
      timeZone: 'Europe/Berlin',
      ...overrides,
    }),
  );
}

/** A company whose business tables are its own. */
export async function buildDedicatedCompany(
  sql: TestDatabase['sql'],
  overrides: Parameters<typeof buildCompany>[0] = {},
): Promise<Company> {
  const { id } = await buildCompany(overrides);
  await sql(
    `UPDATE platform.companies
     SET isolation = 'dedicated_schema', schema_name = app.business_schema(id) WHERE id = $1`,
    [id],
  );
  await sql(
    `SELECT set_config('app.current_company_id', $1, true), app.prepare_business_schema()`,
    [id],
  );
  return withGlobal(() => getRow(Company, id));
}

/** A person with a membership, and the actor they are when signed in. */
export async function buildActor({
  companyId,
  role = 'policyholder',
}: {
  companyId: string;
  role?: Role;
}): Promise<Actor & { userId: string; email: string }> {
  const id = uuid();
  const name = `user${unique()}`;
  const email = `${name}@example.com`;
  await withIdentity(companyId, async () => {
    await User.create({ id, username: name, email, firstName: 'Ada', lastName: 'Lovelace' });
    await Membership.create({ id: uuid(), companyId, userId: id, role });
  });
  return { type: 'user', userId: id, companyId, roles: [role], sessionId: null, email };
}

export async function buildPlan({
  companyId,
  ...overrides
}: { companyId: string } & Partial<{
  premium: string;
  currency: string;
  coverageAmount: string;
  durationMonths: number;
  isActive: boolean;
  lifecycleConfig: InsurancePlan['lifecycleConfig'];
}>): Promise<InsurancePlan> {
  return withTenant(companyId, async () => {
    const categoryId = append(PropertyCategory, {
      name: `Category ${unique()}`,
      segment: 'residential',
    });
    await flush();
    return InsurancePlan.create({
      id: uuid(),
      companyId,
      name: `Plan ${unique()}`,
      propertyCategoryId: categoryId,
      coverageLevel: 'standard',
      coverageAmount: '250000.00',
      premium: '365.00',
      currency: 'EUR',
      durationMonths: 12,
      ...overrides,
    });
  });
}

/** What a holder bought just now, and the start that nobody has dispatched. */
export interface Sold {
  readonly holder: Awaited<ReturnType<typeof buildActor>>;
  readonly companyId: string;
  readonly id: string;
  readonly start: WorkflowStart;
}

/** A subscription made by the command itself, without a workflow. */
export async function buildSubscription({
  companyId,
  plan = {},
  ...wish
}: {
  companyId?: string;
  plan?: Partial<Parameters<typeof buildPlan>[0]>;
  autoRenew?: boolean;
  startDate?: string;
} = {}): Promise<Sold> {
  const seller = companyId
    ? await withGlobal(() => getRow(Company, companyId))
    : await buildCompany();
  const holder = await buildActor({ companyId: seller.id });
  const { id: insurancePlanId } = await buildPlan({ companyId: seller.id, ...plan });
  const starts: WorkflowStart[] = [];
  const { subscribe } = createSubscriptions({
    dispatcher: { dispatch: (start) => void starts.push(start), drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
  });
  const view = await as(holder, () =>
    subscribe(holder, seller, { autoRenew: false, ...wish, insurancePlanId }, once(holder)),
  );
  const [start] = starts;
  if (view instanceof Replay || !start) throw new Error('Nothing was sold');
  return { holder, companyId: seller.id, id: view.subscription.id, start };
}

/** A request of its own, or with `key` one that repeats. */
export const once = (actor: Actor, key?: string, bodyHash = 'body'): Once => ({
  companyId: actor.companyId,
  principal: actor.userId ?? actor.type,
  route: 'POST /test',
  key,
  bodyHash,
  status: 201,
  message: 'OK',
  present: (result) => result,
});

/** Runs work as the API would: every effect names the actor and a request id. */
export const as = <T>(
  actor: Actor,
  work: () => Promise<T>,
  requestId = `req_${uuid()}`,
): Promise<T> =>
  runInContext(
    {
      requestId,
      companyId: actor.companyId,
      actorId: actor.userId,
      actorType: actor.type,
    },
    work,
  );
