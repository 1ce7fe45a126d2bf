import { readdirSync, readFileSync } from 'node:fs';
import { failpoints, type Failpoint } from '../../src/failpoints.ts';
import { deaths } from './deaths.ts';
import { paymentDeaths } from './paymentDeaths.ts';

interface Effect {
  readonly what: string;
  readonly pattern: RegExp;
  /** Where it may stand, and the failpoints around it there; none where a test has another reason. */
  readonly places: Readonly<Record<string, readonly Failpoint[]>>;
}

/** All that leaves a mark outside of the process. Whoever adds an effect adds its failpoints. */
const effects: readonly Effect[] = [
  {
    what: 'opens a connection to the database',
    pattern: /new (?:pg\.)?(?:Client|Pool)\(\{ connectionString|new Sequelize\(/,
    // The others are run by people: a migration is one transaction, the diagram only reads, and the
    // programs for one company are killed from outside (`deploy/companyCli`).
    places: {
      'src/models/database.ts': [],
      'src/models/migrate.ts': [],
      'src/models/erd.ts': [],
      'src/models/companyOwner.ts': [],
    },
  },
  {
    what: 'commits',
    pattern: /\.transaction\(|\bCOMMIT\b'/,
    places: {
      'src/models/database.ts': ['transaction.beforeCommit', 'transaction.afterCommit'],
      'src/models/migrate.ts': [],
      'src/models/companyOwner.ts': [],
    },
  },
  {
    what: 'starts a workflow',
    pattern: /temporal\.start\(/,
    places: {
      'src/commands/dispatch.ts': ['dispatch.beforeStart', 'dispatch.afterStart'],
      'src/commands/workflows.ts': ['owed.beforeStart', 'owed.afterStart'],
      'worker/relay.ts': ['relay.afterClaim', 'relay.afterStart'],
    },
  },
  {
    what: 'marks a start as dispatched',
    pattern: /(?:await|return) mark(?:Dispatched|Soon)\(/,
    places: {
      'src/commands/dispatch.ts': ['dispatch.afterMark'],
      'src/commands/workflows.ts': ['owed.afterMark'],
      'worker/relay.ts': ['relay.afterMark'],
    },
  },
  {
    what: "calls Temporal's client to change something",
    pattern:
      /workflow\.(?:start|execute|signalWithStart)\b|\.executeUpdate|\.startUpdate\(|WithStart\(|\.signal\(|(?<!operations|temporal)\.terminate\(|schedule\.create\(/,
    // The first is only called by the effects above and below; schedules are made at every start,
    // and those of reports again every five minutes, from their rows. A run that signals another one does
    // so through its own history.
    places: {
      'src/commands/temporal.ts': [],
      'src/workflows/policyApproval.ts': [],
      'worker/reportSchedules.ts': [],
      'worker/schedules.ts': [],
    },
  },
  {
    what: 'sends a command to a workflow',
    pattern: /temporal\.command\(/,
    // The others inside commandOnce: asked again, it is the same command.
    places: {
      'src/commands/runRepairs.ts': [],
      'src/commands/workflowOperations.ts': [],
      'src/commands/workflows.ts': [],
    },
  },
  {
    what: 'ends a workflow for an operator',
    pattern: /temporal\.(?:cancel|terminate)\(/,
    // Inside commandOnce; a run that has ended already ends no more.
    places: { 'src/commands/workflowDrifts.ts': [], 'src/commands/workflowOperations.ts': [] },
  },
  {
    what: 'carries out a command under its key',
    pattern: /=> send\(commandId\)/,
    places: { 'src/commands/idempotency.ts': ['command.afterKey', 'command.afterAnswer'] },
  },
  {
    what: 'asks for a command on a workflow',
    pattern: /workflows\.command\(/,
    // Each stands inside commandOnce, which is the effect above, but for the note of a first sign-in,
    // which the timers of the onboarding look for too, and what a scanned document lets go on, which
    // the activity asks for again.
    places: {
      'src/commands/bookings.ts': [],
      'src/commands/claimPauses.ts': [],
      'src/commands/claims.ts': [],
      'src/commands/compliancePolicies.ts': [],
      'src/commands/documentRequests.ts': [],
      'src/commands/policyApprovalPauses.ts': [],
      'src/commands/policyChanges.ts': [],
      'src/commands/policyVersions.ts': [],
      'src/commands/registrations.ts': [],
      'src/commands/runningBookings.ts': [],
      'src/commands/runningClaims.ts': [],
      'src/commands/runningTimers.ts': [],
      'src/commands/subscriptionCommands.ts': [],
      'src/commands/timelines.ts': [],
    },
  },
  {
    what: 'runs an activity',
    pattern: /await next\(input\)/,
    places: {
      'worker/activityInterceptor.ts': ['activity.before', 'activity.after'],
      // Within that one, which passes them.
      'worker/precedence.ts': [],
    },
  },
  {
    what: 'sends mail',
    pattern: /await sendMail\(/,
    places: {
      'src/activities/notifications.ts': ['mail.beforeSend', 'mail.afterSend', 'mail.beforeMark'],
    },
  },
  {
    what: 'moves money',
    pattern: /await send\(asked/,
    places: { 'src/activities/payments.ts': ['gateway.beforeSend', 'gateway.afterSend'] },
  },
  {
    what: 'gives a workflow a hint',
    // It changes nothing: the workflow reads its row, as it does by itself later.
    pattern: /temporal\.tell\(/,
    places: { 'src/commands/runRepairs.ts': [] },
  },
  {
    what: 'tells a webhook',
    pattern: /await send\(message\)/,
    // The failpoints of the activity stand around it; every try bears the same id, by which the receiver
    // knows one that comes again.
    places: { 'src/activities/webhooks.ts': [] },
  },
  {
    what: 'calls another system',
    pattern:
      /\bfetch\((?!\$)|https?\.request\(|net\.connect\(|createTransport\(|transport\.sendMail\(|new Stripe\(/,
    // Only the effects above call what is made here.
    places: {
      'worker/main.ts': [],
      'src/activities/notifications.ts': [],
      'src/gateways/httpGateway.ts': [],
      'src/gateways/outgoingWebhooks.ts': [],
      'src/gateways/stripeGateway.ts': [],
    },
  },
];

const nearLines = 14;

const sources = ['src', 'worker'].flatMap((dir) =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${dir}/${name}`),
);
const linesOf = new Map(sources.map((file) => [file, readFileSync(file, 'utf8').split('\n')]));

const filesWith = (pattern: RegExp): string[] =>
  sources.filter((file) => linesOf.get(file)?.some((line) => pattern.test(line)));

describe('an effect', () => {
  it.each(effects)('that $what stands only where its failpoints are', ({ pattern, places }) => {
    expect(filesWith(pattern).toSorted()).toEqual(Object.keys(places).toSorted());
  });

  it.each(
    effects.flatMap(({ what, pattern, places }) =>
      Object.entries(places).flatMap(([file, names]) =>
        names.map((name) => ({ what, pattern, file, name })),
      ),
    ),
  )('that $what in $file passes $name right there', ({ pattern, file, name }) => {
    const lines = linesOf.get(file) ?? [];
    const passes = lines.flatMap((line, n) => (line.includes(`failpoint('${name}'`) ? [n] : []));
    const happens = lines.flatMap((line, n) => (pattern.test(line) ? [n] : []));

    expect(passes).toHaveLength(1);
    // Each of them, so that a second one in the same file is found as well.
    expect(happens.filter((n) => !passes.some((pass) => Math.abs(pass - n) <= nearLines))).toEqual(
      [],
    );
  });

  it('leaves no registered failpoint without a place', () => {
    const placed = effects.flatMap(({ places }) => Object.values(places).flat());

    expect(placed.toSorted()).toEqual(failpoints.toSorted());
  });

  it('leaves no registered failpoint without a death', () => {
    expect([...new Set([...deaths, ...paymentDeaths].map(({ at }) => at))].toSorted()).toEqual(
      failpoints.toSorted(),
    );
  });

  it('passes no failpoint elsewhere', () => {
    const files = filesWith(/\bfailpoint\('/);
    const expected = effects.flatMap(({ places }) =>
      Object.entries(places).flatMap(([file, names]) => (names.length > 0 ? [file] : [])),
    );

    expect(files.toSorted()).toEqual([...new Set(expected)].toSorted());
  });
});
