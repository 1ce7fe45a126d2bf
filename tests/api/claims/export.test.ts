import type { Actor } from '../../../src/context.ts';
import { flush, withTenant } from '../../../src/models/database.ts';
import { LedgerEntry } from '../../../src/models/LedgerEntry.ts';
import { openPayment } from '../../../src/models/paymentStart.ts';
import { Transition } from '../../../src/models/Transition.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildClaimFile, buildClaimRow, type ClaimFile } from '../../support/claimRows.ts';
import { png } from '../../support/files.ts';

let api: TestApi;
let companyId: string;
let staff: ClaimFile['staff'];
let claim: ClaimFile['claim'];
let holder: Actor;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ companyId, staff, claim, holder } = await buildClaimFile({ status: 'under_review' }));
});

const exported = (by: Actor = staff.admin, id = claim.id) => api.as(by).get(`/claims/${id}/export`);

/** Of each thing that hangs on a claim one. */
async function fill(): Promise<{ readonly documentId: string; readonly paymentId: string }> {
  const at = `/claims/${claim.id}`;
  await api.as(staff.adjuster).post(`${at}/add-note`, { note: 'Looks odd' });
  await api.as(holder).post(`${at}/add-note`, { note: 'Hurry' });
  await api
    .as(staff.manager)
    .post(`${at}/reserves`, { category: 'loss', amount: '900.00', reason: 'Estimate' });
  await api.as(staff.manager).post(`${at}/fraud-flags`, { score: 10, reason: 'Soon after' });
  await api
    .as(staff.manager)
    .post(`${at}/recoveries`, { kind: 'salvage', party: 'Scrapyard', estimated: '50.00' });
  await api.as(staff.manager).put(`${at}/location`, { address: 'Alexanderplatz' });
  const { body } = await api.as(holder).upload(`${at}/add-document`, {
    fields: { document_type: 'photo' },
    files: [{ name: 'roof.png', type: 'image/png', content: png }],
  });
  const paymentId = await withTenant(companyId, async () => {
    const payment = openPayment({
      purpose: 'claim_payout',
      claimId: claim.id,
      userId: null,
      payeeName: 'Ada Lovelace',
      amount: '120.00',
      currency: 'EUR',
      at: new Date(),
    });
    await flush();
    LedgerEntry.post(payment);
    return payment.id;
  });
  return { documentId: body.data.documents[0].id, paymentId };
}

describe('GET /claims/:id/export', () => {
  it('has the claim with all that hangs on it, as a file, and is written down', async () => {
    const { documentId, paymentId } = await fill();
    await withTenant(companyId, async () => {
      Transition.record({
        entityType: 'claim',
        entityId: claim.id,
        stateVersion: 2,
        event: 'hold',
        fromStatus: 'under_review',
        toStatus: 'under_review',
        commandId: `claim/${claim.id}/hold`,
        at: new Date(),
        reason: 'Storm',
        facts: { hold_kind: 'catastrophe' },
      });
    });

    const file = await exported();

    expect(file.status).toBe(200);
    expect(file.headers).toMatchObject({
      'content-type': expect.stringContaining('application/json'),
      'content-disposition': `attachment; filename="claim-${claim.id}.json"`,
      'cache-control': 'no-store, no-transform',
    });
    const { body: shown } = await api.as(staff.admin).get(`/claims/${claim.id}`);
    expect(file.body).toMatchObject({
      company: { id: companyId },
      claim: shown.data,
      history: [{ event: 'hold', from: 'under_review', reason: 'Storm', hold_kind: 'catastrophe' }],
      assignments: [],
      locations: [{ address: 'Alexanderplatz' }],
      notes: [
        { note: 'Looks odd', is_internal: true },
        { note: 'Hurry', is_internal: false },
      ],
      document_requests: [],
      documents: [
        {
          id: documentId,
          file_name: 'roof.png',
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          scan_status: 'quarantined',
          content_url: expect.stringMatching(`/api/v1/documents/${documentId}/content$`),
        },
      ],
      reserves: [{ category: 'loss', amount: '900.00' }],
      fraud_flags: [{ score: 10, state: 'open' }],
      payments: [{ id: paymentId, amount: '120.00', status: 'pending' }],
      recoveries: [{ kind: 'salvage', estimated: '50.00', recovered: '0.00' }],
    });
    expect(
      file.body.ledger_entries.map(
        ({ account, amount }: Record<string, string>) => `${account} ${amount}`,
      ),
    ).toEqual(expect.arrayContaining(['claims_paid 120.00', 'gateway_clearing -120.00']));
    expect(
      await api.database.sql(
        `SELECT actor_id, entity_type, entity_id FROM core.audit_logs
         WHERE company_id = $1 AND action = 'EXPORT'`,
        [companyId],
      ),
    ).toEqual([{ actor_id: staff.admin.userId, entity_type: 'claim', entity_id: claim.id }]);
  });

  it('leaves out what whoever asks may not read elsewhere', async () => {
    await fill();
    const money = ['reserves', 'fraud_flags', 'payments', 'ledger_entries', 'recoveries'];
    const seenBy = async (actor: Actor) => {
      const { body } = await exported(actor);
      return money.filter((name) => name in body);
    };

    expect(await seenBy(staff.auditor)).toEqual(money);
    expect(await seenBy(staff.manager)).toEqual([
      'reserves',
      'fraud_flags',
      'payments',
      'recoveries',
    ]);
    expect(await seenBy(staff.senior)).toEqual(['reserves', 'fraud_flags', 'recoveries']);
    expect(await seenBy(staff.agent)).toEqual([]);
  });

  it('has what was archived, as what it is, for administrators and auditors alone', async () => {
    const { documentId } = await fill();
    const { body: written } = await api.as(staff.manager).get(`/claims/${claim.id}/notes`);
    for (const { id } of written.items) await api.as(staff.manager).delete(`/notes/${id}`);
    await api.as(staff.manager).delete(`/documents/${documentId}`);

    const files = [await exported(), await exported(staff.auditor)];
    const { body: ofManager } = await exported(staff.manager);

    const archived = { archived_at: expect.stringMatching(/^\d{4}-/) };
    for (const { body } of files) {
      expect(body).toMatchObject({
        notes: [
          { note: 'Looks odd', ...archived },
          { note: 'Hurry', ...archived },
        ],
        documents: [{ id: documentId, content_url: null, ...archived }],
        locations: [{ address: 'Alexanderplatz', archived_at: null }],
      });
    }
    expect(ofManager).toMatchObject({ notes: [], documents: [], locations: [{}] });
  });

  it('is not for its holder, an adjuster whose it is not, staff with a claim of their own, or another company', async () => {
    const colleague = await buildActor({ companyId, role: 'adjuster' });
    const { claim: given } = await buildClaimRow({ companyId, assignedTo: colleague.userId });
    const stranger = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'tenant_admin',
    });
    await api.database.sql('UPDATE shared.policies SET user_id = $1 WHERE id = $2', [
      staff.senior.userId,
      claim.policyId,
    ]);

    const unknown = await exported(stranger, staff.admin.userId);

    expect((await exported(holder)).status).toBe(403);
    expect((await exported(staff.adjuster, given.id)).status).toBe(404);
    expect((await exported(staff.senior)).status).toBe(404);
    expect(comparable(await exported(stranger))).toBe(comparable(unknown));
    expect(
      await api.database.sql(
        `SELECT 1 FROM core.audit_logs WHERE company_id = $1 AND action = 'EXPORT'`,
        [companyId],
      ),
    ).toEqual([]);
  });

  it('goes over many pages without losing or doubling a note', async () => {
    await api.database.sql(
      `INSERT INTO shared.claim_notes (company_id, id, claim_id, note)
       SELECT $1, gen_random_uuid(), $2, 'Called' FROM generate_series(1, 1250)`,
      [companyId, claim.id],
    );

    const { body } = await exported();

    const ids = body.notes.map((note: { id: string }) => note.id);
    expect(ids).toHaveLength(1250);
    expect(new Set(ids).size).toBe(1250);
  });
});
