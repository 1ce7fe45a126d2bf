/** What `run.ts` started, as the test files see it. */
export interface Services {
  /** Superuser; its database is the migrated template of every test's own. */
  readonly adminUrl: string;
  readonly temporalAddress: string;
  readonly temporalBinary: string;
  /** Executable of the time-skipping server. */
  readonly testServer: string;
  /** File with the bundled workflows. */
  readonly bundle: string;
  readonly passwords: { readonly api: string; readonly worker: string };
}

const variable = 'SURETY_TEST_SERVICES';

export const serialise = (started: Services): Record<string, string> => ({
  [variable]: JSON.stringify(started),
});

export function services(): Services {
  const text = process.env[variable];
  if (!text) throw new Error('Start the tests with `npm test`: they need their services');
  return JSON.parse(text);
}
