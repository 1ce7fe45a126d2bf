import { claimActivities } from '../../../src/activities/claims.ts';
import type { Actor } from '../../../src/context.ts';
import { dateAt } from '../../../src/rules/calendar.ts';
import { claimSettings, type ClaimSettings } from '../../../src/rules/claimSettings.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildClaimFile, buildClaimRow, type ClaimFile } from '../../support/claimRows.ts';
import { pdf } from '../../support/files.ts';

let api: TestApi;
let file: ClaimFile;
let admin: Actor;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  file = await buildClaimFile();
  ({ admin } = file.staff);
});

const settings = '/companies/current/settings';
const set = (claims: object) => api.as(admin).patch(settings, { claims });
const configOf = async (id: string) => {
  const [row] = await api.database.sql<{ config: ClaimSettings }>(
    'SELECT config FROM shared.claims WHERE id = $1',
    [id],
  );
  return row?.config;
};
const reported = async () => {
  const { body } = await api.as(file.staff.agent).post(`/policies/${file.policy.id}/claims`, {
    title: 'Burst pipe',
    description: 'Water in the kitchen',
    incident_date: dateAt(Date.now(), 'Europe/Berlin'),
  });
  return String(body.data.id);
};

/** A claim under review, of the settings that are given. */
const inReview = async (changes: Partial<ClaimSettings>, status = 'under_review' as const) => {
  const { companyId, staff } = file;
  const { claim } = await buildClaimRow({
    companyId,
    status,
    assignedTo: staff.adjuster.userId,
    config: { ...claimSettings(), ...changes },
  });
  return claim;
};
const to = (id: string, status: string, data: object = {}) =>
  api.as(file.staff.adjuster).put(`/claims/${id}/update-status`, { new_status: status, data });
const proposal = { amount: '900.00', rationale: 'The estimate' };

describe('what a company sets for claims under policies of one type', () => {
  it('holds for new claims of that type before what holds for all, and not for older ones', async () => {
    const before = await reported();
    const other = file.policy.policyType === 'home' ? 'auto' : 'home';

    const answer = await set({
      decision_bd: 20,
      triage_hours: 12,
      by_policy_type: {
        [file.policy.policyType]: { decision_bd: 8, required_documents: ['estimate'] },
        [other]: { triage_hours: 1 },
      },
    });
    const after = await reported();

    expect(answer.body.data.settings.claims.by_policy_type).toMatchObject({
      value: {
        [file.policy.policyType]: { decision_bd: 8, required_documents: ['estimate'] },
        [other]: { triage_hours: 1 },
      },
      source: 'company',
      default: {},
    });
    expect(await configOf(after)).toEqual(
      claimSettings({ decisionBd: 8, triageHours: 12, requiredDocuments: ['estimate'] }),
    );
    expect(await configOf(before)).toEqual(claimSettings());
    expect((await api.as(admin).get(settings)).body.data).toEqual(answer.body.data);
  });

  it('is taken back by null, and refused by field', async () => {
    await set({ by_policy_type: { home: { decision_bd: 8 } } });
    const bad = await set({ by_policy_type: { home: { decision_bd: 1, triage_hours: 0 } } });
    const back = await set({ by_policy_type: null });

    expect(bad).toMatchObject({
      status: 422,
      body: {
        details: [
          { field: 'claims.by_policy_type.home.triage_hours' },
          {
            field: 'claims.by_policy_type.home.decision_bd',
            message: 'A whole number from 5 to 60',
          },
        ],
      },
    });
    for (const value of [{ boat: {} }, { home: { decision_days: 1 } }, { home: null }, []]) {
      expect((await set({ by_policy_type: value })).status).toBe(422);
    }
    expect(back.body.data.settings.claims.by_policy_type).toMatchObject({
      value: {},
      source: 'default',
    });
  });
});

describe('a stage that a company does without', () => {
  it.each([
    ['investigation', { hasInvestigation: false }, 'investigate'],
    ['documents_requested', { hasDocumentRequests: false }, 'request_documents'],
  ])('%s is neither offered nor entered', async (status, changes, event) => {
    const { id } = await inReview(changes);
    const usual = await inReview({});
    const offered = async (claimId: string): Promise<string[]> => {
      const { body } = await api
        .as(file.staff.adjuster)
        .get(`/claims/${claimId}/allowed-transitions`);
      return body.data.allowed_transitions.map((each: { event: string }) => each.event);
    };

    const answer = await to(id, status, { items: ['Invoice'] });

    expect(answer).toMatchObject({ status: 409, body: { code: 'STAGE_NOT_USED' } });
    expect(await offered(id)).not.toContain(event);
    expect(await offered(usual.id)).toContain(event);
  });
});

describe('documents that a claim needs', () => {
  const requiredDocuments = ['estimate', 'photo'] as const;

  it('are missed when an amount is proposed, until they are there', async () => {
    const { id } = await inReview({ requiredDocuments });
    const lacks = async () => (await to(id, 'waiting_approval', proposal)).body.missing_documents;
    const add = (documentType: string) =>
      api.as(file.staff.adjuster).upload(`/claims/${id}/add-document`, {
        fields: { document_type: documentType },
        files: [{ name: 'file.pdf', type: 'application/pdf', content: pdf }],
      });
    const scanAll = () =>
      api.database.sql(
        `UPDATE shared.documents SET scan_status = 'clean', scanned_at = now() WHERE claim_id = $1`,
        [id],
      );

    const before = await to(id, 'waiting_approval', proposal);
    await add('photo');
    await scanAll();
    const half = await lacks();
    await add('estimate');
    const unscanned = await lacks();
    await scanAll();

    expect(before).toMatchObject({
      status: 409,
      body: { code: 'DOCUMENTS_MISSING', missing_documents: ['estimate', 'photo'] },
    });
    expect([half, unscanned]).toEqual([['estimate'], ['estimate']]);
    expect(await lacks()).toBeUndefined();
  });

  it('are noted as missing where the claim goes on without them', async () => {
    const { companyId, staff } = file;
    const { claim } = await buildClaimRow({
      companyId,
      status: 'documents_requested',
      assignedTo: staff.adjuster.userId,
      config: { ...claimSettings(), requiredDocuments },
    });
    const { userId: by } = staff.adjuster;

    await claimActivities().processClaim({
      companyId,
      claimId: claim.id,
      commandId: `claim/${claim.id}/submit/1`,
      expectedVersion: 1,
      at: Date.now(),
      wish: { event: 'submit_for_approval', by, reason: null, ...proposal },
    });

    const [step] = await api.database.sql<{ facts: object }>(
      'SELECT facts FROM core.transitions WHERE entity_id = $1',
      [claim.id],
    );
    expect(step?.facts).toEqual({
      file_incomplete: true,
      missing_documents: ['estimate', 'photo'],
    });
  });
});

describe('POST /companies/current/settings/apply-to-claims', () => {
  const path = '/companies/current/settings/apply-to-claims';

  it('shows with dry_run which running claims have other settings, and what would move', async () => {
    const id = await reported();
    const before = await configOf(id);
    await set({ triage_hours: 48 });

    const { status, body } = await api.as(admin).post(path, { reason: 'A storm', dry_run: true });

    expect([status, body.data]).toMatchObject([
      200,
      { dry_run: true, failed: [], remaining: body.data.claims.length },
    ]);
    const shown = body.data.claims.find((each: { claim_id: string }) => each.claim_id === id);
    expect(shown).toMatchObject({
      status: 'reported',
      timers: [{ name: 'triage_due_soon' }, { name: 'triage' }],
    });
    const [, triage] = shown.timers;
    expect(Date.parse(triage.new_due_at) - Date.parse(triage.due_at)).toBe(24 * 3_600_000);
    expect(await configOf(id)).toEqual(before);
  });

  it('names none where all have the settings as they are', async () => {
    await reported();

    const { body } = await api.as(admin).post(path, { reason: 'A storm', dry_run: true });

    expect(body.data).toEqual({ dry_run: true, claims: [], failed: [], remaining: 0 });
  });
});
