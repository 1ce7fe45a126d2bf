import type { Actor } from '../../../src/context.ts';
import { withIdentity } from '../../../src/models/database.ts';
import { User } from '../../../src/models/User.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildClaimFile, type ClaimFile } from '../../support/claimRows.ts';

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
  ({ companyId, staff, claim, holder } = await buildClaimFile());
});

const written = async (actor: Actor, body: object = { note: 'The expert comes on Monday' }) => {
  const answer = await api.as(actor).post(`/claims/${claim.id}/add-note`, body);
  const id = String(answer.body.data?.id);
  return { status: answer.status, body: answer.body, id, path: `/notes/${id}` };
};

const notesSeenBy = async (actor: Actor, query: object = {}) => {
  const { status, body } = await api.as(actor).get(`/claims/${claim.id}/notes`, query);
  return status === 200 ? body.items.map(({ note }: { note: string }) => note) : status;
};

const mentions = async ({ userId }: Actor) => {
  const rows = await api.database.sql<{ payload: { noteId: string } }>(
    `SELECT payload FROM core.notifications
     WHERE template_code = 'note_mention' AND recipient_user_id = $1 ORDER BY id`,
    [userId],
  );
  return rows.map(({ payload }) => payload.noteId);
};

const usernameOf = ({ userId }: Actor) =>
  withIdentity(companyId, async () => {
    const user = await User.findOne({ where: { id: userId ?? '' }, rejectOnEmpty: true });
    return user.username;
  });

describe('POST /claims/:id/add-note', () => {
  it('keeps a note among colleagues unless told, with its author and an audit line without text', async () => {
    const { status, body, id } = await written(staff.adjuster);

    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      claim_id: claim.id,
      author_id: staff.adjuster.userId,
      author_name: 'Ada Lovelace',
      is_internal: true,
      edited_at: null,
      version: 1,
    });
    const [line] = await api.database.sql(
      'SELECT action, actor_id, after FROM core.audit_logs WHERE entity_id = $1',
      [id],
    );
    expect(line).toEqual({
      action: 'CREATE',
      actor_id: staff.adjuster.userId,
      after: { claimId: claim.id, isInternal: true },
    });
  });

  it('takes plain text and refuses what nobody could read', async () => {
    const cleaned = await written(staff.agent, { note: ' one\r\ntwo\u0007\u202E <b> ' });
    const empty = await written(staff.agent, { note: '\u0007 \u202E' });
    const long = await written(staff.agent, { note: 'x'.repeat(10_001) });

    expect(cleaned.body.data.note).toBe('one\ntwo <b>');
    expect([empty.status, empty.body.details]).toMatchObject([422, [{ field: 'note' }]]);
    expect(long.status).toBe(422);
  });

  it('lets holders write to the company and never among colleagues', async () => {
    const { status, body } = await written(holder, { note: 'When do you come?' });
    const internal = await written(holder, { note: 'Hidden', is_internal: true });

    expect([status, body.data.is_internal]).toEqual([201, false]);
    expect([internal.status, internal.body.code]).toEqual([403, 'FORBIDDEN']);
    expect(await notesSeenBy(staff.manager)).toEqual(['When do you come?']);
  });

  it('is for who works on claims: strangers see no claim, auditors only read', async () => {
    const neighbour = await buildActor({ companyId });
    const hr = await buildActor({ companyId, role: 'hr' });
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });

    const answers = await Promise.all(
      [neighbour, hr, foreign, staff.auditor].map((actor) => written(actor)),
    );

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 403]);
    expect(await notesSeenBy(staff.admin)).toEqual([]);
  });

  it('writes once for a key, and shows nobody the answer who no longer sees the claim', async () => {
    const path = `/claims/${claim.id}/add-note`;
    const key = { 'Idempotency-Key': 'once' };
    const first = await api.as(staff.adjuster).post(path, { note: 'Once' }, key);
    const again = await api.as(staff.adjuster).post(path, { note: 'Once' }, key);
    await api.database.sql('UPDATE shared.claims SET assigned_to = $2 WHERE id = $1', [
      claim.id,
      staff.manager.userId,
    ]);
    const later = await api.as(staff.adjuster).post(path, { note: 'Once' }, key);

    expect([first.status, again.status, later.status]).toEqual([201, 201, 404]);
    expect(again.body.data).toEqual(first.body.data);
    expect(await notesSeenBy(staff.manager)).toEqual(['Once']);
  });

  it('tells each colleague who is mentioned once, and nobody else', async () => {
    const [manager, agent] = [await usernameOf(staff.manager), await usernameOf(staff.agent)];
    const author = await usernameOf(staff.adjuster);
    const outsider = await usernameOf(holder);
    const note = `@${manager.toUpperCase()} and @${manager}, @${outsider}, @${author} @nobody`;

    const { id, path } = await written(staff.adjuster, { note });
    await api.as(staff.adjuster).put(path, { note: `${note} @${agent}` });
    await written(holder, { note: `@${manager}` });

    expect(await mentions(staff.manager)).toEqual([id]);
    expect(await mentions(staff.agent)).toEqual([id]);
    expect(await mentions(holder)).toEqual([]);
    expect(await mentions(staff.adjuster)).toEqual([]);
    const { body } = await api.as(staff.manager).get('/notifications', { channel: 'in_app' });
    expect(body.items[0].subject).toBe(`You are mentioned in a note on claim ${claim.claimNumber}`);
  });
});

describe('GET /claims/:id/notes', () => {
  it('shows holders what is meant for them, also when they work here', async () => {
    await written(staff.adjuster, { note: 'Looks odd' });
    await written(staff.adjuster, { note: 'We come on Monday', is_internal: false });
    await api.database.sql(
      `INSERT INTO platform.memberships (company_id, id, user_id, role)
       SELECT $1, gen_random_uuid(), $2, 'claims_manager'`,
      [companyId, holder.userId],
    );
    const asManager = { ...holder, roles: ['claims_manager', 'policyholder'] } as const;

    const own = await api.as(asManager).get(`/claims/${claim.id}/notes`);
    const touched = await api.as(asManager).put(`/notes/${own.body.items[0].id}`, { note: 'Mine' });

    expect(touched.status).toBe(403);
    expect(await notesSeenBy(holder)).toEqual(['We come on Monday']);
    expect(await notesSeenBy(asManager)).toEqual(['We come on Monday']);
    expect(await notesSeenBy(holder, { is_internal: true })).toEqual([]);
    expect(await notesSeenBy(staff.auditor)).toEqual(['We come on Monday', 'Looks odd']);
    expect(await notesSeenBy(staff.auditor, { search: 'odd' })).toEqual(['Looks odd']);
    expect(await notesSeenBy(await buildActor({ companyId }))).toBe(404);
  });

  it("hides the claim that another adjuster has, and shows one's own and nobody's", async () => {
    const other = await buildActor({ companyId, role: 'adjuster' });
    const seen = async (assignedTo: string | null) => {
      await api.database.sql('UPDATE shared.claims SET assigned_to = $2 WHERE id = $1', [
        claim.id,
        assignedTo,
      ]);
      return notesSeenBy(staff.adjuster);
    };

    expect(await seen(null)).toEqual([]);
    expect(await seen(staff.adjuster.userId)).toEqual([]);
    expect(await seen(other.userId)).toBe(404);
  });
});

describe('/notes/:id', () => {
  it('is changed and archived by its author or a manager, and by nobody else', async () => {
    const { path } = await written(staff.adjuster);
    const changedBy = async (actor: Actor, note: string) =>
      (await api.as(actor).put(path, { note })).status;

    expect(await changedBy(staff.adjuster, 'By the author')).toBe(200);
    expect(await changedBy(staff.manager, 'By the manager')).toBe(200);
    expect(await changedBy(staff.senior, 'By a colleague')).toBe(403);
    expect(await changedBy(staff.auditor, 'By the auditor')).toBe(403);
    expect(await changedBy(holder, 'By the holder')).toBe(404);
    const shown = await api.as(staff.senior).get(path);
    expect(shown.body.data).toMatchObject({ note: 'By the manager', version: 3 });
    expect(shown.body.data.edited_at).not.toBeNull();
    expect((await api.as(staff.senior).delete(path)).status).toBe(403);
    expect((await api.as(staff.manager).delete(path)).status).toBe(204);
    expect((await api.as(staff.adjuster).get(path)).status).toBe(404);
    expect(await notesSeenBy(staff.admin)).toEqual([]);
    const [row] = await api.database.sql<{ note: string }>(
      'SELECT note FROM shared.claim_notes WHERE archived_at IS NOT NULL',
    );
    expect(row?.note).toBe('By the manager');
  });

  it('of a holder stays theirs to change, and stays with the company', async () => {
    const { path } = await written(holder, { note: 'When?' });

    const changed = await api.as(holder).put(path, { note: 'When do you come?' });
    const hidden = await api.as(holder).put(path, { note: 'When?', is_internal: true });

    expect(changed.body.data).toMatchObject({ note: 'When do you come?', is_internal: false });
    expect(hidden.status).toBe(403);
  });

  it('refuses a change by whoever saw an older version', async () => {
    const { path } = await written(staff.adjuster);
    await api.as(staff.manager).put(path, { note: 'Newer' });

    const late = await api.as(staff.adjuster).put(path, { note: 'Late' }, { 'If-Match': '"1"' });

    expect([late.status, late.body.code]).toEqual([409, 'VERSION_CONFLICT']);
    expect(await notesSeenBy(staff.admin)).toEqual(['Newer']);
  });

  it('is to strangers and other companies as if there were none', async () => {
    const { path } = await written(staff.adjuster);
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });
    const none = await api.as(foreign).get('/notes/01998e3a-6c00-7a11-9b22-0c33d44e55f6');

    const internal = await api.as(holder).get(path);
    const other = await api.as(foreign).get(path);

    expect(comparable(internal)).toBe(comparable(none));
    expect(comparable(other)).toBe(comparable(none));
  });

  it('answers at its older path', async () => {
    const { path } = await written(staff.adjuster);

    const answer = await api.as(staff.adjuster).get(`/${path}`);

    expect(answer.status).toBe(200);
    expect(answer.headers['deprecation']).toBeDefined();
  });
});
