import { randomBytes } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { buildClaimRow } from '../../support/claimRows.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { buildProperty } from '../../support/properties.ts';

/** What is read, and the object whose run it is. */
interface Shown {
  readonly path: string;
  readonly id: string;
}

let api: TestApi;
let companyId: string;
let admin: Actor & { userId: string };

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  companyId = (await buildCompany()).id;
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const made = async (path: string, body: object): Promise<Shown> => {
  const answer = await api.as(admin).post(path, body);
  expect(answer).toMatchObject({ status: 201 });
  const { id } = answer.body.data;
  return { path: `${path}/${id}`, id };
};

const objects: Readonly<Record<string, () => Promise<Shown>>> = {
  async subscription() {
    const { id } = await buildSubscription({ companyId });
    return { path: `/subscriptions/${id}`, id };
  },
  async claim() {
    const { id } = (await buildClaimRow({ companyId })).claim;
    return { path: `/claims/${id}`, id };
  },
  async booking() {
    const property = await buildProperty({ companyId, minNights: 1, maxNights: 14 });
    const from = addDays(dateAt(Date.now(), 'Europe/Berlin'), 10);
    const stay = { property_id: property.id, start_date: from, end_date: addDays(from, 3) };
    return made('/bookings', { ...stay, guests: 1 });
  },
  report: () => made('/reports', { name: 'Renewals', report_type: 'renewal_pipeline' }),
  async version() {
    const { policyId, versionId } = await buildPolicyRow({ companyId, authors: [admin.userId] });
    return { path: `/compliance-policies/${policyId}`, id: versionId };
  },
  async registration() {
    const name = `acme${randomBytes(4).toString('hex')}`;
    const answer = await api.nowhere.post('/register', {
      company_name: name,
      requested_domain: `${name}.example`,
      admin_email: `ada@${name}.example`,
      admin_username: name,
      admin_password: 'securepassword',
    });
    const { id } = answer.body.data;
    return { path: `/administration/registration-requests/${id}`, id };
  },
};

/** Its starts so far were given, and a later one was given up. */
async function park(owner: string, id: string): Promise<void> {
  await api.database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [id]);
  await api.database.sql(
    `INSERT INTO core.outbox (company_id, id, entity_type, entity_id, workflow_type, workflow_id,
       input, not_before, parked_at)
     VALUES ($1, $2, 'any', $3, 'any', 'any', '{}', now(), now())`,
    [owner, uuid(), id],
  );
}

it.each(Object.keys(objects))('a %s whose start was given up is still starting', async (kind) => {
  const isOurs = kind !== 'registration';
  const reader = isOurs
    ? admin
    : await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
  const shown = await objects[kind]?.();
  const stateOf = async () => {
    const { data } = (await api.as(reader).get(String(shown?.path))).body;
    return (data.latest_version ?? data).workflow.state;
  };
  await park(isOurs ? companyId : platformCompanyId, String(shown?.id));

  expect(await stateOf()).toBe('starting');
  await api.database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [
    shown?.id,
  ]);
  expect(await stateOf()).toBe('running');
});
