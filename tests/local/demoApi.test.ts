import { createServer, type Server } from 'node:http';

describe('a command of the demo', () => {
  let server: Server;
  let statuses: readonly number[];
  /** It was asked with. */
  let keys: (string | string[] | undefined)[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const status = statuses[keys.push(request.headers['idempotency-key']) - 1] ?? 500;
      response.writeHead(status).end(JSON.stringify({ message: `Answer ${keys.length}` }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    process.env['SURETY_URL'] =
      `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  });
  afterAll(async () => {
    delete process.env['SURETY_URL'];
    await new Promise((resolve) => server.close(resolve));
  });

  /** What answers in turn. */
  async function commandTo(answers: readonly number[]): Promise<unknown> {
    statuses = answers;
    keys = [];
    const { command } = await import('../../local/demoApi.ts');
    return command('POST', '/claims/1/assign', { token: 'a', body: {} }).catch(
      (error: unknown) => error,
    );
  }

  it('is sent again under its key while the answer is "not now"', async () => {
    expect(await commandTo([503, 503, 200])).toEqual({ message: 'Answer 3' });

    expect(keys).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^[0-9a-f-]{36}$/)));
    expect(new Set(keys).size).toBe(1);
  });

  it('that is refused is not sent again', async () => {
    const answer = await commandTo([422, 200]);

    expect(answer).toEqual(new Error('POST /claims/1/assign: 422 Answer 1'));
    expect(keys).toHaveLength(1);
  });
});
