import { setTimeout as pause } from 'node:timers/promises';
import { createRegistrationTimelines } from '../../src/commands/registrationTimelines.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { selfCheck } from '../../src/models/selfCheck.ts';
import { mostSchemas } from '../../src/rules/companies.ts';
import { buildIdentity } from '../commands/identity/build.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { dayMs, useJourneys, type Journeys } from '../support/journey.ts';
import { beginOnboarding, type Onboarding } from '../support/onboarding.ts';

/** What the new company has, as its own rows. */
const madeOf = async (onboarding: Onboarding, business = 'shared') => {
  const count = async (table: string, where = 'true'): Promise<unknown> =>
    (
      await onboarding.rows(
        `SELECT count(*)::int AS n FROM ${table} t
         WHERE t.company_id = (SELECT new_company_id FROM core.registration_requests WHERE id = $1)
           AND ${where}`,
      )
    )[0]?.['n'];
  return {
    categories: await count(`${business}.property_categories`, 'archived_at IS NULL'),
    selfCustomers: await count(`${business}.customers`, 'is_self AND archived_at IS NULL'),
    calendars: await count('core.calendars', 'archived_at IS NULL'),
    domains: await count('platform.domains', 'verified_at IS NOT NULL'),
    admins: await count(
      'platform.memberships',
      `role = 'tenant_admin' AND (valid_to IS NULL OR valid_to > now())`,
    ),
  };
};

const everything = { categories: 6, selfCustomers: 1, calendars: 1, domains: 1, admins: 1 };
const nothing = { categories: 0, selfCustomers: 0, calendars: 0, domains: 0, admins: 0 };

describe('the onboarding of a company', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it('waits for a decision and then sets everything up once', async () => {
    const onboarding = await beginOnboarding(journeys);
    expect(await onboarding.row()).toMatchObject({ status: 'pending', email_verified_at: null });
    await onboarding.registrations.verify(await onboarding.code());

    const first = await onboarding.approve();
    await onboarding.reaches('active');
    const again = await onboarding.approve();

    expect(first).toMatchObject({ registration: { id: onboarding.id } });
    expect(again).toMatchObject({ registration: { status: 'active' } });
    expect(await onboarding.events()).toEqual(['submit', 'approve', 'provision', 'complete']);
    expect(await onboarding.row()).toMatchObject({
      status: 'active',
      admin_password_hash: null,
      email_verified_at: expect.any(Date),
    });
    expect(await onboarding.company()).toMatchObject({
      status: 'active',
      name: onboarding.wish.companyName,
      archived_at: null,
    });
    expect(await madeOf(onboarding)).toEqual(everything);
    expect(onboarding.mails().map(({ subject }) => subject)).toEqual([
      `We have your registration of ${onboarding.wish.companyName}`,
      `${onboarding.wish.companyName} is ready`,
    ]);
  });

  it('reminds, escalates every day and runs out after thirty days', async () => {
    const onboarding = await beginOnboarding(journeys);

    await journeys.endOf(onboarding.workflowId, onboarding.id);

    expect(await onboarding.events()).toEqual(['submit', 'expire']);
    expect(await onboarding.row()).toMatchObject({ status: 'expired', admin_password_hash: null });
    expect(await onboarding.company()).toBeUndefined();
    const told = await onboarding.rows(
      `SELECT template_code AS code, count(*)::int AS n FROM core.notifications
       WHERE entity_id = $1 AND channel = 'in_app' AND recipient_role = 'global_admin'
       GROUP BY 1 ORDER BY 1`,
    );
    expect(told[0]).toMatchObject({ code: 'registration_overdue' });
    expect(Number(told[0]?.['n'])).toBeGreaterThan(20);
    expect(told[1]).toEqual({ code: 'registration_waiting', n: 2 });
    expect(onboarding.mails().map(({ subject }) => subject)).toEqual([
      `We have your registration of ${onboarding.wish.companyName}`,
      `Please confirm your address for ${onboarding.wish.companyName}`,
      `Please confirm your address for ${onboarding.wish.companyName}`,
      `Your registration of ${onboarding.wish.companyName} has run out`,
    ]);
  });

  it('is refused with a reason, and its domain and name are free again', async () => {
    const onboarding = await beginOnboarding(journeys);

    await onboarding.reject('No licence');
    await journeys.endOf(onboarding.workflowId, onboarding.id);

    expect(await onboarding.row()).toMatchObject({ status: 'rejected', reason: 'No licence' });
    expect(onboarding.mails().at(-1)?.text).toContain('No licence');
    await expect(onboarding.approve()).rejects.toMatchObject({
      status: 409,
      code: 'ILLEGAL_TRANSITION',
    });
    const next = await beginOnboarding(journeys, onboarding.wish);
    expect(await next.row()).toMatchObject({ status: 'pending' });
  });

  it('asks the administrator to sign in, with new links, and then tells the platform', async () => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');

    await journeys.endOf(onboarding.workflowId, onboarding.id);

    const { companyName } = onboarding.wish;
    expect(onboarding.mails().map(({ subject }) => subject)).toEqual([
      `We have your registration of ${companyName}`,
      `${companyName} is ready`,
      `${companyName} waits for your first sign-in`,
      `${companyName} waits for your first sign-in`,
      `A new link for ${companyName}`,
      `A new link for ${companyName}`,
      `A new link for ${companyName}`,
    ]);
    expect(
      await onboarding.rows(
        `SELECT 1 FROM core.notifications WHERE entity_id = $1 AND channel = 'in_app'
           AND template_code = 'activation_stalled'`,
      ),
    ).toHaveLength(1);
  });

  it('sends a link that opens with each reminder, whatever became of those before', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { adminEmail, companyName } = onboarding.wish;
    const { passwordChanges } = buildIdentity();
    const newest = async (count: number) => {
      while (onboarding.mails().length < count) await pause(50);
      return onboarding.mails().at(-1);
    };
    await onboarding.approve();
    await onboarding.reaches('active');

    for (const [count, password] of [
      [2, 'Quiet-Green-Otters-7'],
      [3, 'Quiet-Green-Otters-8'],
      [4, 'Quiet-Green-Otters-9'],
    ] as const) {
      if (count > 2) await journeys.passUntil(journeys.now() + 3 * dayMs + 60_000);
      const mail = await newest(count);
      // Anybody may ask for it, and the one that was used was the end of all.
      await passwordChanges.requestReset(adminEmail);
      const code = /set-password#([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? '';
      await expect(passwordChanges.confirmReset({ code, password })).resolves.toBeUndefined();
    }

    expect(onboarding.mails().map(({ subject }) => subject)).toEqual([
      `We have your registration of ${companyName}`,
      `${companyName} is ready`,
      `${companyName} waits for your first sign-in`,
      `${companyName} waits for your first sign-in`,
    ]);
  });

  it('waits longer for the first sign-in when somebody says so, and its links last as long', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { id, reviewer } = onboarding;
    const { server, workflows } = journeys;
    const timelines = createRegistrationTimelines({ temporal: server.temporal, workflows });
    const move = (name: string, days: number) =>
      as(reviewer, () => {
        const dueAt = new Date(journeys.now() + days * dayMs);
        const change = { dueAt, reason: 'On holiday', dryRun: false };
        return timelines.changeTimer(reviewer, id, name, change, once(reviewer));
      });
    await onboarding.approve();
    await onboarding.reaches('active');

    await expect(move('activation', 31)).rejects.toMatchObject({ status: 422 });
    await expect(move('activation_reminder', 8)).rejects.toMatchObject({ status: 422 });
    const until = journeys.now() + 20 * dayMs;
    await move('activation', 20);
    await move('activation_reminder', 8);
    await journeys.passUntil(journeys.now() + 9 * dayMs);

    const links = await onboarding.rows(
      `SELECT p.expires_at AS ends FROM platform.password_reset_tokens p
         JOIN core.registration_requests r ON r.admin_user_id = p.user_id
       WHERE r.id = $1 AND p.used_at IS NULL`,
    );
    expect(links.length).toBeGreaterThan(0);
    for (const { ends } of links) {
      // A minute for the way of the clock from the server to here.
      expect(Number(ends)).toBeGreaterThan(until - 60_000);
    }
    const subjects = () => onboarding.mails().map(({ subject }) => subject);
    while (subjects().length < 4) await pause(50);
    await journeys.passUntil(until + dayMs);
    while (subjects().length < 5) await pause(50);
    expect(subjects()).toHaveLength(5);
  });

  it('notes a first sign-in that comes after the last link, once, and tells the platform', async () => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');
    await journeys.endOf(onboarding.workflowId, onboarding.id);

    await onboarding.noteSignIn();
    await onboarding.noteSignIn();

    expect(await onboarding.row()).toMatchObject({ activated_at: expect.any(Date) });
    expect((await onboarding.events()).at(-1)).toBe('activate');
    expect(
      await onboarding.rows(
        `SELECT channel, recipient_role AS role FROM core.notifications
         WHERE entity_id = $1 AND template_code = 'company_activated'`,
      ),
    ).toEqual([{ channel: 'in_app', role: 'global_admin' }]);
  });

  it('goes on when its administrator signs in to another company', async () => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');

    await onboarding.noteSignIn((await buildCompany()).id);

    expect(await onboarding.row()).toMatchObject({ activated_at: null, workflow_closed_at: null });
  });

  it('is over with the first sign-in', async () => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');

    await onboarding.noteSignIn();
    await onboarding.noteSignIn();
    await journeys.endOf(onboarding.workflowId, onboarding.id);

    expect(await onboarding.events()).toEqual([
      'submit',
      'approve',
      'provision',
      'complete',
      'activate',
    ]);
    expect(onboarding.mails().at(-1)?.subject).toBe(`${onboarding.wish.companyName} is in use`);
  });

  it('takes back what was made when a step fails for good, and works after a retry', async () => {
    const onboarding = await beginOnboarding(journeys);
    // The domain goes to somebody else before the approval.
    await journeys.database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000000', $1, now()`,
      [onboarding.wish.requestedDomain],
    );

    await onboarding.approve();
    await onboarding.reaches('failed');

    expect(await onboarding.events()).toEqual(['submit', 'approve', 'provision', 'fail']);
    expect(await onboarding.row()).toMatchObject({
      status: 'failed',
      last_error: expect.stringContaining('belongs to another company'),
    });
    expect(await onboarding.company()).toMatchObject({ status: 'closed' });
    expect((await onboarding.company())?.['archived_at']).not.toBeNull();
    expect(await madeOf(onboarding)).toEqual(nothing);
    expect(
      await onboarding.rows(
        `SELECT recipient_role AS role FROM core.notifications WHERE entity_id = $1
           AND channel = 'in_app' AND template_code = 'provisioning_failed' ORDER BY 1`,
      ),
    ).toEqual([{ role: 'global_admin' }, { role: 'operator' }]);

    await journeys.database.sql('DELETE FROM platform.domains WHERE domain = $1', [
      onboarding.wish.requestedDomain,
    ]);
    await onboarding.retry();
    await onboarding.reaches('active');

    expect(await onboarding.row()).toMatchObject({ status: 'active', last_error: null });
    expect(await onboarding.company()).toMatchObject({ status: 'active', archived_at: null });
    expect(await madeOf(onboarding)).toEqual(everything);
  });

  it('is rejected after it failed, and its domain and administrator can come again', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { wish } = onboarding;
    // The last step fails: somebody else has the name by now.
    const { id } = await buildCompany();
    await journeys.database.sql('UPDATE platform.companies SET name = $2 WHERE id = $1', [
      id,
      wish.companyName,
    ]);
    await onboarding.approve();
    await onboarding.reaches('failed');
    const renamed = { ...wish, companyName: `${wish.companyName} Mutual` };
    await expect(onboarding.registrations.submit(renamed)).rejects.toMatchObject({ status: 409 });

    await onboarding.reject('It cannot be set up');
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    const again = await beginOnboarding(journeys, renamed);
    await again.approve();
    await again.reaches('active');

    expect(await onboarding.events()).toEqual(['submit', 'approve', 'provision', 'fail', 'reject']);
    expect(await onboarding.row()).toMatchObject({
      status: 'rejected',
      reason: 'It cannot be set up',
      admin_password_hash: null,
    });
    expect(await madeOf(onboarding)).toEqual(nothing);
    expect(await madeOf(again)).toEqual(everything);
  });

  it('is given up by an operator after it failed, and its name and domain are free again', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { requestedDomain } = onboarding.wish;
    await journeys.database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000000', $1, now())`,
      [requestedDomain],
    );
    await onboarding.approve();
    await onboarding.reaches('failed');
    await journeys.database.sql('DELETE FROM platform.domains WHERE domain = $1', [
      requestedDomain,
    ]);

    await journeys.server.temporal.client.workflow.getHandle(onboarding.workflowId).cancel();
    await journeys.endOf(onboarding.workflowId, onboarding.id).catch(() => undefined);

    expect(await onboarding.row()).toMatchObject({
      status: 'rejected',
      reason: 'Stopped by an operator',
      admin_password_hash: null,
      workflow_closed_at: expect.any(Date),
    });
    const next = await beginOnboarding(journeys, onboarding.wish);
    expect(await next.row()).toMatchObject({ status: 'pending' });
  });

  it('sets a company up without the number of another account, and says so in the welcome', async () => {
    const adminPhone = '+49301234567';
    const onboarding = await beginOnboarding(journeys, { adminPhone });
    const { userId } = await buildActor({ companyId: platformCompanyId });
    await journeys.database.sql('UPDATE platform.users SET phone_number = $2 WHERE id = $1', [
      userId,
      adminPhone,
    ]);

    await onboarding.approve();
    await onboarding.reaches('active');
    while (onboarding.mails().length < 2) await pause(50);

    expect(await madeOf(onboarding)).toEqual(everything);
    expect(onboarding.mails().at(-1)?.text).toContain(
      'The phone number of your registration could not be taken over',
    );
  });

  it('makes one company when ten approve it at once, and answers each with it', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { id, registrations, reviewer, wish } = onboarding;
    const others = await Promise.all(
      Array.from({ length: 5 }, () =>
        buildActor({ companyId: platformCompanyId, role: 'global_admin' }),
      ),
    );

    const answers = await Promise.all(
      [...Array.from({ length: 5 }, () => reviewer), ...others].map((actor) =>
        as(actor, () => registrations.approve(actor, id, {}, once(actor))),
      ),
    );
    await onboarding.reaches('active');

    expect(answers).toHaveLength(10);
    for (const answer of answers) {
      expect(answer).toMatchObject({
        registration: { id, status: expect.stringMatching(/^(approved|provisioning|active)$/) },
      });
    }
    expect(await onboarding.events()).toEqual(['submit', 'approve', 'provision', 'complete']);
    expect(
      await journeys.database.sql(
        'SELECT count(*)::int AS n FROM platform.companies WHERE name = $1',
        [wish.companyName],
      ),
    ).toEqual([{ n: 1 }]);
    expect(await madeOf(onboarding)).toEqual(everything);
  });

  it('gives a company a schema of its own, takes it back when a later step fails, and again', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { new_company_id: companyId } = await onboarding.row();
    const schemas = () =>
      journeys.database.sql<{ name: string }>(
        `SELECT nspname AS name FROM pg_namespace WHERE nspname = app.business_schema($1)`,
        [companyId],
      );
    // A step after the schema fails: somebody else has the name by now.
    const other = await buildCompany();
    const rename = (name: string) =>
      journeys.database.sql('UPDATE platform.companies SET name = $2 WHERE id = $1', [
        other.id,
        name,
      ]);
    await rename(onboarding.wish.companyName);

    await onboarding.approve({ isolation: 'dedicated_schema' });
    await onboarding.reaches('failed');
    const afterFailure = await schemas();
    await rename(other.name);
    await onboarding.retry();
    await onboarding.reaches('active');

    expect(afterFailure).toEqual([]);
    const name = (await schemas())[0]?.name ?? 'none';
    expect(await onboarding.company()).toMatchObject({
      status: 'active',
      isolation: 'dedicated_schema',
      schema_name: name,
    });
    expect(await madeOf(onboarding, name)).toEqual(everything);
    expect(await madeOf(onboarding)).toMatchObject({ categories: 0, selfCustomers: 0 });
    await selfCheck();
  });

  it('refuses a schema of its own when there are as many as there may be', async () => {
    const onboarding = await beginOnboarding(journeys);
    const names = Array.from(
      { length: mostSchemas },
      (_, n) => `t_${n.toString(16).padStart(16, '0')}`,
    );
    const each = (statement: (name: string) => string) =>
      journeys.database.sql(names.map(statement).join(';'));
    await each((name) => `CREATE SCHEMA IF NOT EXISTS ${name}`);

    const refused = onboarding.approve({ isolation: 'dedicated_schema' });

    await expect(refused).rejects.toMatchObject({ status: 409, code: 'SCHEMA_LIMIT' });
    expect(await onboarding.row()).toMatchObject({ status: 'pending', isolation: 'shared' });
    await each((name) => `DROP SCHEMA ${name}`);
    await onboarding.approve({ isolation: 'dedicated_schema' });
    await onboarding.reaches('active');
  });

  it('has one winner when approval and expiry meet', async () => {
    const onboarding = await beginOnboarding(journeys);
    const expiresAt = Number((await onboarding.row())['expires_at']);
    await journeys.passUntil(expiresAt - 2000);

    const [approval] = await Promise.allSettled([
      onboarding.approve(),
      journeys.passUntil(expiresAt + dayMs),
    ]);
    const isApproved = approval.status === 'fulfilled';
    await onboarding.reaches(isApproved ? 'active' : 'expired');

    expect((await onboarding.company()) !== undefined).toBe(isApproved);
    expect((await onboarding.events()).includes('expire')).toBe(!isApproved);
  });
});
