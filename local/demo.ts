import { randomBytes } from 'node:crypto';
import {
  call,
  chapter,
  command,
  data,
  demoAccount,
  insistOnMails,
  list,
  mailsTo,
  say,
  signIn,
  tellMails,
  tellPast,
  text,
  until,
  untilUp,
  type Json,
} from './demoApi.ts';
import { tellOfBooking } from './demoBooking.ts';
import { tellOfClaim } from './demoClaim.ts';
import { tellOfCompliance } from './demoCompliance.ts';
import { reasonOf } from '../src/errors.ts';

/**
 * Run as a program against the running product: the story of one subscription, from registering to
 * its expiry by a durable timer, of a claim from its report to its payment, of two stays by GraphQL, of a document that five hundred
 * people must read, and of a second company that comes in; told with the API's own answers.
 */
async function tell(): Promise<void> {
  const startedAt = performance.now();
  await untilUp();
  await insistOnMails();
  const admin = await signIn(demoAccount('tenant_admin'));
  const operator = await signIn(demoAccount('operator'));
  const password = `${randomBytes(9).toString('base64url')}-Aa1`;
  const name = `ada${randomBytes(3).toString('hex')}`;
  const email = `${name}@example.com`;

  chapter('Register and sign in');
  const registered = await call('POST', '/auth/register', {
    body: { username: name, email, password, first_name: 'Ada', last_name: 'Lovelace' },
  });
  say(text(registered, 'message'));
  const holder = await signIn({ email, password });
  say(`signed in as ${email}`);

  chapter('Choose a plan');
  const plans = await call('GET', '/plans?max_premium=300.00&ordering=premium&page_size=3');
  for (const plan of list(plans, 'items')) {
    say(`${text(plan, 'name').padEnd(24)} ${text(plan, 'premium')} ${text(plan, 'currency')}`);
  }
  const [plan] = list(plans, 'items');
  if (!plan) throw new Error('There is no plan to choose.');
  const quote = data(await call('POST', `/plans/${text(plan, 'id')}/quote`, { body: {} }));
  say(
    `quote: ${text(quote, 'start_date')} to ${text(quote, 'end_date')}, ${text(quote, 'premium')}`,
  );

  chapter('Subscribe');
  const subscription = data(
    await command('POST', '/subscriptions', {
      token: holder,
      body: { insurance_plan_id: text(plan, 'id') },
    }),
  );
  const id = text(subscription, 'id');
  say(`policy ${text(subscription, 'policy_number')}, ${text(subscription, 'status')}`);

  chapter('What will happen by itself');
  const timeline = data(await call('GET', `/subscriptions/${id}/timeline`, { token: holder }));
  for (const timer of list(timeline, 'future')) {
    say(`${text(timer, 'due_at').slice(0, 16)}  ${text(timer, 'title')}`);
  }

  chapter('Move the expiry to eight seconds from now');
  await command('PATCH', `/workflows/subscription/${id}/timers/expiry`, {
    token: admin,
    body: {
      due_at: new Date(Date.now() + 8000).toISOString(),
      reason: 'To see it happen today',
    },
  });
  await untilStatus(id, holder, 'expired');
  const after = data(await call('GET', `/subscriptions/${id}/timeline`, { token: holder }));
  tellPast(after);

  chapter('E-mails that were sent');
  await tellMails(email);

  chapter('What the audit kept');
  const audit = await call('GET', `/audit-logs?entity_id=${id}`, { token: admin });
  for (const line of list(audit, 'items').toReversed()) {
    say(`${text(line, 'action').padEnd(14)} by ${text(line, 'actor_type')}`);
  }

  chapter('The run in the Temporal UI');
  const run = data(
    await call('GET', `/workflows/subscription/${id}/timeline`, { token: operator }),
  );
  say(text(run, 'workflow_url'));

  await tellOfClaim();
  await tellOfBooking();
  await tellOfCompliance();
  await tellOfCompany();
  console.log(`\nTold in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
}

/** A company registers, is approved, is set up by its workflow, and its administrator signs in. */
async function tellOfCompany(): Promise<void> {
  const reviewer = await signIn(demoAccount('global_admin'));
  const name = `acme${randomBytes(3).toString('hex')}`;
  const administrator = {
    email: `ada@${name}.example`,
    password: `${randomBytes(9).toString('base64url')}-Aa1`,
  };

  chapter('A second company registers');
  const { id, status } = readRegistration(
    await call('POST', '/register', {
      body: {
        company_name: `Acme ${name}`,
        requested_domain: `insurance.${name}.example`,
        admin_email: administrator.email,
        admin_username: name,
        admin_password: administrator.password,
      },
    }),
  );
  say(`registration ${id}, ${status}`);
  const link = await mailedLink(administrator.email);
  await call('POST', '/register/verify', { body: { code: link.split('#')[1] ?? '' } });
  say('address confirmed by the link of the e-mail');

  chapter('A global administrator approves it');
  const request = `/administration/registration-requests/${id}`;
  await command('POST', `${request}/approve`, { token: reviewer, body: {} });
  await until('The company was not set up', async () => {
    const now = readRegistration(await call('GET', request, { token: reviewer }));
    return now.status === 'active';
  });
  const course = await call('GET', `/workflows/onboarding/${id}/timeline`, { token: reviewer });
  tellPast(data(course));

  chapter('Its administrator signs in and sees a company of its own');
  const token = await signIn(administrator);
  const categories = await call('GET', '/categories', { token });
  say(`categories: ${list(categories, 'items').length}`);
  const plans = await call('GET', '/plans', { token });
  say(`plans of the other company: ${list(plans, 'items').length}`);
  await until('The first sign-in was not noted', async () => {
    const now = await call('GET', request, { token: reviewer });
    return text(data(now), 'activated_at') !== '';
  });
  say('the onboarding is over');
}

const readRegistration = (answer: Json): { id: string; status: string } => ({
  id: text(data(answer), 'id'),
  status: text(data(answer), 'status'),
});

async function mailedLink(address: string): Promise<string> {
  let link: string | undefined;
  await until(`No mail came to ${address}`, async () => {
    const [mail] = await mailsTo(address);
    link = /https?:\S+#\S+/.exec(mail ? text(mail, 'text') : '')?.[0];
    return link !== undefined;
  });
  return link ?? '';
}

const untilStatus = (id: string, token: string, wanted: string): Promise<void> =>
  until(`The subscription did not become ${wanted}`, async () => {
    const subscription = data(await call('GET', `/subscriptions/${id}`, { token }));
    return text(subscription, 'status') === wanted;
  });

try {
  await tell();
} catch (error) {
  console.error(`\nThe demo stopped: ${reasonOf(error)}`);
  process.exitCode = 1;
}
