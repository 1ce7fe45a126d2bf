import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { startStack, type Stack } from '../../local/stack.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { findSchemathesis } from '../support/schemathesis.ts';
import { openBoth } from './stayByBoth.ts';

const seed = Number(process.env['SEED'] || Math.floor(Math.random() * 2 ** 31));
/** Examples of each operation; the long run sets more. */
const examples = Number(process.env['CONTRACT_EXAMPLES'] || 5);
const runWithinMs = examples > 10 ? 4_000_000 : 300_000;

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-graphql-'));
let stack: Stack;
let schemathesis: string;

beforeAll(async () => {
  schemathesis = await findSchemathesis({ progress: (line) => console.info(line) });
  stack = await startStack({
    dataDir,
    ports: 'free',
    built: true,
    throwaway: true,
    env: { ENVIRONMENT: 'test', LOG_LEVEL: 'warn', ACCESS_TOKEN_EXPIRE_MINUTES: '600' },
  });
}, 600_000);

afterAll(async () => {
  await stack.stop();
  rmSync(dataDir, { recursive: true });
}, 60_000);

async function signIn(role: string): Promise<string> {
  const accounts: { role: string; email: string; password: string }[] = JSON.parse(
    readFileSync(path.join(dataDir, 'demo-accounts.json'), 'utf8'),
  );
  const { email, password } = accounts.find((each) => each.role === role) ?? {};
  const response = await fetch(`${stack.urls.api}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  const { data }: { data: { access_token: string } } = JSON.parse(await response.text());
  return `Bearer ${data.access_token}`;
}

/**
 * The tool takes each error of GraphQL for a fault of the server, and knows none of our scalars: this says
 * in its own language what is one, and what a scalar looks like.
 */
const hooks = `
import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

scalar("Money", st.from_regex(r"[0-9]{1,6}\\.[0-9]{2}", fullmatch=True).map(nodes.String))
scalar("JSON", st.dictionaries(st.sampled_from(["a", "b_c"]), st.text(), max_size=2).map(
    lambda value: nodes.Object([
        graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=nodes.String(text))
        for name, text in value.items()
    ])
))

@schemathesis.check
def keeps_to_the_schema(ctx, response, case):
    body = response.json()
    codes = [error["extensions"]["code"] for error in body.get("errors", [])]
    if response.status_code == 400:
        assert codes == ["QUERY_TOO_COMPLEX"], f"A query of the schema is refused: {body}"
        return
    assert response.status_code == 200, f"{response.status_code}: {body}"
    for error in body.get("errors", []):
        told = error["extensions"]
        assert told["status"] < 500 or told["status"] == 503, f"A fault: {error}"
        assert told["request_id"] and error["path"], f"Not told where: {error}"
`;

describe('the API keeps to its GraphQL schema', () => {
  it.each(['tenant_admin', 'policyholder', 'auditor'])(
    'for whatever the role %s may send',
    async (role) => {
      const startedAt = performance.now();
      const config = path.join(dataDir, 'schemathesis.toml');
      writeFileSync(config, 'hooks = "hooks.py"\n');
      writeFileSync(path.join(dataDir, 'hooks.py'), hooks);
      const program = spawn(
        schemathesis,
        [
          '--config-file',
          config,
          'run',
          path.resolve('docs/schema.graphql'),
          `--url=${stack.urls.api}/graphql`,
          '-H',
          `Authorization: ${await signIn(role)}`,
          '--checks=keeps_to_the_schema',
          '--mode=positive',
          '--phases=fuzzing',
          `--max-examples=${examples}`,
          `--seed=${seed}`,
          '--generation-database=:memory:',
          '--continue-on-failure',
          '--no-shrink',
          '--max-failures=20',
        ],
        { cwd: dataDir, stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const lines: string[] = [];
      createInterface({ input: program.stdout }).on('line', (line) => lines.push(line));
      const code = await new Promise<number | null>((resolve, reject) => {
        program.once('error', reject);
        program.once('close', resolve);
      });

      const from = lines.findIndex((line) => /= (FAILURES|ERRORS) =/.test(line));
      const failures = from < 0 ? [] : lines.slice(from);
      const count = (word: RegExp): number => Number(word.exec(lines.join('\n'))?.[1] ?? 0);
      const operations = count(/Tested: (\d+)/);
      const cases = count(/(\d+) generated/);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      console.info(`${operations} operations, ${cases} examples in ${seconds} s, SEED=${seed}`);

      expect(failures).toEqual([]);
      expect(code).toBe(0);
      expect(operations).toBeGreaterThan(140);
      expect(cases).toBeGreaterThan(operations * examples * 0.9);
    },
    runWithinMs,
  );
});

/** Each act by GraphQL; what it came to is then read by both. */
describe('a property with its stays', () => {
  it('is the same by GraphQL as by REST, field by field, whatever happens to it', async () => {
    const open = async (role: string) => openBoth(stack.urls.api, await signIn(role));
    const [host, guest, admin] = [
      await open('employee'),
      await open('policyholder'),
      await open('tenant_admin'),
    ];
    const seen = new Set<string>();
    const compare = async (
      as: typeof host,
      name: string,
      id: string,
      route: string,
      method = 'GET',
    ) => {
      const ask = () => as.both(name, id, { method, path: route });
      let { byRest, byGraphql } = await ask();
      // Its run may have begun, or have moved it, between the two.
      for (let again = 0; again < 20 && !isDeepStrictEqual(byRest, byGraphql); again += 1) {
        await pause(100);
        ({ byRest, byGraphql } = await ask());
      }
      expect({ [name]: byGraphql }).toEqual({ [name]: byRest });
      seen.add(typeof byRest['status'] === 'string' ? `${name} ${byRest['status']}` : name);
    };
    const day = (ahead: number) => addDays(dateAt(Date.now(), 'Europe/Berlin'), ahead);

    const propertyId = await host.mutate('createProperty', {
      input: {
        name: 'The lighthouse',
        description: 'Two rooms above the sea',
        address: 'Sylt',
        latitude: 54.9,
        longitude: 8.3,
        pricePerNight: '80.00',
        maxGuests: 3,
        cancellationPolicy: 'moderate',
        status: 'listed',
      },
    });
    await compare(host, 'property', propertyId, `/properties/${propertyId}`);
    await host.mutate('blockNights', {
      id: propertyId,
      input: { startDate: day(90), endDate: day(95), reason: 'Painting' },
    });
    const availability = `/properties/${propertyId}/availability`;
    await compare(guest, 'propertyAvailability', propertyId, availability);

    const book = async (from: number): Promise<string> => {
      const id = await guest.mutate('createBooking', {
        input: { propertyId, startDate: day(from), endDate: day(from + 2), guests: 2 },
      });
      await compare(guest, 'booking', id, `/bookings/${id}`);
      await guest.mutate('payBooking', { id });
      await guest.until(`/bookings/${id}`, (data) => data['paid_at'] !== null);
      return id;
    };
    const ended = (id: string, status: string) =>
      guest.until(
        `/bookings/${id}`,
        (data) =>
          data['status'] === status && (data['refund_status'] ?? 'completed') === 'completed',
      );

    const given = await book(40);
    await host.mutate('confirmBooking', { id: given });
    await compare(host, 'booking', given, `/bookings/${given}`);
    const charged = await guest.rest('GET', `/bookings/${given}`);
    const paymentId = typeof charged['payment_id'] === 'string' ? charged['payment_id'] : '';
    const refundId = await admin.mutate('refundPayment', {
      id: paymentId,
      input: { amount: '10.00', reason: 'The stove was cold' },
    });
    await admin.until(`/payments/${refundId}`, ({ status }) => status === 'completed');
    await compare(admin, 'payment', refundId, `/payments/${refundId}`);
    await compare(admin, 'payment', paymentId, `/payments/${paymentId}`);
    const preview = `/bookings/${given}/cancel/preview`;
    await compare(guest, 'previewBookingCancellation', given, preview, 'POST');
    await guest.mutate('cancelBooking', { id: given, input: { reason: 'Ill' } });
    await ended(given, 'cancelled');
    await compare(guest, 'booking', given, `/bookings/${given}`);

    const declined = await book(50);
    await host.mutate('declineBooking', { id: declined, input: { reason: 'The roof leaks' } });
    await ended(declined, 'cancelled');
    await compare(host, 'booking', declined, `/bookings/${declined}`);

    const stayed = await book(60);
    await host.mutate('confirmBooking', { id: stayed });
    await admin.rest('PATCH', `/workflows/booking/${stayed}/timers/check_out`, {
      due_at: new Date(Date.now() + 2000).toISOString(),
      reason: 'To see the end',
    });
    await ended(stayed, 'completed');
    await compare(guest, 'booking', stayed, `/bookings/${stayed}`);
    const reviewId = await guest.mutate('createReview', {
      id: propertyId,
      input: { rating: 4, comment: 'Windy' },
    });
    await host.mutate('replyToReview', { id: reviewId, input: { reply: 'Come in autumn' } });
    await compare(guest, 'review', reviewId, `/reviews/${reviewId}`);
    await compare(guest, 'property', propertyId, `/properties/${propertyId}`);

    expect([...seen].toSorted()).toEqual([
      'booking cancelled',
      'booking completed',
      'booking confirmed',
      'booking pending',
      'payment completed',
      'previewBookingCancellation',
      'property listed',
      'propertyAvailability',
      'review published',
    ]);
  }, 120_000);
});
