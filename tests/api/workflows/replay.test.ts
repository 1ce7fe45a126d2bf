import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';

describe('GET /workflows/{type}/:id/replay', () => {
  let api: TestApi;
  let operator: Actor;
  let sold: Awaited<ReturnType<typeof buildSubscription>>;

  beforeAll(async () => {
    api = await openTestApi();
    const companyId = (await buildCompany()).id;
    operator = await buildActor({ companyId, role: 'operator' });
    sold = await buildSubscription({ companyId });
  });
  afterAll(() => api.close());

  const replayed = (actor: Actor, id = sold.id, type = 'subscription') =>
    api.as(actor).get(`/workflows/${type}/${id}/replay`);

  it('says that no worker is there, and when to ask again', async () => {
    const answer = await replayed(operator);

    expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    expect(answer.headers['retry-after']).toBe('5');
  });

  it('knows an object under its own type, for those who see runs', async () => {
    const { id: other } = await buildCompany();
    const stranger = await buildActor({ companyId: other, role: 'operator' });

    expect((await replayed(operator, uuid())).status).toBe(404);
    expect((await replayed(operator, sold.id, 'claim')).status).toBe(404);
    expect((await replayed(operator, 'nonsense')).status).toBe(422);
    expect((await replayed(stranger)).status).toBe(404);
    expect((await replayed(sold.holder)).status).toBe(403);
  });
});
