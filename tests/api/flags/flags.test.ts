import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { createFlags } from '../../../src/commands/flags.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let global: Actor;

beforeAll(async () => {
  api = await openTestApi();
  global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
});
afterAll(() => api.close());

const buildHolder = async () => buildActor({ companyId: (await buildCompany()).id });

const auditOf = (companyId: string) =>
  api.database.sql<Record<string, unknown>>(
    `SELECT actor_id, action, before, after FROM core.audit_logs
     WHERE company_id = $1 AND entity_type = 'feature_flag' ORDER BY timestamp, id`,
    [companyId],
  );

describe('/feature-flags', () => {
  it('are off; a company’s own value goes before the platform’s', async () => {
    const holder = await buildHolder();
    const other = await buildHolder();
    const path = '/feature-flags/enable_ai_pricing';
    const seenBy = async (actor: Actor) =>
      (await api.as(actor).get('/feature-flags')).body.data.flags.find(
        ({ flag }: { flag: string }) => flag === 'enable_ai_pricing',
      );

    const atFirst = await seenBy(holder);
    const own = await api.as(global).patch(path, { enabled: false, company_id: holder.companyId });
    const all = await api.as(global).patch(path, { enabled: true });

    expect(atFirst).toEqual({
      flag: 'enable_ai_pricing',
      enabled: false,
      source: 'default',
      gates:
        'Prices proposed by a model; off, or while none is set up, the standard pricing applies.',
    });
    expect(own.body.data).toMatchObject({ enabled: false, source: 'company' });
    expect(all.body.data).toMatchObject({ enabled: true, source: 'platform' });
    expect(await seenBy(holder)).toMatchObject({ enabled: false, source: 'company' });
    expect(await seenBy(other)).toMatchObject({ enabled: true, source: 'platform' });
    expect(await auditOf(holder.companyId)).toEqual([
      {
        actor_id: global.userId,
        action: 'UPDATE',
        before: { flag: 'enable_ai_pricing', enabled: false, source: 'default' },
        after: { flag: 'enable_ai_pricing', enabled: false },
      },
    ]);
    expect(await auditOf(platformCompanyId)).toMatchObject([
      { after: { flag: 'enable_ai_pricing', enabled: true } },
    ]);
  });

  it('take a value back, after which the next one holds', async () => {
    const { companyId } = await buildHolder();
    const path = '/feature-flags/enable_document_ai';
    await api.as(global).patch(path, { enabled: true, company_id: companyId });

    const back = await api.as(global).patch(path, { enabled: null, company_id: companyId });
    const again = await api.as(global).patch(path, { enabled: null, company_id: companyId });

    for (const { status, body } of [back, again]) {
      expect([status, body.data.enabled, body.data.source]).toEqual([200, false, 'default']);
    }
    expect((await auditOf(companyId)).at(1)).toMatchObject({
      before: { enabled: true, source: 'company' },
      after: { enabled: null },
    });
  });

  it('are switched by global administrators alone, for companies that there are', async () => {
    const { companyId } = await buildHolder();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const path = '/feature-flags/enable_document_ai';

    const refused = await api.as(admin).patch(path, { enabled: true });
    const nobody = await api.as(global).patch(path, { enabled: true, company_id: uuid() });
    const unknown = await api.as(global).patch('/feature-flags/enable_all', { enabled: true });
    const stranger = await api.visiting(companyId).get('/feature-flags');
    const rows = await api.database.sql(
      `SELECT 1 FROM platform.feature_flags WHERE flag = 'enable_document_ai'`,
    );

    expect(
      [refused, nobody, unknown, stranger].map(({ status, body }) => [status, body.code]),
    ).toEqual([
      [403, 'FORBIDDEN'],
      [404, 'NOT_FOUND'],
      [422, 'VALIDATION_ERROR'],
      [401, 'UNAUTHENTICATED'],
    ]);
    expect(rows).toEqual([]);
  });
});

/** An answer for which the database was not too slow: after a second it is what was known before. */
async function inTime<T>(ask: () => Promise<T>): Promise<T> {
  const since = performance.now();
  const answer = await ask();
  return performance.now() - since < 1000 ? answer : inTime(ask);
}

describe('GET /version', () => {
  const featuresShown = () =>
    inTime(async () => (await api.nowhere.get('/version')).body.data.features);

  it('shows what the platform has switched on, at once in this process', async () => {
    const before = await featuresShown();
    await api.as(global).patch('/feature-flags/enable_advanced_analytics', { enabled: true });
    const after = await featuresShown();

    expect(before).toMatchObject({ enable_advanced_analytics: false });
    expect(after).toMatchObject({ enable_advanced_analytics: true });
  });

  it('answers with what was last known while the table cannot be read', async () => {
    const flags = createFlags();
    await api.database.sql('REVOKE SELECT ON platform.feature_flags FROM app_global');

    const never = await flags.features();
    await api.database.sql('GRANT SELECT ON platform.feature_flags TO app_global');
    const known = await inTime(() => flags.features());

    expect(never).toEqual({
      enable_advanced_analytics: false,
      enable_ai_pricing: false,
      enable_document_ai: false,
    });
    expect(known).toMatchObject({ enable_advanced_analytics: true });
  });

  it('does not wait for a database that does not answer', async () => {
    const flags = createFlags();
    await api.database.sql('BEGIN');
    await api.database.sql('LOCK TABLE platform.feature_flags IN ACCESS EXCLUSIVE MODE');

    const features = await flags.features();
    await api.database.sql('ROLLBACK');

    expect(features).toMatchObject({ enable_ai_pricing: false });
  });
});
