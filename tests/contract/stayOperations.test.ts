import { mutations, queries } from '../../src/api/graphql/operations.ts';
import { registry } from '../wall/registry.ts';

/** What hosts and guests do, as the requirements list it. */
const endpoints = [
  ['/properties', 'GET POST'],
  ['/properties/:id', 'GET PUT PATCH DELETE'],
  ['/properties/:id/availability', 'GET'],
  ['/properties/:id/blocks', 'GET POST'],
  ['/properties/:id/blocks/:blockId', 'DELETE'],
  ['/properties/:id/reviews', 'GET POST'],
  ['/bookings', 'GET POST'],
  ['/bookings/:id', 'GET'],
  ['/bookings/:id/confirm', 'POST'],
  ['/bookings/:id/decline', 'POST'],
  ['/bookings/:id/cancel', 'POST'],
  ['/bookings/:id/cancel/preview', 'POST'],
  ['/bookings/:id/pay', 'POST'],
  ['/payments', 'GET'],
  ['/payments/:id', 'GET'],
  ['/payments/:id/refund', 'POST'],
  ['/users/:id/reviews', 'GET'],
  ['/reviews/:id', 'GET PATCH DELETE'],
  ['/reviews/:id/reply', 'POST'],
  ['/reviews/:id/report', 'POST'],
] as const;

/** What REST has alone, and why. */
const onlyByRest: Readonly<Record<string, string>> = {
  'POST /payments/webhook':
    'The gateway sends it in its own form, and what it has signed are the bytes of the whole request',
  'GET /properties/:id/history': 'What the audit has of a thing is read by REST, of every kind',
  'GET /properties/:id/as-of': 'as its history',
  'GET /bookings/:id/history': 'as that of a property',
  'GET /bookings/:id/as-of': 'as its history',
};

const operations: readonly string[] = [...Object.values(queries), ...Object.values(mutations)];

describe('properties, bookings, reviews and payments', () => {
  it.each(endpoints)('have an operation of GraphQL for each way to call %s', (path, methods) => {
    const called = operations.filter((operation) => operation.endsWith(` ${path}`));

    expect(called.toSorted()).toEqual(
      methods
        .split(' ')
        .map((method) => `${method} ${path}`)
        .toSorted(),
    );
  });

  it('are left to REST alone where there is a reason', () => {
    const declared = new Set(registry().map(({ endpoint }) => endpoint));
    const others = [...declared].filter(
      (endpoint) =>
        / \/(properties|bookings|payments|reviews)(\/|$)/.test(endpoint) &&
        !operations.includes(endpoint),
    );

    expect(others.toSorted()).toEqual(Object.keys(onlyByRest).toSorted());
  });
});
