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
 * in its own language what is one, and what a scalar looks like. About half of what it sends is against the
 * schema; that such a query is refused it checks itself.
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
    is_wrong = case.meta is not None and case.meta.generation.mode.is_negative
    if is_wrong:
        with open("wrong.txt", "a") as wrong:
            wrong.write(f"{case.operation.label}\\n")
    if response.status_code == 400:
        expected = "BAD_REQUEST" if is_wrong else "QUERY_TOO_COMPLEX"
        assert set(codes) <= {expected, "QUERY_TOO_COMPLEX"}, f"Refused for another reason: {body}"
        return
    assert response.status_code == 200, f"{response.status_code}: {body}"
    for error in body.get("errors", []):
        told = error["extensions"]
        # A command that a busy worker takes later.
        assert told["status"] < 500 or told["code"] == "COMMAND_PENDING", f"A fault: {error}"
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
      writeFileSync(path.join(dataDir, 'wrong.txt'), '');
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
          '--checks=keeps_to_the_schema,negative_data_rejection',
          '--mode=all',
          '--phases=fuzzing,stateful',
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
      const wrong = readFileSync(path.join(dataDir, 'wrong.txt'), 'utf8').trim().split('\n');
      console.info(
        `${operations} operations, ${cases} examples, ${wrong.length} of them wrong, in ${seconds} s, SEED=${seed}`,
      );

      expect(failures).toEqual([]);
      expect(code).toBe(0);
      expect(operations).toBeGreaterThan(140);
      expect(cases).toBeGreaterThan(operations * examples * 0.9);
      expect(wrong.length).toBeGreaterThan(cases / 3);
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
        // A stay of today can end at any hour.
        checkInTime: '00:00',
        status: 'listed',
      },
    });
    await compare(host, 'property', propertyId, `/properties/${propertyId}`);
    const blockId = await host.mutate('blockNights', {
      id: propertyId,
      input: { startDate: day(90), endDate: day(95), reason: 'Painting' },
    });
    const blocks = `/properties/${propertyId}/blocks`;
    await compare(guest, 'propertyBlocks', propertyId, blocks);
    const availability = `/properties/${propertyId}/availability`;
    await compare(guest, 'propertyAvailability', propertyId, availability);
    await host.mutate('unblockNights', { id: propertyId, blockId });
    expect((await guest.rest('GET', blocks))['items']).toEqual([]);

    const begin = async (house: string, from: number, nights: number): Promise<string> => {
      const id = await guest.mutate('createBooking', {
        input: { propertyId: house, startDate: day(from), endDate: day(from + nights), guests: 2 },
      });
      await compare(guest, 'booking', id, `/bookings/${id}`);
      await guest.mutate('payBooking', { id });
      return id;
    };
    const book = async (from: number, house = propertyId): Promise<string> => {
      const id = await begin(house, from, 2);
      await guest.until(`/bookings/${id}`, (data) => data['paid_at'] !== null);
      return id;
    };
    const paymentOf = async (id: string): Promise<string> =>
      String((await guest.rest('GET', `/bookings/${id}`))['payment_id']);
    const ended = (id: string, status: string) =>
      guest.until(
        `/bookings/${id}`,
        (data) =>
          data['status'] === status && (data['refund_status'] ?? 'completed') === 'completed',
      );

    const given = await book(40);
    await host.mutate('confirmBooking', { id: given });
    await compare(host, 'booking', given, `/bookings/${given}`);
    const paymentId = await paymentOf(given);
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
    const givenBack = await paymentOf(declined);
    await compare(guest, 'payment', givenBack, `/payments/${givenBack}`);

    // The gateway declines this amount for now: a charge fails, and a refund waits for its next try.
    const villa = await host.mutate('createProperty', {
      input: {
        name: 'The villa',
        description: 'Too dear',
        address: 'Sylt',
        pricePerNight: '6660.02',
        maxGuests: 3,
      },
    });
    const unpaid = await begin(villa, 40, 1);
    await guest.until(`/bookings/${unpaid}`, (data) => data['payment_status'] === 'failed');
    const failed = await paymentOf(unpaid);
    await compare(guest, 'payment', failed, `/payments/${failed}`);
    const waiting = await admin.mutate('refundPayment', {
      id: await paymentOf(await book(50, villa)),
      input: { amount: '6660.02', reason: 'The pool was dry' },
    });
    await admin.until(`/payments/${waiting}`, ({ attempts }) => attempts === 1);
    await compare(admin, 'payment', waiting, `/payments/${waiting}`);
    await host.mutate('updateProperty', { id: villa, input: { status: 'unlisted' } });
    await compare(host, 'property', villa, `/properties/${villa}`);

    const stayed = await book(0);
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
    await compare(guest, 'propertyReviews', propertyId, `/properties/${propertyId}/reviews`);
    await admin.mutate('hideReview', { id: reviewId });
    await compare(guest, 'review', reviewId, `/reviews/${reviewId}`);
    const guestId = String((await guest.rest('GET', '/auth/me'))['id']);
    await compare(guest, 'userReviews', guestId, `/users/${guestId}/reviews`);
    await compare(guest, 'user', guestId, `/users/${guestId}`);

    expect([...seen].toSorted()).toEqual([
      'booking cancelled',
      'booking completed',
      'booking confirmed',
      'booking pending',
      'payment completed',
      'payment failed',
      'payment pending',
      'payment refunded',
      'previewBookingCancellation',
      'property listed',
      'property unlisted',
      'propertyAvailability',
      'propertyBlocks',
      'propertyReviews',
      'review hidden',
      'review published',
      'user',
      'userReviews',
    ]);
  }, 120_000);
});
