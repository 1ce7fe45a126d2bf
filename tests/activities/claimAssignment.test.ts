import { v7 as uuid } from 'uuid';
import { claimActivities } from '../../src/activities/claims.ts';
import { ClaimAssignment } from '../../src/models/ClaimAssignment.ts';
import { withIdentity, withTenant } from '../../src/models/database.ts';
import { User } from '../../src/models/User.ts';
import { claimDefaults, type AssignmentRule } from '../../src/rules/claimSettings.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the rule that assigns claims', () => {
  let database: TestDatabase;
  const { assignClaimByRule } = claimActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** A company with so many adjusters, in the order of their ids. */
  async function build(rule: AssignmentRule, adjusters: number) {
    const { id: companyId } = await buildCompany();
    const people: string[] = [];
    for (let n = 0; n < adjusters; n += 1) {
      people.push((await buildActor({ companyId, role: 'adjuster' })).userId);
    }
    const claim = async (changes: Partial<Parameters<typeof buildClaimRow>[0]> = {}) =>
      (
        await buildClaimRow({
          companyId,
          config: { ...claimDefaults, assignmentRule: rule },
          ...changes,
        })
      ).claim;
    /** Whom a new claim is given, by the place in `people`; undefined where it is nobody. */
    const next = async (): Promise<number | undefined> => {
      const { id } = await claim();
      return placeOf(await assigned(id));
    };
    const assigned = async (claimId: string, at = Date.now()): Promise<string | null> => {
      const order = { companyId, claimId, commandId: `claim/${claimId}/assign/1` };
      await assignClaimByRule({ ...order, expectedVersion: 1, at });
      const [row] = await database.sql<{ assigned_to: string | null }>(
        'SELECT assigned_to FROM shared.claims WHERE id = $1',
        [claimId],
      );
      return row?.assigned_to ?? null;
    };
    const placeOf = (userId: string | null): number | undefined =>
      userId === null ? undefined : people.toSorted().indexOf(userId);
    return { companyId, people: people.toSorted(), claim, next, assigned };
  }

  const assignments = (companyId: string, claimId: string) =>
    withTenant(companyId, () => ClaimAssignment.count({ where: { claimId } }));

  it('round_robin goes through all of them and begins again', async () => {
    const { next } = await build('round_robin', 3);

    const given = [];
    for (let n = 0; n < 7; n += 1) given.push(await next());

    expect(given).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it('round_robin counts what was given by hand, and whoever came last is first', async () => {
    const { companyId, people, claim, next } = await build('round_robin', 2);
    const { id: claimId } = await claim({ status: 'assigned', assignedTo: people[0] ?? null });
    await withTenant(companyId, () =>
      ClaimAssignment.create({
        id: uuid(),
        companyId,
        claimId,
        toUserId: people[0] ?? '',
        at: new Date(),
      }),
    );

    const first = await next();
    const { userId } = await buildActor({ companyId, role: 'adjuster' });
    people.push(userId);

    expect([first, await next()]).toEqual([1, -1]);
  });

  it('least_loaded looks at open claims alone, and at ids where they are equal', async () => {
    const { people, claim, next } = await build('least_loaded', 3);
    const [first = null, second = null, third = null] = people;
    await claim({ status: 'under_review', assignedTo: first });
    await claim({ status: 'under_review', assignedTo: first });
    await claim({ status: 'assigned', assignedTo: second });
    await claim({ status: 'closed', assignedTo: third, workflowClosedAt: new Date() });
    await claim({ status: 'closed', assignedTo: third, workflowClosedAt: new Date() });

    expect([await next(), await next(), await next(), await next()]).toEqual([2, 1, 2, 0]);
  });

  it('by_skill gives to the least loaded of those who know the type of policy, or to nobody', async () => {
    const { people, claim, next } = await build('by_skill', 3);
    const [first = '', second = '', third = ''] = people;
    const learn = (userId: string, skills: string): Promise<unknown> =>
      database.sql('UPDATE platform.memberships SET skills = $2::text[] WHERE user_id = $1', [
        userId,
        skills,
      ]);

    const unknown = await next();
    await learn(first, '{auto}');
    await learn(second, '{auto,home}');
    await learn(third, '{home}');
    await claim({ status: 'under_review', assignedTo: second });

    expect([unknown, await next(), await next(), await next()]).toEqual([undefined, 2, 1, 2]);
  });

  it.each(['round_robin', 'least_loaded', 'by_skill'] as const)(
    '%s gives claims that come at once to different people',
    async (rule) => {
      const { people, claim, assigned } = await build(rule, 4);
      await database.sql(
        `UPDATE platform.memberships SET skills = '{home}' WHERE user_id = ANY ($1)`,
        [people],
      );
      const claims = [await claim(), await claim(), await claim(), await claim()];

      const given = await Promise.all(claims.map(({ id }) => assigned(id)));

      expect(given.toSorted()).toEqual(people);
    },
  );

  it.each(['round_robin', 'least_loaded'] as const)(
    '%s passes over whoever is away, and leaves the claim where nobody is there',
    async (rule) => {
      const { companyId, people, next } = await build(rule, 3);
      await buildActor({ companyId, role: 'senior_adjuster' });
      await buildActor({ companyId: (await buildCompany()).id, role: 'adjuster' });
      const [first = '', second = '', third = ''] = people;
      await withIdentity(companyId, () =>
        User.update({ isActive: false }, { where: { id: first } }),
      );
      await database.sql(
        `UPDATE platform.memberships SET valid_from = now() - interval '2 hours',
           valid_to = now() - interval '1 hour'
         WHERE user_id = $1`,
        [second],
      );

      const present = [await next(), await next()];
      await withIdentity(companyId, () =>
        User.update({ archivedAt: new Date() }, { where: { id: third } }),
      );

      expect([...present, await next()]).toEqual([2, 2, undefined]);
    },
  );

  it.each(['round_robin', 'least_loaded', 'by_skill'] as const)(
    '%s passes over whoever holds the policy',
    async (rule) => {
      const { people, claim, assigned } = await build(rule, 2);
      const [first = '', second = ''] = people;
      await database.sql(
        `UPDATE platform.memberships SET skills = '{home}' WHERE user_id = ANY ($1)`,
        [people],
      );
      const { id, policyId } = await claim();
      const { id: other } = await claim({ policyId });
      const holds = (userId: string): Promise<unknown> =>
        database.sql('UPDATE shared.policies SET user_id = $2 WHERE id = $1', [policyId, userId]);
      await holds(first);
      const given = await assigned(id);
      await holds(second);

      expect([given, await assigned(other)]).toEqual([second, first]);
    },
  );

  it('gives a claim once, however often the step is repeated, and never one that somebody has', async () => {
    const { companyId, people, claim, assigned } = await build('round_robin', 2);
    const { id } = await claim();
    const { id: taken } = await claim({ status: 'assigned', assignedTo: people[1] ?? null });

    const given = [await assigned(id), await assigned(id), await assigned(taken)];

    expect(given).toEqual([people[0], people[0], people[1]]);
    expect([await assignments(companyId, id), await assignments(companyId, taken)]).toEqual([1, 0]);
  });

  it('tells the assignee and the claimant, and starts the clock of the first review', async () => {
    const { people, claim, assigned } = await build('least_loaded', 1);
    const { id } = await claim();
    await assigned(id);

    const told = await database.sql<{ template: string }>(
      `SELECT template_code AS template FROM core.notifications WHERE entity_id = $1
         AND channel = 'email' ORDER BY template_code`,
      [id],
    );
    const timers = await database.sql<{ name: string }>(
      `SELECT name FROM core.timers WHERE entity_id = $1 AND status = 'scheduled' ORDER BY name`,
      [id],
    );

    expect(told.map(({ template }) => template)).toEqual(['claim_assigned', 'claim_in_hands']);
    expect(timers.map(({ name }) => name)).toEqual(['first_review', 'first_review_due_soon']);
    expect(people).toHaveLength(1);
  });
});
