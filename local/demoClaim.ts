import { randomBytes } from 'node:crypto';
import {
  call,
  chapter,
  command,
  data,
  demoAccount,
  list,
  say,
  signIn,
  tellMails,
  tellPast,
  text,
  until,
} from './demoApi.ts';

/** A claim from its report to its payment, with a deadline that is missed on the way. */
export async function tellOfClaim(): Promise<void> {
  const adjusterLogin = demoAccount('adjuster');
  const [callCenter, adjuster, manager, admin, operator] = await Promise.all([
    signIn(demoAccount('call_center')),
    signIn(adjusterLogin),
    signIn(demoAccount('claims_manager')),
    signIn(demoAccount('tenant_admin')),
    signIn(demoAccount('operator')),
  ]);
  const me = data(await call('GET', '/auth/me', { token: adjuster }));
  const email = `grace${randomBytes(3).toString('hex')}@example.com`;
  const day = (offset: number): string =>
    new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

  chapter('A policy is issued, and a claim is reported');
  const policy = data(
    await command('POST', '/policies', {
      token: callCenter,
      body: {
        policy_type: 'home',
        policyholder_name: 'Grace Hopper',
        policyholder_email: email,
        coverage_amount: '50000.00',
        premium: '480.00',
        start_date: day(-90),
        end_date: day(275),
      },
    }),
  );
  say(`policy ${text(policy, 'policy_number')}, in force since ${day(-90)}`);
  const claim = data(
    await command('POST', `/policies/${text(policy, 'id')}/claims`, {
      token: callCenter,
      body: {
        title: 'Burst pipe in the kitchen',
        description: 'Water under the sink since the morning',
        incident_date: day(-2),
        claim_amount: '1200.00',
      },
    }),
  );
  const id = text(claim, 'id');
  say(`claim ${text(claim, 'claim_number')}, ${text(claim, 'status')}`);

  chapter('An adjuster takes it, and misses a deadline');
  await command('POST', `/claims/${id}/assign`, {
    token: manager,
    body: { user_id: text(me, 'id') },
  });
  const toStatus = (status: string, more: object = {}): Promise<unknown> =>
    command('PUT', `/claims/${id}/update-status`, {
      token: adjuster,
      body: { new_status: status, ...more },
    });
  await toStatus('under_review');
  await command('PATCH', `/workflows/claim/${id}/timers/decision`, {
    token: admin,
    body: { due_at: new Date(Date.now() + 3000).toISOString(), reason: 'To see it happen today' },
  });
  await until('Nobody was alerted', async () => {
    const now = data(await call('GET', `/claims/${id}`, { token: manager }));
    return text(now, 'sla_status') === 'breached';
  });
  say('the decision is overdue: senior adjusters are told, managers come next');

  chapter('It is decided and paid');
  await toStatus('waiting_approval', {
    data: { amount: '950.00', rationale: 'Repair as estimated' },
  });
  await command('POST', `/claims/${id}/approve`, {
    token: manager,
    body: { approved_amount: '950.00' },
  });
  await until('The claim was not paid', async () => {
    const now = data(await call('GET', `/claims/${id}`, { token: manager }));
    return text(now, 'status') === 'paid';
  });
  const course = data(await call('GET', `/claims/${id}/timeline`, { token: manager }));
  tellPast(course);
  const ledger = data(await call('GET', '/ledger', { token: admin }));
  for (const line of list(ledger, 'accounts')) {
    say(`ledger: ${text(line, 'account').padEnd(18)} ${text(line, 'balance').padStart(12)}`);
  }

  chapter('What the claimant was sent');
  await tellMails(email);
  const run = data(await call('GET', `/workflows/claim/${id}/timeline`, { token: operator }));
  say(text(run, 'workflow_url'));
}
