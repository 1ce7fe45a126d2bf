import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildSubscription } from '../../support/build.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

describe('GET /subscriptions?user_id=', () => {
  it("narrows and never widens: a policyholder who asks for another's gets an empty page", async () => {
    const { id, companyId, holder } = await buildSubscription();
    const other = await buildActor({ companyId });
    const operator = await buildActor({ companyId, role: 'call_center' });
    const asked = { user_id: holder.userId };

    const own = await api.as(holder).get('/subscriptions', asked);
    const anothers = await api.as(holder).get('/subscriptions', { user_id: other.userId });
    const byOther = await api.as(other).get('/subscriptions', asked);
    const byStaff = await api.as(operator).get('/subscriptions', asked);

    expect(own.body).toMatchObject({ items: [{ id }] });
    expect(anothers.body).toMatchObject({ items: [] });
    expect(byOther.body).toMatchObject({ items: [] });
    expect(byStaff.body).toMatchObject({ items: [{ id }] });
  });
});
