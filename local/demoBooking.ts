import {
  chapter,
  command,
  demoAccount,
  graphql,
  list,
  number,
  say,
  signIn,
  text,
  until,
  within,
  type Json,
} from './demoApi.ts';

/** A stay that is booked, paid, over and reviewed, and another that is given up, by GraphQL. */
export async function tellOfBooking(): Promise<void> {
  const [guest, host, admin] = await Promise.all([
    signIn(demoAccount('policyholder')),
    signIn(demoAccount('employee')),
    signIn(demoAccount('tenant_admin')),
  ]);

  chapter('Find a place to stay, by GraphQL');
  const { properties } = await graphql(
    guest,
    `
      {
        properties(size: 4, sortBy: price_per_night) {
          items {
            id
            name
            address
            pricePerNight
            currency
            instantBook
          }
        }
      }
    `,
  );
  for (const found of list(properties, 'items')) {
    say(
      `${text(found, 'name').padEnd(20)} ${text(found, 'pricePerNight').padStart(7)} ${text(found, 'currency')}  ${text(found, 'address')}`,
    );
  }
  /** Today at the place, or later where that is told, and the first days of two free nights since then. */
  const freeSince = async (id: string, from?: string) => {
    const { propertyAvailability } = await graphql(
      guest,
      `
        query ($id: ID!, $from: Date) {
          propertyAvailability(id: $id, from: $from) {
            from
            free {
              startDate
              endDate
            }
          }
        }
      `,
      { id, ...(from !== undefined && { from }) },
    );
    const days = list(propertyAvailability, 'free')
      .filter((each) => daysBetween(text(each, 'startDate'), text(each, 'endDate')) >= 2)
      .map((each) => text(each, 'startDate'));
    return { since: text(within(propertyAvailability), 'from'), days };
  };
  let place: Json | undefined;
  let today = '';
  for (const found of list(properties, 'items')) {
    const { since, days } = await freeSince(text(found, 'id'));
    if (found['instantBook'] !== true || days[0] !== since) continue;
    [place, today] = [found, since];
    break;
  }
  if (!place) throw new Error('Nothing can be booked at once for tonight.');
  const propertyId = text(place, 'id');
  const name = text(place, 'name');
  await graphql(
    host,
    `
      mutation ($id: ID!) {
        updateProperty(id: $id, input: { checkInTime: "00:00" }) {
          checkInTime
        }
      }
    `,
    { id: propertyId },
  );
  say(`${name} is free tonight, and has a key safe now: guests come at any hour`);

  const book = async (startDate: string): Promise<string> => {
    const { createBooking } = await graphql(
      guest,
      `
        mutation ($input: CreateBookingInput!) {
          createBooking(input: $input) {
            id
            nights
            totalAmount
            currency
            startDate
            status
          }
        }
      `,
      { input: { propertyId, startDate, endDate: addDays(startDate, 2), guests: 2 } },
    );
    const booking = within(createBooking);
    say(
      `booked ${name} from ${text(booking, 'startDate')}: ${number(booking, 'nights')} nights, ${text(booking, 'totalAmount')} ${text(booking, 'currency')}, ${text(booking, 'status')}`,
    );
    return text(booking, 'id');
  };
  const pay = async (id: string): Promise<void> => {
    await graphql(
      guest,
      `
        mutation ($id: ID!, $key: String!) {
          payBooking(id: $id, idempotencyKey: $key) {
            paymentStatus
          }
        }
      `,
      { id, key: `demo-${id}` },
    );
    await until('The booking was not confirmed', async () => (await statusOf(id)) === 'confirmed');
    say('paid, and confirmed');
  };
  const statusOf = async (id: string): Promise<string> => {
    const { booking } = await graphql(
      guest,
      `
        query ($id: ID!) {
          booking(id: $id) {
            status
            refundStatus
          }
        }
      `,
      { id },
    );
    const shown = within(booking);
    return text(shown, 'refundStatus') || text(shown, 'status');
  };

  chapter('Book it, pay, and stay');
  const stayed = await book(today);
  await pay(stayed);
  await command('PATCH', `/workflows/booking/${stayed}/timers/check_out`, {
    token: admin,
    body: {
      due_at: new Date(Date.now() + 3000).toISOString(),
      reason: 'To see the end of the stay today',
    },
  });
  await until('The stay did not end', async () => (await statusOf(stayed)) === 'completed');
  say('the guest has left: the host is told of the payout, the guest is asked for a review');

  chapter('Review it');
  const { createReview } = await graphql(
    guest,
    `
      mutation ($id: ID!, $input: CreateReviewInput!) {
        createReview(id: $id, input: $input) {
          id
          rating
          comment
        }
      }
    `,
    { id: propertyId, input: { rating: 5, comment: 'Quiet, and the stove is warm' } },
  );
  await graphql(
    host,
    `
      mutation ($id: ID!) {
        replyToReview(id: $id, input: { reply: "Come again!" }) {
          hostReply
        }
      }
    `,
    { id: text(within(createReview), 'id') },
  );
  const { property } = await graphql(
    guest,
    `
      query ($id: ID!) {
        property(id: $id) {
          averageRating
          reviewCount
          reviews(size: 1) {
            rating
            comment
            hostReply
            booking {
              nights
              payment {
                status
                amount
              }
            }
          }
        }
      }
    `,
    { id: propertyId },
  );
  const [review] = list(property, 'reviews');
  const shown = within(property);
  say(`${text(shown, 'averageRating')} of 5 by ${number(shown, 'reviewCount')} guests`);
  if (review) say(`“${text(review, 'comment')}” – “${text(review, 'hostReply')}”`);

  chapter('Book again, and give it up');
  const [later] = (await freeSince(propertyId, addDays(today, 7))).days;
  if (later === undefined) throw new Error('Nothing is free in the next weeks.');
  const given = await book(later);
  await pay(given);
  const { previewBookingCancellation } = await graphql(
    guest,
    `
      query ($id: ID!) {
        previewBookingCancellation(id: $id) {
          refundAmount
          currency
          rule
        }
      }
    `,
    { id: given },
  );
  const preview = within(previewBookingCancellation);
  say(`giving it up would give back ${text(preview, 'refundAmount')} (${text(preview, 'rule')})`);
  await graphql(
    guest,
    `
      mutation ($id: ID!, $key: String!) {
        cancelBooking(id: $id, idempotencyKey: $key, input: { reason: "We are ill" }) {
          status
        }
      }
    `,
    { id: given, key: `demo-cancel-${given}` },
  );
  await until('The refund did not arrive', async () => (await statusOf(given)) === 'completed');
  const { ledger } = await graphql(
    admin,
    `
      {
        ledger {
          isEven
          accounts {
            account
            balance
          }
        }
      }
    `,
  );
  for (const line of list(ledger, 'accounts')) {
    say(`ledger: ${text(line, 'account').padEnd(18)} ${text(line, 'balance').padStart(12)}`);
  }
}

const dayMs = 86_400_000;

const addDays = (date: string, days: number): string =>
  new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);

const daysBetween = (from: string, to: string): number =>
  (Date.parse(to) - Date.parse(from)) / dayMs;
