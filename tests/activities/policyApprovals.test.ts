import { policyApprovalActivities } from '../../src/activities/policyApprovals.ts';
import type { PolicyVersionWish } from '../../src/models/policyApprovalStart.ts';
import type { PolicyTimerName } from '../../src/rules/policyClocks.ts';
import { as, buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildPolicyRow } from '../support/policyRows.ts';

const dayMs = 86_400_000;

describe('a step of a version of a compliance policy', () => {
  let database: TestDatabase;
  const { processPolicyVersion, firePolicyTimer } = policyApprovalActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** A draft by somebody, and two who may decide about it. */
  async function build(settings: object = {}) {
    const { id: companyId } = await buildCompany({ settings });
    const of = (role: 'compliance_manager' | 'tenant_admin') => buildActor({ companyId, role });
    const author = await of('compliance_manager');
    const [first, second] = [await of('compliance_manager'), await of('tenant_admin')];
    const { versionId, policyId } = await buildPolicyRow({ companyId, authors: [author.userId] });
    const begun = Date.now();
    let version = 1;
    let steps = 0;
    const order = (day: number, commandId = `test/${versionId}/${(steps += 1)}`) => ({
      companyId,
      versionId,
      commandId,
      expectedVersion: version,
      at: begun + day * dayMs,
    });
    const go = async (wish: PolicyVersionWish, day = 0, commandId?: string) => {
      const { state } = await as(author, () =>
        processPolicyVersion({ ...order(day, commandId), wish }),
      );
      version = state.stateVersion;
      return state;
    };
    const fire = async (day: number, name: PolicyTimerName, occurrence = 1) => {
      const { state } = await firePolicyTimer({ ...order(day), name, occurrence });
      version = state.stateVersion;
      return state;
    };
    const row = async (table: string, id: string) => {
      const [found] = await database.sql<{ row: Record<string, unknown> }>(
        `SELECT to_jsonb(t) AS row FROM shared.${table} t WHERE id = $1`,
        [id],
      );
      return found?.row;
    };
    const told = async (template: string) =>
      (
        await database.sql<{ to: string }>(
          `SELECT recipient_user_id AS to FROM core.notifications
           WHERE entity_id = $1 AND template_code = $2 AND channel = 'email' ORDER BY 1`,
          [versionId, template],
        )
      ).map(({ to }) => to);
    const who = { by: author.userId, reason: null };
    return {
      companyId,
      author,
      first,
      second,
      who,
      go,
      fire,
      told,
      version: () => row('compliance_policy_versions', versionId),
      policy: () => row('compliance_policies', policyId),
    };
  }

  it('takes effect once, however often it is tried', async () => {
    const { go, who, first, version, told } = await build();
    await go({ ...who, event: 'submit', approvers: [] });
    const approve = () =>
      go({ ...who, by: first.userId, event: 'approve', round: 1 }, 1, 'the same command');

    const once = await approve();
    const again = await approve();

    expect(again).toEqual(once);
    expect(await version()).toMatchObject({ status: 'approved', state_version: 3 });
    expect(await told('compliance_policy_approved')).toHaveLength(1);
  });

  it('asks those who are named, and reminds them with their delegates of what they have not decided', async () => {
    const { go, fire, who, first, second, told, companyId } = await build();
    const delegate = await buildActor({ companyId, role: 'hr' });
    await database.sql(
      `UPDATE platform.memberships SET delegate_user_id = $1, delegate_until = now() + interval '9 days'
       WHERE company_id = $2 AND user_id = $3`,
      [delegate.userId, companyId, second.userId],
    );

    await go({ ...who, event: 'submit', approvers: [second.userId] });
    await fire(3, 'approval_reminder');

    expect(await told('compliance_policy_submitted')).toEqual([second.userId]);
    expect(await told('compliance_policy_reminder')).toEqual(
      [second.userId, delegate.userId].toSorted(),
    );
    expect(await told('compliance_policy_submitted')).not.toContain(first.userId);
  });

  it('keeps the quorum of the day it was submitted', async () => {
    const { go, who, first, companyId, version } = await build({
      compliance: { approvalQuorum: 2 },
    });
    await go({ ...who, event: 'submit', approvers: [] });
    await database.sql(
      `UPDATE platform.companies SET settings = '{"compliance":{"approvalQuorum":1}}' WHERE id = $1`,
      [companyId],
    );

    await go({ ...who, by: first.userId, event: 'approve', round: 1 });

    expect(await version()).toMatchObject({ status: 'pending_approval', quorum: 2 });
  });

  it('that is edited takes a publication that was planned back', async () => {
    const { go, fire, who, first, version } = await build();
    await go({ ...who, event: 'submit', approvers: [] });
    await go({ ...who, by: first.userId, event: 'approve', round: 1 });
    const publishAt = Date.now() + 2 * dayMs;
    const planned = await go({ ...who, event: 'schedule_publish', publishAt });

    const edited = await go({ ...who, event: 'edit' });
    await fire(2, 'publish', planned.timers[0]?.occurrence);

    expect(planned.timers).toMatchObject([{ name: 'publish', dueAt: publishAt }]);
    expect(edited.timers).toEqual([]);
    expect(await version()).toMatchObject({ status: 'draft', publish_at: null });
  });

  it('that decides about an earlier submission decides nothing', async () => {
    const { go, who, first, version } = await build();
    await go({ ...who, event: 'submit', approvers: [] });
    await go({ ...who, event: 'edit' });
    await go({ ...who, event: 'submit', approvers: [] });
    const by = first.userId;

    for (const event of ['approve', 'reject'] as const) {
      await expect(go({ ...who, by, event, round: 1 })).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
      });
    }
    await go({ ...who, by, event: 'approve', round: 2 });

    expect(await version()).toMatchObject({ status: 'approved', round: 2 });
  });

  it('by an author, or by nobody, decides nothing', async () => {
    const { go, who, version } = await build();
    await go({ ...who, event: 'submit', approvers: [] });

    await expect(go({ ...who, event: 'approve', round: 1 })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(go({ ...who, by: null, event: 'reject', round: 1 })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await version()).toMatchObject({ status: 'pending_approval', state_version: 2 });
  });

  it('fires a timer once, and the step that it orders is refused where the row went on', async () => {
    const { go, fire, who, told, version } = await build();
    await go({ ...who, event: 'submit', approvers: [] });

    await fire(6, 'approval_escalation');
    await fire(6, 'approval_escalation');

    expect(await version()).toMatchObject({ is_escalated: true, state_version: 2 });
    expect(await told('compliance_policy_overdue')).toHaveLength(2);
  });

  it('that publishes puts the policy in force, for whoever complies by it', async () => {
    const { go, who, first, policy, version, companyId } = await build();
    const [compliance] = await database.sql<{ id: string }>(
      `WITH made AS (INSERT INTO shared.compliances (company_id, id, compliance_type, compliance_title)
           VALUES ($1, gen_random_uuid(), 'infosec', 'ISO 27001') RETURNING id),
         customer AS (INSERT INTO shared.customers (company_id, id, name)
           VALUES ($1, gen_random_uuid(), 'Harbour') RETURNING id),
         asked AS (INSERT INTO shared.customer_compliances (company_id, id, customer_id, compliance_id)
           SELECT $1, gen_random_uuid(), customer.id, made.id FROM customer, made RETURNING id)
       SELECT id FROM asked`,
      [companyId],
    );
    await database.sql(
      'UPDATE shared.compliance_policies SET customer_compliance_id = $1 WHERE company_id = $2',
      [compliance?.id, companyId],
    );
    await go({ ...who, event: 'submit', approvers: [] });
    await go({ ...who, by: first.userId, event: 'approve', round: 1 });
    await go({ ...who, event: 'publish' });
    const [updated] = await database.sql<{ at: Date | null }>(
      'SELECT compliance_updated AS at FROM shared.customer_compliances WHERE id = $1',
      [compliance?.id],
    );

    expect(await policy()).toMatchObject({
      policy_version: 1,
      reack_version: 1,
      approval_status: 'approved',
      review_overdue: false,
      is_asking: true,
    });
    expect(await version()).toMatchObject({ status: 'published', published_by: who.by });
    expect(updated?.at).toBeInstanceOf(Date);
  });
});
