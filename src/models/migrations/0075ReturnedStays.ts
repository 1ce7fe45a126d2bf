const cancelledBy = (cancellers: string, check = ''): string => `
ALTER TABLE bookings DROP CONSTRAINT bookings_cancelled_by_check;
ALTER TABLE bookings
  ADD CONSTRAINT bookings_cancelled_by_check CHECK (cancelled_by IN (${cancellers})) ${check};
`;

const before = `'guest', 'host', 'hold', 'request', 'operator'`;

/** A stay also ends when all that was paid for it goes back by hand. Rows that say so outlive the way down. */
const business = {
  up: cancelledBy(`${before}, 'refund'`),
  down: cancelledBy(before, 'NOT VALID'),
};

export const returnedStays = { name: '0075-returned-stays', business };
