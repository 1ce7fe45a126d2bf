import { createPasswords } from '../../../src/commands/passwords.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildAccount, goodPassword, testConfig } from '../../commands/identity/build.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

it('500 wrong logins at once are answered or turned away, and everybody else goes on', async () => {
  const { id: companyId } = await buildCompany();
  const passwordHash = await createPasswords(testConfig()).hash(goodPassword);
  const { email } = await buildAccount({ companyIds: [companyId], passwordHash });
  const ada = api.as(await buildActor({ companyId }));
  await ada.get('/auth/me');
  let answered = 0;
  const attempt = async (index: number): Promise<string> => {
    const address = index % 2 ? email : `nobody${index}@example.com`;
    const answer = await api.nowhere.post('/auth/login', {
      email: address,
      password: `Wrong-Green-Otters-${index}`,
    });
    answered += 1;
    return `${answer.status} ${answer.body.code}`;
  };

  const flood = Promise.all(Array.from({ length: 500 }, (_, index) => attempt(index)));
  const others: number[] = [];
  for (let sent = 0; sent < 20; sent += 1) others.push((await ada.get('/auth/me')).status);
  const open = 500 - answered;
  const outcomes = await flood;

  expect(others).toEqual(Array.from({ length: 20 }, () => 200));
  expect(open).toBeGreaterThan(0);
  expect([...new Set(outcomes)].toSorted()).toEqual([
    '401 UNAUTHENTICATED',
    '503 SERVICE_UNAVAILABLE',
  ]);
});
