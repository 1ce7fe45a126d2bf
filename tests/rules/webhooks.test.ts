import { retryDelayMs, urlProblem, webhookEvents } from '../../src/rules/webhooks.ts';

describe('the tries of a webhook', () => {
  it('are ten, over 75 hours, none earlier than said and none more than a tenth later', () => {
    const soonest = Array.from({ length: 10 }, (_, tried) => retryDelayMs(tried + 1, 0));
    const latest = Array.from({ length: 10 }, (_, tried) => retryDelayMs(tried + 1, 1));
    const [minute, hour] = [60_000, 3_600_000];

    expect(soonest).toEqual([
      5000,
      5 * minute,
      30 * minute,
      2 * hour,
      5 * hour,
      10 * hour,
      14 * hour,
      20 * hour,
      24 * hour,
      undefined,
    ]);
    expect(latest).toEqual(soonest.map((each) => each && Math.round(each * 1.1)));
  });
});

describe('what an endpoint can be told of', () => {
  it('is what happens to business, and nothing of accounts', () => {
    expect(webhookEvents).toContain('claim_denied');
    expect(webhookEvents).toContain('document_infected');
    expect(webhookEvents).not.toContain('password_reset');
    expect(webhookEvents).not.toContain('invitation');
  });
});

describe('the address of an endpoint', () => {
  it.each(['https://a.example', 'https://a.example:443/x', 'https://a.example:8443/x?y=1'])(
    'may be %s',
    (address) => {
      expect(urlProblem(new URL(address), [])).toBeUndefined();
    },
  );

  it.each([
    'http://a.example',
    'ftp://a.example',
    'file:///etc/passwd',
    'gopher://a.example',
    'javascript:alert(1)',
    'https://a.example:22',
    'https://a.example:80',
    'https://me@a.example',
    'https://me:word@a.example',
  ])('is not %s', (address) => {
    expect(urlProblem(new URL(address), [])).toMatchObject({ code: 'INVALID_VALUE' });
  });

  it('may be an origin that is allowed besides, but never with a password', () => {
    const allowed = ['http://127.0.0.1:4000'];

    expect(urlProblem(new URL('http://127.0.0.1:4000/x'), allowed)).toBeUndefined();
    expect(urlProblem(new URL('http://127.0.0.1:4001/x'), allowed)).toBeDefined();
    expect(urlProblem(new URL('http://a:b@127.0.0.1:4000'), allowed)).toBeDefined();
  });
});
