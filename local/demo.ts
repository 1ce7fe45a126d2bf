import { readFileSync } from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { prepareDataDir } from './dataDir.ts';
import { reasonOf } from './failures.ts';

/**
 * Run as a program against the running product: the story of one subscription, from registering to
 * its expiry by a durable timer, and of a second company that comes in; told with the API's own
 * answers.
 */
const base = process.env['SURETY_URL'] ?? 'http://127.0.0.1:3000';
const api = `${base}/api/v1`;

async function tell(): Promise<void> {
  const startedAt = performance.now();
  await untilUp();
  const admin = await signIn(demoAccount('tenant_admin'));
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
    await call('POST', '/subscriptions', {
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

  chapter('Move the expiry to five seconds from now');
  await patiently(() =>
    call('PATCH', `/workflows/subscription/${id}/timers/expiry`, {
      token: admin,
      body: {
        due_at: new Date(Date.now() + 5000).toISOString(),
        reason: 'To see it happen today',
      },
    }),
  );
  await untilStatus(id, holder, 'expired');
  const after = data(await call('GET', `/subscriptions/${id}/timeline`, { token: holder }));
  for (const event of list(after, 'past')) {
    say(
      `${text(event, 'at').slice(11, 19)}  ${text(event, 'title')} (${text(event, 'actor_type')})`,
    );
  }

  chapter('E-mails that were sent');
  await pause(1500);
  const mails: unknown = await (await fetch(`${base}/dev/mails`)).json();
  const sent = list(mails, 'items').filter((mail) => text(mail, 'to').includes(email));
  for (const mail of sent.toReversed()) say(text(mail, 'subject'));

  chapter('What the audit kept');
  const audit = await call('GET', `/audit-logs?entity_id=${id}`, { token: admin });
  for (const line of list(audit, 'items').toReversed()) {
    say(`${text(line, 'action').padEnd(14)} by ${text(line, 'actor_type')}`);
  }

  chapter('The run in the Temporal UI');
  say(text(timeline, 'workflow_url'));

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
  await patiently(() => call('POST', `${request}/approve`, { token: reviewer, body: {} }));
  await until('The company was not set up', async () => {
    const now = readRegistration(await call('GET', request, { token: reviewer }));
    return now.status === 'active';
  });
  const course = await call('GET', `/workflows/onboarding/${id}/timeline`, { token: reviewer });
  for (const event of list(data(course), 'past')) {
    say(
      `${text(event, 'at').slice(11, 19)}  ${text(event, 'title')} (${text(event, 'actor_type')})`,
    );
  }

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
    const mails: unknown = await (await fetch(`${base}/dev/mails`)).json();
    const mail = list(mails, 'items').find((each) => text(each, 'to').includes(address));
    link = /https?:\S+#\S+/.exec(mail ? text(mail, 'text') : '')?.[0];
    return link !== undefined;
  });
  return link ?? '';
}

async function until(otherwise: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let second = 0; second < 30; second += 1) {
    if (await isSo()) return;
    await pause(1000);
  }
  throw new Error(`${otherwise} within 30 s.`);
}

type Json = Readonly<Record<string, unknown>>;

const chapter = (title: string): void => console.log(`\n${title}`);
const say = (line: string): void => console.log(`  ${line}`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function call(
  method: string,
  route: string,
  { token, body }: { token?: string; body?: object } = {},
): Promise<Json> {
  const response = await fetch(`${api}${route}`, {
    method,
    headers: {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!isJson(answer)) throw new Error(`${method} ${route} answered no object`);
  if (!response.ok) {
    throw new Error(`${method} ${route}: ${response.status} ${text(answer, 'message')}`);
  }
  return answer;
}

async function signIn({ email, password }: { email: string; password: string }): Promise<string> {
  return text(
    data(await call('POST', '/auth/login', { body: { email, password } })),
    'access_token',
  );
}

function demoAccount(role: string): { email: string; password: string } {
  const file = path.join(prepareDataDir().dir, 'demo-accounts.json');
  const accounts: { role: string; email: string; password: string }[] = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const account = accounts.find((each) => each.role === role);
  if (!account) throw new Error(`There is no demo account for ${role}.`);
  return account;
}

async function untilUp(): Promise<void> {
  const response = await fetch(`${base}/health/ready`).catch(() => undefined);
  if (!response?.ok) throw new Error(`Nothing answers at ${base}: run "npm start" first.`);
}

const untilStatus = (id: string, token: string, wanted: string): Promise<void> =>
  until(`The subscription did not become ${wanted}`, async () => {
    const subscription = data(await call('GET', `/subscriptions/${id}`, { token }));
    return text(subscription, 'status') === wanted;
  });

/** A workflow that has just been promised may take a moment to start. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch {
    await pause(2000);
    return work();
  }
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const data = (answer: Json): Json => (isJson(answer['data']) ? answer['data'] : {});

function list(answer: unknown, name: string): Json[] {
  const value = isJson(answer) ? answer[name] : undefined;
  return Array.isArray(value) ? value.filter(isJson) : [];
}

function text(answer: Json, name: string): string {
  const value = answer[name];
  return typeof value === 'string' ? value : '';
}

try {
  await tell();
} catch (error) {
  console.error(`\nThe demo stopped: ${reasonOf(error)}`);
  process.exitCode = 1;
}
