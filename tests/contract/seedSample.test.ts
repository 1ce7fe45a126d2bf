import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { createTokens } from '../../src/commands/tokens.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor } from '../../src/context.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { openSession, openTestApi, type TestApi } from '../support/api.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openRealTemporal, type TestTemporal } from '../support/lifecycle.ts';

/** As it stands in the seed, to the letter. */
const sample = `{
       "company_name": "ABC Insurance Co.",
       "business_type": "auto",
       "company_phone": "+1234567890",
       "contact_email": "contact@abcinsurance.com",
       "company_address": "123 Main St, City, State",
       "requested_domain": "abcinsurance.localhost",
       "admin_email": "admin@abcinsurance.com",
       "admin_username": "admin",
       "admin_password": "securepassword"
     }`;

const tokens = createTokens(
  readConfig({ ENVIRONMENT: 'test', DATABASE_URL: 'postgres://nobody@127.0.0.1/none' }),
);
const json = { 'Content-Type': 'application/json' };

let server: TestTemporal;
let api: TestApi;

beforeAll(async () => {
  server = await openRealTemporal();
  api = await openTestApi({ TEMPORAL_TASK_QUEUE: server.taskQueue, RATE_LIMIT_ENABLED: 'false' });
}, 300_000);
afterAll(async () => {
  await server.close();
  await api.close();
});

interface Sent {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What curl would send: no header and no body but those given. */
async function send(
  path: string,
  { method = 'GET', host = 'localhost:8000', headers = {}, body }: Sent = {},
) {
  const sent = request(`${api.address}${path}`, { method, headers: { Host: host, ...headers } });
  sent.end(body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
  const said = await text(response);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: said === '' ? {} : JSON.parse(said),
  };
}

const bearer = async (actor: Actor) => ({
  Authorization: `Bearer ${(await openSession(tokens, actor)).token}`,
});

describe("the seed's way to a new company", () => {
  it('is walked line by line: register, approve, come to the site, sign in', async () => {
    const reviewer = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const authorization = await bearer(reviewer);
    const host = 'abcinsurance.localhost:8000';
    const review = '/administration/registration-requests';
    const early = await send('/', { host });

    const registered = await send('/api/register/', {
      method: 'POST',
      headers: json,
      body: sample,
    });
    const { id } = registered.body.data;
    const approve = () =>
      send(`${review}/${id}/approve/`, { method: 'POST', headers: authorization });
    let approved = await approve();
    // A busy machine may not answer in time; approved twice is approved once.
    while (approved.status === 503) approved = await approve();
    let status = 'approved';
    while (status !== 'active') {
      await setTimeout(100);
      ({ status } = (await send(`${review}/${id}/`, { headers: authorization })).body.data);
    }
    let site = await send('/', { host });
    // What was asked before the approval is remembered for some seconds.
    while (site.status === 400) {
      await setTimeout(250);
      site = await send('/', { host });
    }
    const signedIn = await send('/users/login/', {
      method: 'POST',
      host,
      headers: json,
      body: '{ "email": "admin@abcinsurance.com", "password": "securepassword" }',
    });

    expect([early.status, early.body.code]).toEqual([400, 'HOST_NOT_ALLOWED']);
    expect([registered.status, registered.body.data.status]).toEqual([201, 'pending']);
    expect([approved.status, approved.body.data.id]).toEqual([200, id]);
    expect(site.status).toBe(200);
    expect(signedIn.status).toBe(200);
    expect(signedIn.body.data.user).toMatchObject({ username: 'admin', role: 'tenant_admin' });
  }, 300_000);
});

describe("the seed's paths of people, registrations and administrators", () => {
  it('all answer, the unsafe reading ones by telling the method', async () => {
    const global = await bearer(
      await buildActor({ companyId: platformCompanyId, role: 'global_admin' }),
    );
    const { id: companyId } = await buildCompany();
    const person = await buildActor({ companyId, role: 'tenant_admin' });
    const admin = await bearer(person);
    const registered = await send('/register/', {
      method: 'POST',
      headers: json,
      body: sample
        .replaceAll('ABC', 'XYZ')
        .replaceAll(/abc|"admin"/g, (was) => (was === 'abc' ? 'xyz' : '"xyz"')),
    });
    const registration = `/administration/registration-requests/${registered.body.data.id}`;
    const unchanged = { current_password: 'not the one' };

    const answers = [
      ['GET', `/users/${person.userId}/`, 200, admin],
      ['GET', '/users/?role=tenant_admin', 200, admin],
      ['POST', '/users/add-user/', 201, admin, { email: 'bob@xyz.example', role: 'adjuster' }],
      ['POST', '/users/update-email/', 422, admin, { ...unchanged, email: 'c@xyz.example' }],
      ['POST', '/users/update-password/', 422, admin, unchanged],
      ['GET', '/users/generate-reset-token/', 405, {}],
      ['GET', '/administration/registration-requests/', 200, global],
      ['DELETE', `${registration}/reject/`, 200, global],
      ['GET', '/administration/add-global-admin/', 405, {}],
      ['GET', '/policies/search/?key_word=POL', 200, admin],
    ] as const;
    for (const [method, path, status, headers, body] of answers) {
      const ask = () =>
        send(path, {
          method,
          headers: { ...headers, ...(body && json) },
          ...(body && { body: JSON.stringify(body) }),
        });
      let answer = await ask();
      // As above; rejected twice is rejected once.
      while (answer.status === 503) answer = await ask();
      expect([path, answer.status]).toEqual([path, status]);
      if (status === 405) expect(answer.headers).toMatchObject({ allow: 'POST' });
    }
  }, 300_000);
});
