import fc from 'fast-check';
import type { RegistrationStatus } from '../../src/rules/onboarding.ts';
import {
  dayMs,
  done,
  hourMs,
  passBoth,
  walkTwins,
  type Outcomes,
  type Twin as AnyTwin,
} from './model.ts';
import type { TestDatabase } from './database.ts';

/** What an applicant, the platform's people or time itself may do to a registration. */
export type Act =
  | { readonly kind: 'pass'; readonly days: number }
  /** With the code of the n-th link that was mailed. */
  | { readonly kind: 'verify'; readonly n: number }
  | { readonly kind: 'approve' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'move'; readonly name: MovableTimer; readonly inHours: number }
  /** A step of the set-up fails from now on, or works again. */
  | { readonly kind: 'break'; readonly step: SetUpStep; readonly isAfter: boolean }
  | { readonly kind: 'mend' }
  | { readonly kind: 'demandVerified'; readonly isOn: boolean }
  /** Its administrator comes; whether that is noted is best effort. */
  | { readonly kind: 'signIn'; readonly isNoted: boolean }
  /** The last command or step comes once more. */
  | { readonly kind: 'repeat' };

const reviewed = ['verify_email', 'review_reminder', 'review_escalation', 'review_expiry'] as const;
const movable = [...reviewed, 'activation_reminder', 'activation'] as const;
export type MovableTimer = (typeof movable)[number];

const setUpSteps = ['company', 'domain', 'seed', 'admin', 'opening'] as const;
export type SetUpStep = (typeof setUpSteps)[number];

const of = <const K extends Act['kind']>(kind: K) => fc.constant(kind);

export const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: of('pass'), days: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('pass'), days: fc.nat(45) }) },
  { weight: 3, arbitrary: fc.record({ kind: of('verify'), n: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: of('approve') }) },
  { weight: 1, arbitrary: fc.record({ kind: of('reject') }) },
  { weight: 3, arbitrary: fc.record({ kind: of('retry') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: of('move'),
      name: fc.constantFrom(...movable),
      inHours: fc.integer({ min: -5, max: 95 * 24 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: of('break'),
      step: fc.constantFrom(...setUpSteps),
      isAfter: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: of('mend') }) },
  { weight: 1, arbitrary: fc.record({ kind: of('demandVerified'), isOn: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: of('signIn'), isNoted: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: of('repeat') }) },
);

/** What the product shows after every act. */
export interface Shown {
  readonly status: RegistrationStatus;
  readonly version: number;
  readonly isClosed: boolean;
  readonly isVerified: boolean;
  readonly isActivated: boolean;
  /** The hash of the password that the administrator chose is still kept here. */
  readonly hasSecret: boolean;
  readonly expiresAt: number;
  /** `name/occurrence` of what still lies ahead. */
  readonly ahead: readonly string[];
  readonly made: Made;
  /** How many of each message went to the applicant, and to roles of the platform. */
  readonly told: Readonly<Record<string, number>>;
}

/** The new company, as its own rows. */
export interface Made {
  /** One that was put away is none. */
  readonly company: 'none' | 'active' | 'closed';
  readonly categories: number;
  readonly selfCustomers: number;
  readonly calendars: number;
  readonly domains: number;
  readonly admins: number;
}

const none = { categories: 0, selfCustomers: 0, calendars: 0, domains: 0, admins: 0 };
const all = { categories: 6, selfCustomers: 1, calendars: 1, domains: 1, admins: 1 };

interface Deadline {
  readonly name: MovableTimer;
  readonly occurrence: number;
  dueAt: number;
}

/** When the deadlines of a review are due; business days are told, they are not the matter here. */
export type ReviewDues = Readonly<Record<(typeof reviewed)[number], number>>;

/** How a company comes in, as simply as it can be said; knows no rows and no workflow. */
export class OnboardingModel {
  now: number;
  readonly submittedAt: number;
  status: RegistrationStatus = 'pending';
  version = 1;
  isClosed = false;
  isVerified = false;
  expiresAt: number;
  /** The newest link to confirm the address. */
  link: { n: number; until: number };
  ahead: Deadline[];
  company: Made['company'] = 'none';
  isBroken = false;
  demandsVerified = false;
  hasSignedIn = false;
  isActivated = false;
  readonly told: Record<string, number> = { registration_received: 1, registration_waiting: 1 };

  constructor(now: number, submittedAt: number, dues: ReviewDues) {
    this.now = now;
    this.submittedAt = submittedAt;
    this.ahead = reviewed.map((name) => ({ name, occurrence: 1, dueAt: dues[name] }));
    this.expiresAt = dues.review_expiry;
    this.link = { n: 1, until: dues.verify_email };
  }

  get shown(): Shown {
    const { status, version, isClosed, isVerified, isActivated, expiresAt, company, told } = this;
    return {
      status,
      version,
      isClosed,
      isVerified,
      isActivated,
      hasSecret: ['pending', 'failed'].includes(status),
      expiresAt,
      ahead: this.ahead.map(({ name, occurrence }) => `${name}/${occurrence}`).toSorted(),
      made: { company, ...(company === 'active' ? all : none) },
      told,
    };
  }

  /** @returns 'done', or the code of the refusal */
  verify(n: number): string {
    const isGood = this.status === 'pending' && this.link.n === n && this.link.until > this.now;
    if (!isGood) return 'VALIDATION_ERROR';
    this.isVerified = true;
    return 'done';
  }

  approve(): string {
    if (this.status === 'active') return 'done';
    if (this.status !== 'pending') return 'ILLEGAL_TRANSITION';
    if (this.demandsVerified && !this.isVerified) return 'EMAIL_NOT_VERIFIED';
    this.ahead = [];
    this.version += 1;
    this.setUp();
    return 'done';
  }

  reject(): string {
    if (this.status === 'rejected') return 'done';
    if (!['pending', 'failed'].includes(this.status)) return 'ILLEGAL_TRANSITION';
    this.end('rejected', 'registration_rejected');
    return 'done';
  }

  retry(): string {
    if (this.status !== 'failed') return 'ILLEGAL_TRANSITION';
    this.setUp();
    return 'done';
  }

  move(name: MovableTimer, dueAt: number): string {
    if (!['pending', 'active'].includes(this.status)) return 'ILLEGAL_TRANSITION';
    const soonest = this.ahead.toSorted((a, b) => a.dueAt - b.dueAt);
    const dueOf = (wanted: MovableTimer) =>
      soonest.find((each) => each.name === wanted)?.dueAt ?? 0;
    const deadline = soonest.find((each) => each.name === name);
    if (!deadline) return 'NOT_FOUND';
    const last = {
      verify_email: this.now + 14 * dayMs,
      review_reminder: dueOf('review_expiry'),
      review_escalation: dueOf('review_expiry'),
      review_expiry: this.submittedAt + 90 * dayMs,
      activation_reminder: dueOf('activation'),
      activation: this.now + 30 * dayMs,
    };
    if (dueAt < this.now || dueAt > last[name]) return 'VALIDATION_ERROR';
    deadline.dueAt = dueAt;
    if (name === 'review_expiry') this.expiresAt = dueAt;
    if (name === 'verify_email') this.link.until = dueAt;
    this.version += 1;
    return 'done';
  }

  signIn(isNoted: boolean): void {
    if (this.status !== 'active') return;
    this.hasSignedIn = true;
    if (!isNoted || this.isActivated) return;
    if (!this.isClosed) return this.activate();
    // Nothing waits any more: the platform's people read it, nobody is written to.
    this.isActivated = true;
    this.version += 1;
    this.tell('company_activated');
  }

  /** All that is due until then, each at its time. */
  passUntil(instant: number): void {
    for (;;) {
      const [next] = this.ahead.toSorted(
        (a, b) => a.dueAt - b.dueAt || a.name.localeCompare(b.name),
      );
      if (!next || next.dueAt > instant) break;
      this.now = Math.max(this.now, next.dueAt);
      this.ahead = this.ahead.filter((each) => each !== next);
      this.fire(next);
    }
    this.now = Math.max(this.now, instant);
  }

  private fire({ name, occurrence }: Deadline): void {
    const again = (hours: number): void => {
      const dueAt = this.now + hours * hourMs;
      this.ahead.push({ name, occurrence: occurrence + 1, dueAt });
    };
    switch (name) {
      case 'verify_email':
        if (this.isVerified || occurrence === 3) return;
        again(48);
        this.link = { n: occurrence + 1, until: this.now + 48 * hourMs };
        return this.tell('registration_verify');
      case 'review_reminder':
        return this.tell('registration_waiting');
      case 'review_escalation':
        again(24);
        return this.tell('registration_overdue', 2);
      case 'review_expiry':
        return this.end('expired', 'registration_expired');
      case 'activation_reminder':
        if (this.hasSignedIn) return this.activate();
        return this.tell('activation_reminder');
      case 'activation':
        if (this.hasSignedIn) return this.activate();
        if (occurrence < 4) {
          again(7 * 24);
          return this.tell('activation_link');
        }
        this.isClosed = true;
        this.ahead = [];
        return this.tell('activation_stalled');
      default:
        return name satisfies never;
    }
  }

  /** From the decision, or the retry, to the end of the set-up. */
  private setUp(): void {
    this.version += 2;
    if (this.isBroken) {
      this.status = 'failed';
      return this.tell('provisioning_failed', 2);
    }
    this.status = 'active';
    this.company = 'active';
    this.ahead = [
      { name: 'activation_reminder', occurrence: 1, dueAt: this.now + 3 * dayMs },
      { name: 'activation_reminder', occurrence: 2, dueAt: this.now + 6 * dayMs },
      { name: 'activation', occurrence: 1, dueAt: this.now + 7 * dayMs },
    ];
    return this.tell('company_ready');
  }

  private activate(): void {
    this.isActivated = true;
    this.version += 1;
    this.isClosed = true;
    this.ahead = [];
    // To the applicant and to the global administrators.
    this.tell('company_activated', 2);
  }

  private end(status: 'rejected' | 'expired', template: string): void {
    this.version += 1;
    this.status = status;
    this.isClosed = true;
    this.ahead = [];
    this.tell(template);
  }

  private tell(template: string, messages = 1): void {
    this.told[template] = (this.told[template] ?? 0) + messages;
  }
}

export type Wish =
  | { readonly kind: 'approve' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'move'; readonly name: MovableTimer; readonly dueAt: number };

export interface Twin extends AnyTwin {
  /** @returns 'done', or the code of the refusal */
  order(wish: Wish): Promise<string>;
  verify(n: number): Promise<string>;
  setBroken(fault: { readonly step: SetUpStep; readonly isAfter: boolean } | null): Promise<void>;
  signIn(isNoted: boolean): Promise<void>;
}

/** Does the same to both; an error names the acts so far. */
export async function walk(
  database: TestDatabase,
  { id, twin }: { readonly id: string; readonly twin: Twin },
  steps: readonly Act[],
): Promise<void> {
  await demandVerified(database, false);
  const model = await modelOf(database, id, twin.now());
  await walkTwins(model, { ...twin, shown: () => shownOf(database, id) }, steps, (act) =>
    doBoth(database, model, twin, act),
  );
}

async function doBoth(
  database: TestDatabase,
  model: OnboardingModel,
  twin: Twin,
  act: Act,
): Promise<Outcomes> {
  switch (act.kind) {
    case 'pass':
      return passBoth(model, twin, model.now + act.days * dayMs + hourMs);
    case 'verify': {
      const outcome = await twin.verify(act.n);
      return [model.verify(act.n), outcome];
    }
    case 'approve': {
      const outcome = await twin.order(act);
      return [model.approve(), outcome];
    }
    case 'reject': {
      const outcome = await twin.order(act);
      return [model.reject(), outcome];
    }
    case 'retry': {
      const outcome = await twin.order(act);
      return [model.retry(), outcome];
    }
    case 'move': {
      // Half an hour off the full one: no tie with another deadline, and none with the present.
      const dueAt = model.now + act.inHours * hourMs + hourMs / 2;
      const outcome = await twin.order({ kind: 'move', name: act.name, dueAt });
      return [model.move(act.name, dueAt), outcome];
    }
    case 'break':
      await twin.setBroken(act);
      model.isBroken = true;
      return done;
    case 'mend':
      await twin.setBroken(null);
      model.isBroken = false;
      return done;
    case 'demandVerified':
      await demandVerified(database, act.isOn);
      model.demandsVerified = act.isOn;
      return done;
    case 'signIn':
      await twin.signIn(act.isNoted);
      model.signIn(act.isNoted);
      return done;
    case 'repeat':
      await twin.repeat();
      return done;
    default:
      return act satisfies never;
  }
}

const demandVerified = (database: TestDatabase, isOn: boolean): Promise<object[]> =>
  database.sql(
    `UPDATE platform.companies SET settings = jsonb_set(settings, '{onboarding}', $1)
     WHERE id = '00000000-0000-7000-8000-000000000000'`,
    [JSON.stringify({ requireVerifiedEmail: isOn })],
  );

async function modelOf(database: TestDatabase, id: string, now: number): Promise<OnboardingModel> {
  const [row] = await database.sql<{ createdAt: Date; dues: ReviewDues }>(
    `SELECT r.created_at AS "createdAt",
       (SELECT jsonb_object_agg(t.name, round(extract(epoch FROM t.due_at) * 1000))
        FROM core.timers t WHERE t.entity_id = r.id) AS dues
     FROM core.registration_requests r WHERE r.id = $1`,
    [id],
  );
  if (!row) throw new Error(`There is no registration ${id}`);
  return new OnboardingModel(now, row.createdAt.getTime(), row.dues);
}

async function shownOf(database: TestDatabase, id: string): Promise<Shown> {
  const [row] = await database.sql<Shown>(
    `SELECT r.status, r.state_version AS version, r.workflow_closed_at IS NOT NULL AS "isClosed",
       r.email_verified_at IS NOT NULL AS "isVerified",
       r.activated_at IS NOT NULL AS "isActivated",
       r.admin_password_hash IS NOT NULL AS "hasSecret",
       round(extract(epoch FROM r.expires_at) * 1000)::float8 AS "expiresAt",
       ARRAY(SELECT t.name || '/' || t.occurrence FROM core.timers t
         WHERE t.entity_id = r.id AND t.status = 'scheduled' ORDER BY (t.name || '/' || t.occurrence) COLLATE "C") AS ahead,
       ${madeBy('r.new_company_id')} AS made,
       (SELECT jsonb_object_agg(template_code, n) FROM (
          SELECT template_code, count(*) AS n FROM core.notifications
          WHERE entity_id = r.id AND recipient_user_id IS NULL GROUP BY 1) AS each) AS told
     FROM core.registration_requests r WHERE r.id = $1`,
    [id],
  );
  if (!row) throw new Error(`There is no registration ${id}`);
  return row;
}

/** SQL: what a company has, as `Made`. */
const madeBy = (companyId: string): string => {
  const count = (table: string, where: string): string =>
    `(SELECT count(*) FROM ${table} t WHERE t.company_id = ${companyId} AND ${where})`;
  return `jsonb_build_object(
    'company', COALESCE((SELECT c.status FROM platform.companies c
      WHERE c.id = ${companyId} AND c.archived_at IS NULL), 'none'),
    'categories', ${count('shared.property_categories', 't.archived_at IS NULL')},
    'selfCustomers', ${count('shared.customers', 't.is_self AND t.archived_at IS NULL')},
    'calendars', ${count('core.calendars', 't.archived_at IS NULL')},
    'domains', ${count('platform.domains', 't.verified_at IS NOT NULL')},
    'admins', ${count('platform.memberships', `t.role = 'tenant_admin' AND (t.valid_to IS NULL OR t.valid_to > now())`)})`;
};

/** What holds in the end, whatever happened: one chain of steps, each written once. */
export async function expectWhole(database: TestDatabase, id: string): Promise<void> {
  const steps = await database.sql<{ version: number; from: string | null; to: string }>(
    `SELECT state_version AS version, from_status AS "from", to_status AS "to"
     FROM core.transitions WHERE entity_id = $1 ORDER BY state_version`,
    [id],
  );
  expect(steps.map(({ version }) => version)).toEqual(steps.map((_, index) => index + 1));
  expect(steps.map(({ from }) => from)).toEqual([null, ...steps.slice(0, -1).map(({ to }) => to)]);
}
