import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { createTokens } from '../../src/commands/tokens.ts';
import { readConfig } from '../../src/config.ts';
import { settleBatch } from '../../src/models/acknowledging.ts';
import { watchedPolicy } from '../../src/models/watchedPolicy.ts';
import { append, flush, platformCompanyId, select, withTenant } from '../../src/models/database.ts';
import { Review } from '../../src/models/Review.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { roleCodes, type Role } from '../../src/rules/permissions.ts';
import { hire } from '../support/acknowledgements.ts';
import { openSession, openTestApi, type Caller, type TestApi } from '../support/api.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { png } from '../support/files.ts';
import { buildStayed, payStay } from '../support/properties.ts';
import { buildPayment } from '../support/payments.ts';
import { buildPolicyRow } from '../support/policyRows.ts';
import { reportCells } from './columns.ts';
import type { Place } from './registry.ts';

export type Person = Awaited<ReturnType<typeof buildActor>>;

/** A company with a person for each role and one thing of each kind. */
export interface Full {
  readonly id: string;
  readonly people: ReadonlyMap<Role, Person>;
  readonly holder: Person;
  /** The holder's, over and paid, of which something goes back. */
  readonly stay: Stay;
  /** By the beginning of the path. */
  readonly objects: Readonly<Record<string, string>>;
}

interface Stay {
  readonly bookingId: string;
  readonly chargeId: string;
  readonly refundId: string;
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
export const publicPem = createPublicKey(privateKey)
  .export({ type: 'spki', format: 'pem' })
  .toString();
const settings = { JWT_ALGORITHM: 'RS256', JWT_PRIVATE_KEY: pem, DEV_MAIL_DIR: '/nowhere' };
const tokens = createTokens(
  readConfig({
    ENVIRONMENT: 'test',
    DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
    ...settings,
  }),
);

/** An API that takes tokens signed with our key, and two companies in it. */
export interface Wall {
  readonly api: TestApi;
  readonly ours: Full;
  readonly other: Full;
}

/** The hooks of a suite: two companies and a wall between them. */
export function useWall(use: (wall: Wall) => void): void {
  let api: TestApi;

  beforeAll(async () => {
    api = await openTestApi(settings);
    use({ api, ours: await buildFull(api), other: await buildFull(api) });
  });

  afterAll(async () => {
    reportCells();
    await api.close();
  });
}

export async function buildFull(api: TestApi): Promise<Full> {
  const { id } = await buildCompany();
  const people = new Map<Role, Person>();
  for (const role of roleCodes) {
    const companyId = role === 'global_admin' ? platformCompanyId : id;
    people.set(role, await buildActor({ companyId, role }));
  }
  const holder = await buildActor({ companyId: id });
  const admin = api.as(personOf(people, 'tenant_admin'));
  const category = await admin.post('/categories', { name: 'Houses', segment: 'residential' });
  const plan = await admin.post('/plans', {
    name: 'Home',
    property_category_id: category.body.data.id,
    coverage_level: 'basic',
    coverage_amount: '1000.00',
    premium: '10.00',
    duration_months: 12,
  });
  const property = await api.as(holder).post('/properties', {
    name: 'House by the lake',
    description: 'With a boat',
    address: 'Seestrasse 4',
    price_per_night: '120.00',
    max_guests: 4,
  });
  const block = await api.as(holder).post(`/properties/${property.body.data.id}/blocks`, {
    start_date: addDays(dateAt(Date.now(), 'Europe/Berlin'), 200),
    end_date: addDays(dateAt(Date.now(), 'Europe/Berlin'), 205),
  });
  const bought = await api.as(holder).post('/subscriptions', {
    insurance_plan_id: plan.body.data.id,
    insured_property_id: property.body.data.id,
  });
  const claim = await admin.post('/claims', {
    policy_id: bought.body.data.policy_id,
    title: 'Burst pipe',
    description: 'Water in the kitchen',
    incident_date: bought.body.data.start_date,
  });
  const letter = await buildActor({ companyId: id });
  const other = await api.as(letter).post('/properties', {
    name: 'Cabin',
    description: 'In the woods',
    address: 'Waldweg 1',
    price_per_night: '80.00',
    max_guests: 2,
  });
  const booking = await api.as(holder).post('/bookings', {
    property_id: other.body.data.id,
    start_date: addDays(dateAt(Date.now(), 'Europe/Berlin'), 30),
    end_date: addDays(dateAt(Date.now(), 'Europe/Berlin'), 33),
  });
  await api.as(letter).post('/bookings', {
    property_id: property.body.data.id,
    start_date: addDays(dateAt(Date.now(), 'Europe/Berlin'), 30),
    end_date: addDays(dateAt(Date.now(), 'Europe/Berlin'), 33),
  });
  const { review, ...stay } = await buildReview({
    companyId: id,
    propertyId: other.body.data.id,
    guestId: holder.userId,
    hostId: letter.userId,
  });
  const customer = await admin.post('/customers', { name: 'Harbour Logistics' });
  const employee = await admin.post('/employees', {
    customer_id: customer.body.data.id,
    name: 'Grace Hopper',
    email: 'grace@example.com',
  });
  const compliance = await admin.post('/compliances', {
    compliance_type: 'infosec',
    compliance_title: 'ISO 27001',
  });
  const customerCompliance = await admin.post('/customer-compliance', {
    customer_id: customer.body.data.id,
    compliance_id: compliance.body.data.id,
  });
  const audited = await admin.post('/customer-compliance', {
    customer_id: employee.body.data.customer_id,
    compliance_id: (
      await admin.post('/compliances', {
        compliance_type: 'infosec',
        compliance_title: 'ISO 22301',
      })
    ).body.data.id,
  });
  const audit = await admin.post(`/customer-compliance/${audited.body.data.id}/complete-audit`);
  const template = await admin.post('/templates', { name: 'Acceptable use' });
  const policy = await admin.post('/compliance-policies', {
    title: 'Acceptable use',
    content: 'For work',
  });
  const configuration = await admin.post('/policy-configurations', {
    policy_id: policy.body.data.id,
    key: 'vulnerability_sla',
    value: '7 days',
  });
  const campaign = await admin.post('/campaigns', {
    policy_id: policy.body.data.id,
    name: 'Before the audit',
    due_days: 14,
  });
  const asked = await buildAsked(id, holder.userId);
  const name = `n${id.replaceAll('-', '').slice(-12)}`;
  const registered = await api.nowhere.post('/register', {
    company_name: name,
    requested_domain: `${name}.example`,
    admin_email: `ada@${name}.example`,
    admin_username: name,
    admin_password: 'Seven-Green-Otters-7',
  });
  const domain = await admin.post('/companies/current/domains', { domain: `new.${name}.example` });
  const invited = await admin.post('/invitations', { email: `${name}@example.com`, role: 'hr' });
  const made = await admin.post('/api-keys', { name: 'Export', scopes: ['policy:read'] });
  const report = await admin.post('/reports', { name: 'All', report_type: 'policy_type_analysis' });
  const policyId: string = bought.body.data.policy_id;
  const uploaded = await api.as(holder).upload(`/policies/${policyId}/documents`, {
    fields: { document_type: 'photo' },
    files: [{ name: 'roof.png', type: 'image/png', content: png }],
  });
  const onClaim = await buildOnClaim(admin, api.as(holder), claim.body.data.id);
  const told = await api.as(holder).get('/notifications', { channel: 'in_app' });
  const invoice = uuid();
  const { payment } = await buildPayment({
    companyId: id,
    userId: holder.userId,
    invoiceId: invoice,
  });
  const drift = uuid();
  await api.database.sql(
    `INSERT INTO core.workflow_drifts (company_id, id, kind, entity_id, workflow_id, finding, details,
       found_at, seen_at)
     VALUES ($1, $2, 'subscription', $3, $4, 'missing', $5, now(), now())`,
    [id, drift, bought.body.data.id, `subscription/${id}`, missingRun],
  );
  const bulk = uuid();
  await api.database.sql(
    `INSERT INTO core.bulk_operations (company_id, id, action, filter, reason, per_second, asker)
     VALUES ($1, $2, 'signal', '{}', 'Tried out', 5, '{"type":"user","userId":null,"roles":[]}')`,
    [id, bulk],
  );
  const alert = uuid();
  await api.database.sql(
    `INSERT INTO core.alerts (company_id, id, kind, subject, since, raised_at, seen_at)
     VALUES ($1, $2, 'drift', $3, now(), now(), now())`,
    [id, alert, `subscription/${id}/${bought.body.data.id}`],
  );
  const rule = await api
    .as(personOf(people, 'operator'))
    .post('/workflows/alert-rules', { kind: 'timers_overdue', minutes: 20 });
  const notificationTemplate = await admin.post('/notification-templates', {
    code: 'report_failed',
    subject: 'No report "{{reportName}}"',
    body: 'Dear {{name}}, it failed.',
  });
  const endpoint = await admin.post('/webhook-endpoints', {
    url: 'https://hooks.example/surety',
    events: ['report_ready'],
  });
  return {
    id,
    people,
    holder,
    stay,
    objects: {
      'companies/current/domains': domain.body.data.id,
      companies: id,
      categories: category.body.data.id,
      plans: plan.body.data.id,
      properties: property.body.data.id,
      blocks: block.body.data.id,
      bookings: booking.body.data.id,
      reviews: review,
      'workflows/booking': booking.body.data.id,
      subscriptions: bought.body.data.id,
      'workflows/drift': drift,
      'workflows/bulk': bulk,
      'workflows/alerts': alert,
      'workflows/alert-rules': rule.body.data.id,
      'webhook-endpoints': endpoint.body.data.id,
      'notification-templates': notificationTemplate.body.data.id,
      'workflows/subscription': bought.body.data.id,
      'workflows/claim': claim.body.data.id,
      'workflows/payment': payment.id,
      'workflows/report': report.body.data.id,
      'workflows/document': uploaded.body.data.documents[0].id,
      claims: claim.body.data.id,
      acknowledgements: asked.id,
      campaigns: campaign.body.data.id,
      customers: customer.body.data.id,
      employees: employee.body.data.id,
      compliances: compliance.body.data.id,
      'customer-compliance': customerCompliance.body.data.id,
      'evidence-packs': audit.body.data.evidence_pack_id,
      'policy-configurations': configuration.body.data.id,
      'compliance-policies': policy.body.data.id,
      'workflows/policy-approval': policy.body.data.latest_version.id,
      'workflows/acknowledgement': asked.policyId,
      templates: template.body.data.id,
      'workflows/onboarding': registered.body.data.id,
      'administration/registration-requests': registered.body.data.id,
      'auth/sessions': (await sessionOf(holder)).sessionId,
      users: holder.userId,
      invitations: invited.body.data.id,
      policies: policyId,
      documents: uploaded.body.data.documents[0].id,
      payments: payment.id,
      invoices: invoice,
      ...onClaim,
      'api-keys': made.body.data.id,
      reports: report.body.data.id,
      notifications: told.body.items[0].id,
    },
  };
}

/** Of a stay that is over. */
async function buildReview(
  people: Parameters<typeof buildStayed>[0],
): Promise<Stay & { readonly review: string }> {
  const stayed = await buildStayed(people);
  const { id: bookingId, companyId, propertyId, guestId: reviewerId } = stayed;
  const paid = await payStay(stayed);
  return withTenant(companyId, async () => {
    const review = append(Review, { propertyId, bookingId, reviewerId, rating: 4 });
    await flush();
    return { review, bookingId, ...paid };
  });
}

/** A document that the holder is asked to read. */
async function buildAsked(
  companyId: string,
  holderId: string,
): Promise<{ readonly id: string; readonly policyId: string }> {
  const row = { companyId, authors: [holderId], title: 'Clean desk', status: 'published' } as const;
  const { policyId } = await buildPolicyRow(row);
  await hire(companyId, 1, { userId: holderId });
  return withTenant(companyId, async () => {
    await settleBatch(await watchedPolicy(policyId, new Date()), noId);
    const [asked] = await select<{ id: string }>('SELECT id FROM acknowledgements');
    return { id: asked?.id ?? noId, policyId };
  });
}

const noId = '00000000-0000-0000-0000-000000000000';

const missingRun = JSON.stringify({ row: { stateVersion: 1, dueAt: null }, run: null });

/** One thing of each kind that hangs on a claim; the note is the holder's. */
async function buildOnClaim(
  admin: Caller,
  holder: Caller,
  claimId: string,
): Promise<Readonly<Record<string, string>>> {
  const of = `/claims/${claimId}`;
  const note = await holder.post(`${of}/add-note`, { note: 'When do you come?' });
  const recovery = await admin.post(`${of}/recoveries`, {
    kind: 'salvage',
    party: 'Scrap yard',
    estimated: '100.00',
  });
  const flag = await admin.post(`${of}/fraud-flags`, { reason: 'The photos are old' });
  await admin.put(`${of}/location`, { address: 'Alexanderplatz 1, Berlin' });
  return {
    notes: note.body.data.id,
    recoveries: recovery.body.data.id,
    'fraud-flags': flag.body.data.id,
  };
}

export function personOf(people: ReadonlyMap<Role, Person>, role: Role): Person {
  const person = people.get(role);
  if (!person) throw new Error(`Nobody is ${role}`);
  return person;
}

export const sessionOf = (person: Person) => openSession(tokens, person);

/** Signs in once, and again after a request that may have ended the session: a column may also sign out. */
export function stayingSignedIn(person: Person): (next: Place) => Promise<string> {
  let session: ReturnType<typeof sessionOf> | undefined;
  return async ({ route, path }) => {
    session ??= sessionOf(person);
    const { token } = await session;
    if (route.method !== 'GET' && /(auth|users)\//.test(path)) session = undefined;
    return token;
  };
}

export const bearer = (token: string): Record<string, string> => ({
  Authorization: `Bearer ${token}`,
});

/** Which of the objects a route with `:id` is about. */
export const objectAt = (
  endpoint: string,
  objects: Readonly<Record<string, string>>,
): string | undefined =>
  Object.entries(objects).find(([start]) => endpoint.includes(` /${start}/`))?.[1];
