import { EventEmitter, once as event } from 'node:events';
import { commandOnce, Replay, rowsOnce } from '../../src/commands/idempotency.ts';
import { Conflict, NotFound } from '../../src/errors.ts';
import { append } from '../../src/models/database.ts';
import { PropertyCategory } from '../../src/models/PropertyCategory.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('an Idempotency-Key', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase({ poolMax: 20, acquireTimeoutMs: 60_000 });
  });

  afterAll(() => database.close());

  const categoriesOf = async (companyId: string): Promise<number> => {
    const [row] = await database.sql<{ count: number }>(
      'SELECT count(*)::integer FROM shared.property_categories WHERE company_id = $1',
      [companyId],
    );
    return row?.count ?? -1;
  };
  const keysOf = (companyId: string): Promise<{ answer: unknown }[]> =>
    database.sql('SELECT answer FROM core.idempotency_keys WHERE company_id = $1', [companyId]);

  const addCategory = async (): Promise<{ id: string }> => ({
    id: append(PropertyCategory, { name: `n${Math.random()}`, segment: 'residential' }),
  });

  it('lets 100 equal requests at once have one effect', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id, role: 'tenant_admin' });

    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, () => as(actor, () => rowsOnce(once(actor, 'key'), addCategory))),
    );

    const first = answers.filter(
      (answer) => answer.status === 'fulfilled' && !(answer.value instanceof Replay),
    );
    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(first).toHaveLength(1);
    expect(refused.every(({ reason }) => reason.code === 'IDEMPOTENCY_IN_PROGRESS')).toBe(true);
    expect(await categoriesOf(company.id)).toBe(1);
  });

  it('gives the stored answer again, presented as it was', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const request = { ...once(actor, 'key'), present: () => ({ name: 'as it was' }) };
    await as(actor, () => rowsOnce(request, addCategory));

    const replay = await as(actor, () => rowsOnce(request, addCategory));

    expect(replay).toEqual(new Replay(201, { name: 'as it was' }, 'OK'));
    expect(await categoriesOf(company.id)).toBe(1);
  });

  it('with other content is refused', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    await as(actor, () => rowsOnce(once(actor, 'key', 'one'), addCategory));

    const other = as(actor, () => rowsOnce(once(actor, 'key', 'two'), addCategory));

    await expect(other).rejects.toMatchObject({ status: 409, code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await categoriesOf(company.id)).toBe(1);
  });

  it('belongs to one person of one company', async () => {
    const company = await buildCompany();
    const elsewhere = await buildCompany();
    const people = [
      await buildActor({ companyId: company.id, role: 'tenant_admin' }),
      await buildActor({ companyId: company.id, role: 'tenant_admin' }),
      await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' }),
    ];

    for (const person of people) {
      const answer = await as(person, () => rowsOnce(once(person, 'key'), addCategory));
      expect(answer).not.toBeInstanceOf(Replay);
    }

    expect(await categoriesOf(company.id)).toBe(2);
    expect(await categoriesOf(elsewhere.id)).toBe(1);
  });

  it('is not kept by a refusal, whose work is rolled back', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const refuse = async (): Promise<never> => {
      await addCategory();
      throw new Conflict('NOT_NOW', 'Not now');
    };

    const refused = as(actor, () => rowsOnce(once(actor, 'key'), refuse));

    await expect(refused).rejects.toMatchObject({ code: 'NOT_NOW' });
    expect(await keysOf(company.id)).toEqual([]);
    expect(await categoriesOf(company.id)).toBe(0);
    const again = await as(actor, () => rowsOnce(once(actor, 'key'), addCategory));
    expect(again).not.toBeInstanceOf(Replay);
  });

  it('of a command gives every try the same command id, also after a crash in between', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id });
    const sent: string[] = [];
    const crash = async (commandId: string): Promise<never> => {
      sent.push(commandId);
      throw new Error('the process is gone');
    };
    await as(actor, () => commandOnce(once(actor, 'key'), crash)).catch(() => undefined);
    expect(await keysOf(company.id)).toEqual([{ answer: null }]);

    const answer = await as(actor, () =>
      commandOnce(once(actor, 'key'), async (commandId) => {
        sent.push(commandId);
        return { done: true };
      }),
    );
    const replay = await as(actor, () => commandOnce(once(actor, 'key'), crash));

    expect(answer).toEqual({ done: true });
    expect(replay).toEqual(new Replay(201, { done: true }, 'OK'));
    expect(sent).toHaveLength(2);
    expect(new Set(sent).size).toBe(1);
  });

  it('of a refused command is free again', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id });
    const refuse = (): Promise<never> =>
      Promise.reject(new Conflict('ILLEGAL_TRANSITION', 'Not in this state'));

    const refused = as(actor, () => commandOnce(once(actor, 'key'), refuse));

    await expect(refused).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    expect(await keysOf(company.id)).toEqual([]);
  });

  it('left out makes two commands of two equal requests', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id });
    const sent: string[] = [];
    const send = async (commandId: string): Promise<object> => {
      sent.push(commandId);
      return {};
    };

    await as(actor, () => commandOnce(once(actor), send));
    await as(actor, () => commandOnce(once(actor), send));

    expect(new Set(sent).size).toBe(2);
  });

  it('that has expired is free again, before the nightly job has come by', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const expire = () =>
      database.sql('UPDATE core.idempotency_keys SET expires_at = now() WHERE company_id = $1', [
        company.id,
      ]);
    await as(actor, () => rowsOnce(once(actor, 'key', 'one'), addCategory));
    await as(actor, () => commandOnce(once(actor, 'other', 'one'), async () => ({ turn: 1 })));
    await expire();

    const rows = await as(actor, () => rowsOnce(once(actor, 'key', 'two'), addCategory));
    const command = await as(actor, () =>
      commandOnce(once(actor, 'other', 'two'), async () => ({ turn: 2 })),
    );
    const replay = await as(actor, () => rowsOnce(once(actor, 'key', 'two'), addCategory));

    expect(rows).not.toBeInstanceOf(Replay);
    expect(command).toEqual({ turn: 2 });
    expect(replay).toBeInstanceOf(Replay);
    expect(await categoriesOf(company.id)).toBe(2);
    expect(await keysOf(company.id)).toHaveLength(2);
  });

  it('whose twin is at work says when to come again, whichever way it is noticed', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const inASecond = {
      status: 409,
      code: 'IDEMPOTENCY_IN_PROGRESS',
      headers: { 'Retry-After': '1' },
    };
    const gate = new EventEmitter();

    const first = as(actor, () =>
      rowsOnce(once(actor, 'key'), async () => {
        gate.emit('inside');
        await event(gate, 'open');
        return {};
      }),
    );
    await event(gate, 'inside');
    const early = as(actor, () => rowsOnce(once(actor, 'key'), addCategory));
    await expect(early).rejects.toMatchObject(inASecond);
    gate.emit('open');
    await first;
    // The twin's row appears after this one has looked for it.
    const [row] = await database.sql<{ scope: string }>(
      'DELETE FROM core.idempotency_keys WHERE company_id = $1 RETURNING scope',
      [company.id],
    );
    const late = as(actor, () =>
      rowsOnce(once(actor, 'key'), async () => {
        await database.sql(
          `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at)
           VALUES ($1, $2, 'body', now() + interval '1 day')`,
          [company.id, row?.scope],
        );
        return addCategory();
      }),
    );

    await expect(late).rejects.toMatchObject(inASecond);
    expect(await categoriesOf(company.id)).toBe(0);
  });

  it('is not answered again to whoever may no longer see the answer', async () => {
    const company = await buildCompany();
    const actor = await buildActor({ companyId: company.id });
    let isAllowed = true;
    const check = async (): Promise<void> => {
      if (!isAllowed) throw new NotFound();
    };
    const rows = () => as(actor, () => rowsOnce(once(actor, 'rows'), addCategory, check));
    const command = () =>
      as(actor, () => commandOnce(once(actor, 'command'), async () => ({ done: true }), check));
    await rows();
    await command();

    const allowed = [await rows(), await command()];
    isAllowed = false;

    expect(allowed).toEqual([expect.any(Replay), expect.any(Replay)]);
    await expect(rows()).rejects.toMatchObject({ status: 404 });
    await expect(command()).rejects.toMatchObject({ status: 404 });
    expect(await keysOf(company.id)).toHaveLength(2);
    expect(await categoriesOf(company.id)).toBe(1);
  });
});
