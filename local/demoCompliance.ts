import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  call,
  chapter,
  command,
  data,
  dataDir,
  demoAccount,
  download,
  list,
  mailsTo,
  number,
  ownAddress,
  pause,
  say,
  signIn,
  tellPast,
  text,
  until,
  type Json,
} from './demoApi.ts';
import type { StaffLogins } from './seedStaff.ts';

/** Where all sign in from the same address, no more do so in a minute. */
const fewPeople = 10;
/** So many people answer at a time. */
const atOnce = 8;

/** A document from its draft to the certificate of somebody who has read it, and what becomes of others. */
export async function tellOfCompliance(): Promise<void> {
  const file = path.join(dataDir, 'demo-staff.json');
  if (!existsSync(file)) {
    chapter('A document that everybody must read');
    say('these data are older than its readers: start with an empty SURETY_DATA to see it');
    return;
  }
  const logins: StaffLogins = JSON.parse(readFileSync(file, 'utf8'));
  const manager = await signIn(demoAccount('compliance_manager'));
  const policyId = await publishDocument(manager);
  const answered = await letMostAnswer(policyId, logins);
  await tellProgress(policyId, manager);
  await tellSchedule(policyId, manager);
  await tellEscalations(manager);
  await keepCertificate(answered, manager);

  chapter('Its run in the Temporal UI, one for the whole document');
  const operator = await signIn(demoAccount('operator'));
  const run = await call('GET', `/workflows/acknowledgement/${policyId}/timeline`, {
    token: operator,
  });
  tellPast(data(run));
  say(text(data(run), 'workflow_url'));
}

/** @returns its id, once everybody is asked */
async function publishDocument(manager: string): Promise<string> {
  chapter('A document that everybody must read is written, approved and published');
  const approver = await signIn(demoAccount('tenant_admin'));
  const customers = await call('GET', '/customers?is_self=true', { token: manager });
  const [own] = list(customers, 'items');
  const people = await call(
    'GET',
    `/employees?customer_id=${text(own ?? {}, 'id')}&status=active&size=1`,
    {
      token: manager,
    },
  );
  const staff = number(asJson(people['pagination']), 'total');
  const policy = data(
    await command('POST', '/compliance-policies', {
      token: manager,
      body: {
        title: `Working from home, ${randomBytes(3).toString('hex')}`,
        content: '# Working from home\n\nThe screen is locked, and papers stay in the office.',
        audience_customer_id: text(own ?? {}, 'id'),
      },
    }),
  );
  const id = text(policy, 'id');
  const step = (name: string, token: string): Promise<Json> =>
    command('POST', `/compliance-policies/${id}/${name}`, { token, body: {} });
  await step('submit', manager);
  await step('approve', approver);
  await step('publish', manager);
  const publishedAt = performance.now();
  say(`"${text(policy, 'title')}" is in force, approved by somebody who did not write it`);
  let asked = 0;
  for (let looks = 0; asked < staff && looks < 120; looks += 1) {
    const [group] = await progressOf(id, 'policy', manager);
    // Until then those are counted who will be.
    asked = group && group['is_asking'] === false ? number(group, 'pending_count') : 0;
    if (asked < staff) await pause(looks < 20 ? 250 : 1000);
  }
  if (asked < staff) throw new Error(`Only ${asked} of ${staff} people were asked.`);
  say(
    `all ${staff} people are asked ${secondsSince(publishedAt)} s later, by mail and in the application`,
  );
  return id;
}

/** @returns the acknowledgement of one of those who have read it */
async function letMostAnswer(policyId: string, { password, emails }: StaffLogins): Promise<string> {
  chapter('Most of them sign in, read it and answer');
  const hasAddresses = (await ownAddress()) !== undefined;
  const most = emails.filter((_, place) => place % 8 > 0);
  if (!hasAddresses) {
    say(`only ${fewPeople} people do, since no more sign in within a minute from one address`);
  }
  const [refusing = '', ...willing] = hasAddresses ? most : most.slice(0, fewPeople);
  const startedAt = performance.now();
  let done = 0;
  let last = '';
  const waiting = willing.values();
  const answerInTurn = async (): Promise<void> => {
    for (const email of waiting) {
      last = await respond(policyId, { email, password }, (mine) => ({
        step: 'acknowledge',
        body: {
          policy_version: number(mine, 'policy_version'),
          typed_name: text(mine, 'employee_name'),
        },
      }));
      done += 1;
      if (process.stdout.isTTY) process.stdout.write(`\r  ${done} of ${willing.length}`);
    }
  };
  await Promise.all(Array.from({ length: hasAddresses ? atOnce : 1 }, answerInTurn));
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[2K');
  say(
    `${done} people have answered in ${secondsSince(startedAt)} s` +
      (hasAddresses ? ', each from an address of their own' : ''),
  );
  await respond(policyId, { email: refusing, password }, () => ({
    step: 'decline',
    body: { reason: 'I never work from home' },
  }));
  say('one declines: whoever manages compliance is told');
  return last;
}

/** One person, from the sign-in to the answer. @returns the id of their acknowledgement */
async function respond(
  policyId: string,
  login: { readonly email: string; readonly password: string },
  answer: (mine: Json) => { readonly step: string; readonly body: object },
): Promise<string> {
  const from = await ownAddress();
  const token = await signIn(login, from);
  const asked = await call('GET', `/acknowledgements/mine?policy_id=${policyId}`, { token, from });
  const [mine] = list(asked, 'items');
  if (!mine) throw new Error(`${login.email} was not asked.`);
  const id = text(mine, 'id');
  const { step, body } = answer(mine);
  await call('POST', `/acknowledgements/${id}/${step}`, { token, from, body });
  return id;
}

async function tellProgress(policyId: string, token: string): Promise<void> {
  chapter('How far they are, by department');
  for (const group of await progressOf(policyId, 'department', token)) {
    const answers = number(group, 'acknowledged_count');
    const asked = answers + number(group, 'pending_count') + number(group, 'declined_count');
    const share = `${answers} of ${asked}`.padStart(10);
    say(`${text(group, 'name').padEnd(18)} ${share}  ${text(group, 'compliance_percentage')} %`);
  }
  const [all] = await progressOf(policyId, 'policy', token);
  if (all) say(`${'all'.padEnd(30)} ${text(all, 'compliance_percentage')} %`);
}

/** A dry run of moving the day to where it is tells what follows from it. */
async function tellSchedule(policyId: string, token: string): Promise<void> {
  const { email } = demoAccount('employee');
  const asked = `/acknowledgements?policy_id=${policyId}&search=${encodeURIComponent(email)}`;
  const [one] = list(await call('GET', asked, { token }), 'items');
  if (!one) return;
  const due = text(one, 'due_date');
  chapter(`What awaits ${text(one, 'employee_name')}, who has until ${due} and does not answer`);
  const ahead = await call('PATCH', `/acknowledgements/${text(one, 'id')}`, {
    token,
    body: { due_date: due, reason: 'To see what follows', dry_run: true },
  });
  for (const step of list(data(ahead), 'schedule')) {
    say(`${text(step, 'at').slice(0, 10)}  ${text(step, 'consequence')}`);
  }
}

/** What the keeper of an older document has done by itself since the product is on. */
async function tellEscalations(token: string): Promise<void> {
  const lookUp = async (): Promise<Json[]> =>
    list(
      await call('GET', '/acknowledgements?overdue=true&escalation_status=escalated_to_cxo', {
        token,
      }),
      'items',
    );
  let late = await lookUp();
  for (let looks = 0; late.length === 0 && looks < 20; looks += 1) {
    await pause(1000);
    late = await lookUp();
  }
  const title = text(late[0] ?? {}, 'policy_title');
  late = late.filter((each) => text(each, 'policy_title') === title);
  const [one] = late;
  // Once they have all answered there is nothing to tell.
  if (!one) return;
  chapter(`What has happened to those who never confirmed "${title}"`);
  say(`${late.length} people of ${text(one, 'department')} had until ${text(one, 'due_date')}`);
  const department = encodeURIComponent(text(one, 'department'));
  const staff = list(await call('GET', `/employees?department=${department}`, { token }), 'items');
  const head = staff.find((each) =>
    staff.some((other) => text(other, 'manager_id') === text(each, 'id')),
  );
  const employee = late.find((each) => text(each, 'employee_email') !== text(head ?? {}, 'email'));
  const told = {
    employee: text(employee ?? {}, 'employee_email'),
    manager: text(head ?? {}, 'email'),
    HR: demoAccount('hr').email,
    executive: demoAccount('executive').email,
  };
  for (const [who, email] of Object.entries(told)) {
    if (email === '') continue;
    // They were asked to read it before, by a mail that may have come sooner.
    const ofLateness = who === 'employee' ? `Overdue: ${title}` : `${title}: `;
    let mails: Json[] = [];
    await until(`Nothing about it came to ${who}`, async () => {
      mails = (await mailsTo(email)).filter((each) => text(each, 'subject').includes(ofLateness));
      return mails.length > 0;
    });
    const [mail = {}] = mails;
    say(`to ${who.padEnd(10)} ${email.padEnd(28)} ${text(mail, 'subject')}`);
    if (who !== 'HR') continue;
    for (const line of text(mail, 'text').split('\n')) say(`    ${line}`.trimEnd());
  }
}

async function keepCertificate(id: string, manager: string): Promise<void> {
  chapter('What proves an answer');
  const content = await download(`/acknowledgements/${id}/certificate`, manager);
  const file = path.join(dataDir, 'demo-certificate.pdf');
  writeFileSync(file, content, { mode: 0o600 });
  say(`certificate: ${file}, ${Math.ceil(content.length / 1024)} KB`);
  const admin = await signIn(demoAccount('tenant_admin'));
  const audit = await call('GET', `/audit-logs?entity_id=${id}&action=STATUS_CHANGE`, {
    token: admin,
  });
  for (const line of list(audit, 'items')) {
    const { status = '', evidence_hash: hash = '' } = asJson(line['after']);
    say(`the audit: ${String(status)} from ${text(line, 'ip')}, evidence ${String(hash)}`);
  }
}

const progressOf = async (policyId: string, by: string, token: string): Promise<Json[]> =>
  list(
    await call('GET', `/compliance/progress?by=${by}&policy_id=${policyId}`, { token }),
    'items',
  );

const asJson = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const secondsSince = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);
