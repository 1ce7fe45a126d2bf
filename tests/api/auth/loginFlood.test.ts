import { setTimeout as pause } from 'node:timers/promises';
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
  const attempt = async (index: number): Promise<string> => {
    const address = index % 2 ? email : `nobody${index}@example.com`;
    const answer = await api.nowhere.post('/auth/login', {
      email: address,
      password: `Wrong-Green-Otters-${index}`,
    });
    return `${answer.status} ${answer.body.code}`;
  };

  const flood = { isOver: false };
  const attempts = Promise.all(Array.from({ length: 500 }, (_, index) => attempt(index))).finally(
    () => (flood.isOver = true),
  );
  const others: number[] = [];
  while (!flood.isOver) {
    others.push((await ada.get('/auth/me')).status);
    await pause(20);
  }
  const outcomes = await attempts;

  expect(others.length).toBeGreaterThan(0);
  expect(new Set(others)).toEqual(new Set([200]));
  expect([...new Set(outcomes)].toSorted()).toEqual([
    '401 UNAUTHENTICATED',
    '503 SERVICE_UNAVAILABLE',
  ]);
}, 300_000);
