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
  const place = list(properties, 'items').find((each) => each['instantBook'] === true);
  if (!place) throw new Error('Nothing can be booked at once.');
  const propertyId = text(place, 'id');

  const book = async (): Promise<string> => {
    const { propertyAvailability } = await graphql(
      guest,
      `
        query ($id: ID!) {
          propertyAvailability(id: $id) {
            free {
              startDate
              endDate
            }
          }
        }
      `,
      { id: propertyId },
    );
    const free = list(propertyAvailability, 'free').find(
      (each) => daysBetween(text(each, 'startDate'), text(each, 'endDate')) >= 3,
    );
    if (!free) throw new Error('Nothing is free in the next weeks.');
    const startDate = addDays(text(free, 'startDate'), 1);
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
      `booked ${text(place, 'name')} from ${text(booking, 'startDate')}: ${number(booking, 'nights')} nights, ${text(booking, 'totalAmount')} ${text(booking, 'currency')}, ${text(booking, 'status')}`,
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
  const stayed = await book();
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
  const given = await book();
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
