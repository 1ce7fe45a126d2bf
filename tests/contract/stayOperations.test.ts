import { mutations, queries } from '../../src/api/graphql/operations.ts';

/** What hosts and guests do, as the requirements list it; the webhook is for gateways alone. */
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
});
