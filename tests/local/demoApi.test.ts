import { createServer } from 'node:http';
import { jest } from '@jest/globals';

describe('a command of the demo', () => {
  /** What answers in turn, and the keys it was asked with. */
  async function commandTo(statuses: readonly number[]) {
    const keys: (string | string[] | undefined)[] = [];
    const server = createServer((request, response) => {
      const status = statuses[keys.push(request.headers['idempotency-key']) - 1] ?? 500;
      response.writeHead(status).end(JSON.stringify({ message: `Answer ${keys.length}` }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    process.env['SURETY_URL'] =
      `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    jest.resetModules();
    const { command } = await import('../../local/demoApi.ts');
    const answer = await command('POST', '/claims/1/assign', { token: 'a', body: {} }).catch(
      (error: unknown) => error,
    );
    delete process.env['SURETY_URL'];
    await new Promise((resolve) => server.close(resolve));
    return { answer, keys };
  }

  it('is sent again under its key while the answer is "not now"', async () => {
    const { answer, keys } = await commandTo([503, 503, 200]);

    expect(answer).toEqual({ message: 'Answer 3' });
    expect(keys).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^[0-9a-f-]{36}$/)));
    expect(new Set(keys).size).toBe(1);
  });

  it('that is refused is not sent again', async () => {
    const { answer, keys } = await commandTo([422, 200]);

    expect(answer).toEqual(new Error('POST /claims/1/assign: 422 Answer 1'));
    expect(keys).toHaveLength(1);
  });
});
