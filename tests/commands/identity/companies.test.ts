import { createCompanies } from '../../../src/commands/companies.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { buildKnownCompany } from './build.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const companies = (defaultCompany?: string) =>
  createCompanies({ allowedHosts: ['localhost'], defaultCompany });

async function buildDomain(
  companyId: string,
  { isVerified = true, domain = `d${Math.random().toString(36).slice(2)}.example` } = {},
): Promise<string> {
  await database.sql(
    `INSERT INTO platform.domains (id, company_id, domain, verified_at)
     VALUES (gen_random_uuid(), $1, $2, CASE WHEN $3 THEN now() END)`,
    [companyId, domain, isVerified],
  );
  return domain;
}

const unknown = { status: 404, code: 'TENANT_UNKNOWN' };

const counted = () => Promise.resolve();

describe('the company of a request', () => {
  it('is the token’s, else that of the address, else the default one', async () => {
    const [first, second] = [await buildKnownCompany(), await buildKnownCompany()];
    const host = await buildDomain(second.id);
    const known = companies(first.code);

    expect(await known.resolve({ host: 'localhost', tokenCompanyId: second.id })).toEqual({
      ...second,
      timeZone: 'Europe/Berlin',
    });
    expect(await known.resolve({ host })).toMatchObject({ id: second.id });
    expect(await known.resolve({ host: 'localhost' })).toMatchObject({ id: first.id });
    await expect(companies().resolve({ host: 'localhost' })).rejects.toMatchObject(unknown);
    await expect(companies('NOSUCH').resolve({ host: 'localhost' })).rejects.toMatchObject(unknown);
  });

  it('is refused where token and address name different ones, but not for the platform’s people', async () => {
    const [first, second] = [await buildKnownCompany(), await buildKnownCompany()];
    const host = await buildDomain(second.id);
    const known = companies();

    await expect(known.resolve({ host, tokenCompanyId: first.id })).rejects.toMatchObject({
      status: 403,
      code: 'TENANT_MISMATCH',
    });
    expect(await known.resolve({ host, tokenCompanyId: platformCompanyId })).toMatchObject({
      code: 'PLATFORM',
    });
    expect(
      await known.resolve({ host, tokenCompanyId: platformCompanyId, requestedId: first.id }),
    ).toMatchObject({ id: first.id });
  });

  it('is matched by exactly its verified domains', async () => {
    const company = await buildKnownCompany();
    const verified = await buildDomain(company.id);
    const claimed = await buildDomain(company.id, { isVerified: false });
    const known = companies();

    expect(await known.byHost(verified)).toMatchObject({ id: company.id });
    for (const host of [claimed, `www.${verified}`, verified.slice(1), '%', '']) {
      expect(await known.byHost(host)).toBeUndefined();
      expect(await known.isAllowedHost(host, counted)).toBe(false);
    }
    expect(await known.isAllowedHost(verified, counted)).toBe(true);
    expect(await known.isAllowedHost('localhost', counted)).toBe(true);
  });

  it('is that of the token at the platform’s own address, whoever has it for a domain', async () => {
    const [first, second] = [await buildKnownCompany(), await buildKnownCompany()];
    const host = await buildDomain(second.id, { domain: 'localhost' });
    const known = companies();

    expect(await known.byHost(host)).toBeUndefined();
    expect(await known.resolve({ host, tokenCompanyId: first.id })).toMatchObject({ id: first.id });
    expect(await known.isAllowedHost(host, counted)).toBe(true);
  });

  it('counts whoever brings a new name before the database is asked', async () => {
    let asked = 0;
    const known = companies();
    const count = async () => void (asked += 1);
    const refuse = () => Promise.reject(new Error('Too many'));

    await expect(known.isAllowedHost('one.new.example', refuse)).rejects.toThrow('Too many');
    for (const host of ['one.new.example', 'one.new.example', 'localhost', 'two.new.example']) {
      await known.isAllowedHost(host, count);
    }

    expect(asked).toBe(2);
  });

  it('counts nobody for a name that led to a company lately', async () => {
    const host = await buildDomain((await buildKnownCompany()).id);
    const known = companies();
    const refuse = () => Promise.reject(new Error('Too many'));
    await known.isAllowedHost(host, counted);

    known.forget();

    expect(await known.isAllowedHost(host, refuse)).toBe(true);
  });

  it('is unknown once closed, and still served while suspended', async () => {
    const company = await buildKnownCompany();
    const host = await buildDomain(company.id);
    await database.sql(`UPDATE platform.companies SET status = 'suspended' WHERE id = $1`, [
      company.id,
    ]);
    expect(await companies().resolve({ host })).toMatchObject({ status: 'suspended' });

    await database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [
      company.id,
    ]);

    await expect(companies().resolve({ host })).rejects.toMatchObject(unknown);
    await expect(
      companies().resolve({ host: 'localhost', tokenCompanyId: company.id }),
    ).rejects.toMatchObject(unknown);
  });

  it.each(['no id', "1'; --", '00000000-0000-0000-0000-00000000000'])(
    'is unknown for the id %j',
    async (requestedId) => {
      const asked = companies().resolve({
        host: 'localhost',
        tokenCompanyId: platformCompanyId,
        requestedId,
      });

      await expect(asked).rejects.toMatchObject(unknown);
    },
  );
});
