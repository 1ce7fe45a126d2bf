import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Browser, Page } from 'playwright-core';
import { startStack, type Stack } from '../../local/stack.ts';
import { openBrowser } from '../support/browser.ts';

/** What people look at, as `npm start` brings it up. */
const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-browser-'));
let stack: Stack;
let browser: Browser;
let page: Page;
/** What the page complained about: errors of scripts, refusals of its policy, parts that are missing. */
let complaints: string[] = [];

beforeAll(async () => {
  stack = await startStack({
    dataDir,
    ports: 'free',
    built: true,
    env: { LOG_LEVEL: 'warn' },
  });
  browser = await openBrowser();
}, 600_000);

afterAll(async () => {
  await browser.close();
  await stack.stop();
  rmSync(dataDir, { recursive: true });
});

beforeEach(async () => {
  complaints = [];
  page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  page.setDefaultTimeout(120_000);
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (line) => {
    if (line.type() === 'error') complaints.push(line.text());
  });
});
afterEach(() => page.close());

const account = (role: string): { email: string; password: string } => {
  const accounts: { role: string; email: string; password: string }[] = JSON.parse(
    readFileSync(path.join(dataDir, 'demo-accounts.json'), 'utf8'),
  );
  const found = accounts.find((each) => each.role === role);
  if (!found) throw new Error(`Nobody was seeded as ${role}`);
  return found;
};

const post = (route: string, body: object): Promise<Response> =>
  fetch(`${stack.urls.api}/api/v1${route}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

const signIn = async (email: string, password: string): Promise<number> =>
  (await post('/auth/login', { email, password })).status;

describe('the documentation of the API', () => {
  it('shows an operation, and carries it out when tried', async () => {
    await page.goto(stack.urls.docs);
    const operation = page.locator('#operations-Catalogue-get_api_v1_plans');

    await page.locator('#operations-tag-Catalogue').click();
    await operation.locator('.opblock-summary-control').click();
    await operation.getByText('Try it out').click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table');
    await answer.getByText('Response body').waitFor();

    expect(await answer.innerText()).toMatch(/\n200\b[^]*"premium": "\d+\.\d\d"/);
    expect(complaints).toEqual([]);
  }, 300_000);
});

describe('the explorer of GraphQL', () => {
  it('asks what it begins with, and knows the schema', async () => {
    await page.goto(`${stack.urls.api}/graphql`);

    await page.getByText('Send Request').click();
    await page.getByText('200 OK').waitFor();
    await page.getByText('Docs', { exact: true }).click();
    await page.getByText('Mutation', { exact: true }).waitFor();

    expect(await page.locator('app-query-result').innerText()).toMatch(
      /"plans"[^]*"premium": "\d+\.\d\d"/,
    );
    expect(complaints).toEqual([]);
  }, 300_000);
});

describe('a forgotten password', () => {
  it('is set anew by the link of the mail', async () => {
    const { email, password } = account('call_center');
    const next = 'Seven-Green-Otters-7';
    expect((await post('/auth/password-reset', { email })).status).toBe(200);

    await page.goto(stack.urls.mailView);
    const mail = page.locator('article', { hasText: email }).filter({ hasText: 'set-password' });
    for (const until = Date.now() + 60_000; (await mail.count()) === 0; await page.reload()) {
      if (Date.now() > until) throw new Error('No mail came');
      await pause(250);
    }
    await mail.getByRole('link', { name: /set-password/ }).click();
    await page.getByLabel('Password').fill(next);
    await page.getByLabel('Once more').fill(`${next} `);
    await page.getByRole('button').click();
    await page.getByText('The two passwords differ.').waitFor();
    await page.getByLabel('Once more').fill(next);
    await page.getByRole('button').click();
    await page.getByRole('button').waitFor({ state: 'hidden' });

    expect([await signIn(email, password), await signIn(email, next)]).toEqual([401, 200]);
    expect(complaints).toEqual([]);
  }, 300_000);
});

describe("Temporal's own pages", () => {
  it('find the runs of a company by status and date, and tell each in words', async () => {
    const { companyId, id, until } = await newestSubscription();
    const open = (status: string) =>
      page.goto(
        `${stack.urls.temporalUi}/namespaces/default/workflows?query=${encodeURIComponent(
          `CompanyId = '${companyId}' AND EntityStatus = '${status}' AND DueAt < '${until}'`,
        )}`,
      );

    await open('cancelled');
    await page.getByRole('heading', { name: 'No Results' }).waitFor();
    await open('active');
    await page.getByRole('link', { name: id }).first().click();
    await page.getByText('renewal offer').first().waitFor();
    await page.getByText('User Metadata').click();
    const written = page.frameLocator('iframe');

    await written.first().getByText(', term 1, until ').waitFor();
    await written.last().getByText('renewal reminder 30: ').waitFor();
  }, 300_000);
});

async function newestSubscription(): Promise<{ companyId: string; id: string; until: string }> {
  const client = new pg.Client({ connectionString: stack.urls.adminDatabase });
  await client.connect();
  try {
    const { rows } = await client.query<{ companyId: string; id: string; until: Date }>(
      `SELECT company_id AS "companyId", id, expires_at AS until FROM shared.policy_subscriptions
       WHERE status = 'active' ORDER BY created_at DESC LIMIT 1`,
    );
    const [row] = rows;
    if (!row) throw new Error('No subscription was seeded');
    return { ...row, until: row.until.toISOString() };
  } finally {
    await client.end();
  }
}
