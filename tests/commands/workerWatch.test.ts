import { createWorkerWatch } from '../../src/commands/workerWatch.ts';
import { Unavailable } from '../../src/errors.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { buildActor } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('whether workers ask for work', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await database.sql('UPDATE core.alerts SET resolved_at = now() WHERE resolved_at IS NULL');
  });

  const ago = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

  /** One look by an API that has run for so long. */
  const look = (polls: Readonly<Record<string, Date | undefined>>, running = 60): Promise<void> =>
    createWorkerWatch({ lastPolls: async () => new Map(Object.entries(polls)) }, ago(running))();

  const open = () =>
    database.sql(
      `SELECT kind, subject FROM core.alerts
       WHERE company_id = $1 AND resolved_at IS NULL ORDER BY subject`,
      [platformCompanyId],
    );

  it('is seen by each queue, told once and resolved when one comes', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const messages = async () =>
      database.sql(
        `SELECT FROM core.notifications WHERE template_code = 'alert_raised'
           AND (recipient_user_id = $1 OR recipient_role = 'global_admin')`,
        [global.userId],
      );
    const silent = { lifecycle: undefined, payments: ago(4), documents: ago(2) };

    await look(silent);
    await look(silent);

    const [lifecycle, payments] = ['lifecycle', 'payments'].map((subject) => ({
      kind: 'no_worker',
      subject,
    }));
    expect(await open()).toEqual([lifecycle, payments]);
    expect(await messages()).toHaveLength(2);

    await look({ ...silent, lifecycle: ago(0) });
    expect(await open()).toEqual([payments]);
  });

  it('is not told of by an API that has just begun, which resolves nothing either', async () => {
    await look({ lifecycle: undefined }, 2);
    expect(await open()).toEqual([]);

    await look({ lifecycle: undefined });
    await look({ lifecycle: undefined }, 2);

    expect(await open()).toHaveLength(1);
  });

  it('is not guessed while Temporal is away', async () => {
    await look({ lifecycle: undefined });

    await createWorkerWatch(
      { lastPolls: () => Promise.reject(new Unavailable('Away')) },
      ago(60),
    )();

    expect(await open()).toHaveLength(1);
  });

  it('is nobody’s concern where the platform has switched it off', async () => {
    await look({ lifecycle: undefined });
    await database.sql(
      `INSERT INTO core.alert_rules (company_id, id, kind, is_enabled, minutes, channels, roles)
       VALUES ($1, gen_random_uuid(), 'no_worker', false, 3, '[]', '["operator"]')`,
      [platformCompanyId],
    );

    await look({ lifecycle: undefined });

    expect(await open()).toEqual([]);
    await database.sql('UPDATE core.alert_rules SET archived_at = now()');
  });
});
