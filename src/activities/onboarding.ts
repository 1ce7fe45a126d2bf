import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { ownCompany } from '../models/contract.ts';
import { asIdentity, select, withIdentity, withTenant } from '../models/database.ts';
import { Credential } from '../models/Credential.ts';
import { Membership } from '../models/Membership.ts';
import type { Step } from '../models/moveRow.ts';
import { Notification, type Recipient, type TemplateCode } from '../models/Notification.ts';
import {
  onboardingStateOf,
  type ApproveRegistration,
  type MoveDeadline,
  type OnboardingState,
  type RejectRegistration,
} from '../models/onboardingStart.ts';
import { PasswordResetToken } from '../models/PasswordResetToken.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { getRow } from '../models/rows.ts';
import type { Links, SecretLink } from '../models/secretLinks.ts';
import { Timer } from '../models/Timer.ts';
import {
  lastDaily,
  onboardingSettings,
  timerAfter,
  timersOfActivation,
  type OnboardingSettings,
  type OnboardingTimerName,
} from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';
import { activationLink, activationLinkIds, verificationLink } from '../models/onboardingLinks.ts';
import { oneStep, type Outcome } from './oneStep.ts';

export interface RegistrationRef {
  /** The platform, whose row it is. */
  readonly companyId: string;
  readonly registrationId: string;
}

/** A step as the workflow orders it; `at` (epoch milliseconds) is the workflow's clock. */
export interface RegistrationOrder extends RegistrationRef {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

export type OnboardingStep = Outcome<OnboardingState>;

export const onboardingActivities = ({ links }: { readonly links: Links }) => ({
  /** Safe to repeat: it only reads. */
  readRegistration: ({ companyId, registrationId }: RegistrationRef): Promise<OnboardingState> =>
    withTenant(companyId, async () =>
      onboardingStateOf(await getRow(RegistrationRequest, registrationId)),
    ),

  /** Safe to repeat: an approval that already committed answers with what is. */
  approveRegistration: (order: RegistrationOrder & ApproveRegistration): Promise<OnboardingStep> =>
    inOneStep(order, async (registration, step) => {
      const { requireVerifiedEmail } = await settingsOfPlatform();
      if (requireVerifiedEmail && !registration.emailVerifiedAt) {
        throw new Conflict('EMAIL_NOT_VERIFIED', 'The applicant has not confirmed the address yet');
      }
      await registration.move('approve', step, {
        reviewedBy: order.reviewedBy,
        reviewedAt: step.at,
        note: order.note,
        ...(order.isolation && { isolation: order.isolation }),
        ...(order.subscriptionPlan && { subscriptionPlan: order.subscriptionPlan }),
      });
      await Timer.cancelScheduled(registration.id, 'The registration is approved');
    }),

  /** Safe to repeat: a rejection that already committed answers with what is. */
  rejectRegistration: (order: RegistrationOrder & RejectRegistration): Promise<OnboardingStep> =>
    inOneStep(order, async (registration, step) => {
      const hasFailed = registration.status === 'failed';
      await registration.move('reject', step, {
        reason: order.reason,
        reviewedBy: order.reviewedBy,
        reviewedAt: step.at,
        adminPasswordHash: null,
        workflowClosedAt: step.at,
      });
      if (hasFailed) await releaseAdministrator(registration);
      tellApplicant(registration, 'registration_rejected', step, { reason: order.reason });
    }),

  /** Safe to repeat: a deadline that was moved already stays where it is. */
  async moveReviewDeadline(order: RegistrationOrder & MoveDeadline): Promise<OnboardingStep> {
    const { name, dueAt, reason, source = 'command' } = order;
    if (name === 'activation') await keepActivationLinks(order, dueAt);
    return inOneStep(order, async (registration, step) => {
      const timer = (await Timer.scheduledFor(registration.id)).find((each) => each.name === name);
      if (!timer) throw new Conflict('TIMER_NOT_RUNNING', `The timer ${name} is not running`);
      await registration.move(
        'move_deadline',
        { ...step, facts: { timer: name, due_at: new Date(dueAt).toISOString() } },
        name === 'review_expiry' ? { expiresAt: new Date(dueAt) } : {},
      );
      if (name === 'verify_email') {
        await registration.update({ verificationExpiresAt: new Date(dueAt) });
      }
      const moved = { name, occurrence: timer.occurrence, dueAt };
      await Timer.move(registration.id, [moved], reason, source);
      AuditLog.record(
        'TIMER_CHANGE',
        { type: RegistrationRequest.entityType, id: registration.id },
        {
          before: { timer: name, dueAt: timer.dueAt },
          after: { timer: name, dueAt: new Date(dueAt), reason, source },
        },
      );
    });
  },

  /** Safe to repeat: a timer fires once, the row keeps that it did. */
  async fireOnboardingTimer(
    order: RegistrationOrder & {
      readonly name: OnboardingTimerName;
      readonly occurrence: number;
    },
  ): Promise<OnboardingStep> {
    const { name, occurrence } = order;
    const link = linkOf(order);
    const hasSignedIn = link !== undefined && (await adminHasSignedIn(order));
    if (link && !hasSignedIn) await issueActivationLink(order, link, links);
    return inOneStep(order, async (registration, step) => {
      const ref = { entityId: registration.id, occurrence, name };
      const dueAt = await Timer.fire(ref, step.at);
      if (!dueAt) return;
      if (hasSignedIn) return activate(registration, step);
      switch (name) {
        case 'verify_email':
          return askAgainForVerification(registration, step, occurrence, links);
        case 'review_reminder':
          return tell(await everyAdministrator(), registration, 'registration_waiting', step);
        case 'review_escalation':
          tell([...(await onCall()), operators], registration, 'registration_overdue', step);
          return scheduleNext(registration, { ...order, at: lastDaily(Number(dueAt), order.at) });
        case 'review_expiry':
          return expire(registration, step);
        case 'activation_reminder':
          return tellApplicant(registration, name, step, { link });
        case 'activation':
          return sendAnotherLink(registration, step, { occurrence, link });
        default:
          return name satisfies never;
      }
    });
  },

  /** Safe to repeat: the first sign-in is noted once. */
  noteActivation: (order: RegistrationOrder): Promise<OnboardingStep> =>
    inOneStep(order, async (registration, step) => {
      if (!registration.activatedAt) await activate(registration, step);
    }),

  /** Safe to repeat: what has begun stays begun. */
  beginProvisioning: (order: RegistrationOrder): Promise<OnboardingStep> =>
    inOneStep(order, (registration, step) => registration.move('provision', step)),

  /** Safe to repeat: a second try of the same command begins nothing anew. */
  retryProvisioning: (
    order: RegistrationOrder & { readonly reason: string | null },
  ): Promise<OnboardingStep> =>
    inOneStep(order, (registration, step) => registration.move('retry', step, { lastError: null })),

  /** Safe to repeat: the failure is told once. */
  failProvisioning: (
    order: RegistrationOrder & { readonly error: string },
  ): Promise<OnboardingStep> =>
    inOneStep(order, async (registration, step) => {
      await registration.move('fail', step, { lastError: order.error.slice(0, 500) });
      const recipients = [...(await everyAdministrator()), operators];
      const facts = { error: order.error.slice(0, 200) };
      tell(recipients, registration, 'provisioning_failed', step, facts);
    }),

  /** Safe to repeat: the link is issued under one id, the welcome goes out once. */
  async completeProvisioning(
    order: RegistrationOrder & { readonly adminUserId: string },
  ): Promise<OnboardingStep> {
    const { adminUserId } = order;
    const link = activationLink(order.registrationId, 1);
    await issueActivationLink(order, link, links, adminUserId);
    return inOneStep(order, async (registration, step) => {
      const { adminPhone, adminEmail, requestedDomain: domain } = registration;
      const phone = await asIdentity(() => Credential.phoneOf(adminEmail));
      await registration.move('complete', step, { adminUserId, adminPasswordHash: null });
      Timer.schedule(
        about(registration),
        timersOfActivation(step.at.getTime(), await settingsOfPlatform()),
      );
      tellApplicant(registration, 'company_ready', step, {
        link,
        domain,
        isWithoutPhone: adminPhone !== null && phone === null,
      });
    });
  },
});

const inOneStep = (
  order: RegistrationOrder & { readonly reason?: string | null },
  act: (registration: RegistrationRequest, step: Step) => Promise<unknown>,
): Promise<OnboardingStep> =>
  oneStep(
    { ...order, model: RegistrationRequest, id: order.registrationId, stateOf: onboardingStateOf },
    async (registration, step) => void (await act(registration, step)),
  );

async function expire(registration: RegistrationRequest, step: Step): Promise<void> {
  await registration.move('expire', step, {
    adminPasswordHash: null,
    workflowClosedAt: step.at,
  });
  tellApplicant(registration, 'registration_expired', step);
}

async function activate(registration: RegistrationRequest, step: Step): Promise<void> {
  await registration.move('activate', step, { activatedAt: step.at, workflowClosedAt: step.at });
  tellApplicant(registration, 'company_activated', step);
  tell(await everyAdministrator(), registration, 'company_activated', step);
}

/** The old link has run out; a new one goes out, three in all. */
async function askAgainForVerification(
  registration: RegistrationRequest,
  step: Step,
  occurrence: number,
  links: Links,
): Promise<void> {
  if (registration.emailVerifiedAt) return;
  const next = await scheduleNext(registration, { name: 'verify_email', occurrence, at: step.at });
  if (!next) return;
  const link = verificationLink(registration.id, occurrence + 1);
  await registration.update({
    verificationHash: links.hashOf(link),
    verificationExpiresAt: new Date(next),
  });
  tellApplicant(registration, 'registration_verify', step, { link });
}

/** A link that nobody used is sent anew; after the last one the platform hears of it. */
async function sendAnotherLink(
  registration: RegistrationRequest,
  step: Step,
  { occurrence, link }: { readonly occurrence: number; readonly link: SecretLink | undefined },
): Promise<void> {
  const next = await scheduleNext(registration, { name: 'activation', occurrence, at: step.at });
  if (next) return tellApplicant(registration, 'activation_link', step, { link });
  tell(await everyAdministrator(), registration, 'activation_stalled', step);
  await registration.update({ workflowClosedAt: step.at });
}

/** @returns when it is due (epoch milliseconds); undefined at the end of the ladder */
async function scheduleNext(
  registration: RegistrationRequest,
  {
    name,
    occurrence,
    at,
  }: {
    readonly name: OnboardingTimerName;
    readonly occurrence: number;
    readonly at: number | Date;
  },
): Promise<number | undefined> {
  const next = timerAfter({ name, occurrence }, Number(at), await settingsOfPlatform());
  if (next) Timer.schedule(about(registration), [next]);
  return next?.dueAt;
}

/**
 * Address, username and number are free again of an account that a set-up made and nobody has used; of
 * one that another company knows they are not.
 */
const releaseAdministrator = ({ newCompanyId, adminEmail }: RegistrationRequest): Promise<void> =>
  asIdentity(async () => {
    const [unused] = await select<{ id: string }>(
      'SELECT id FROM platform.users WHERE email = $1 AND last_login_at IS NULL FOR UPDATE',
      [adminEmail],
    );
    if (!unused) return;
    // Only now: until the account is held another company may give it a role.
    const places = await select<{ companyId: string }>(
      'SELECT DISTINCT company_id AS "companyId" FROM platform.memberships WHERE user_id = $1',
      [unused.id],
    );
    if (places.length !== 1 || places[0]?.companyId !== newCompanyId) return;
    await Credential.erase(unused.id);
    AuditLog.record('ARCHIVE', { type: 'user', id: unused.id });
  });

const settingsOfPlatform = async (): Promise<OnboardingSettings> =>
  onboardingSettings((await ownCompany()).settings.onboarding);

const about = ({ id }: RegistrationRequest) => ({
  workflowId: onboardingWorkflowId(id),
  entityType: 'registration',
  entityId: id,
});

/** By e-mail to the administrator to be, who has no account yet. */
function tellApplicant(
  { id, companyName, adminEmail }: RegistrationRequest,
  template: TemplateCode,
  { commandId }: Step,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  Notification.queue({
    to: { channel: 'email', address: adminEmail },
    template,
    payload: { companyName, ...facts },
    key: commandId,
    about: { type: 'registration', id },
  });
}

/** By the same message to each of the platform's people. */
function tell(
  recipients: readonly Recipient[],
  { id, companyName }: RegistrationRequest,
  template: TemplateCode,
  { commandId }: Step,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  for (const to of recipients) {
    Notification.queue({
      to,
      template,
      payload: { companyName, registrationId: id, ...facts },
      key: `${commandId}/platform`,
      about: { type: 'registration', id },
    });
  }
}

const operators: Recipient = { channel: 'in_app', role: 'operator' };

/** In-app as those who hold the role, and by e-mail each. */
const everyAdministrator = async (): Promise<readonly Recipient[]> => [
  { channel: 'in_app', role: 'global_admin' },
  ...byMail(await Membership.globalAdministrators()),
];

/** Whoever of the list still administers the platform, in-app and by e-mail; everybody if nobody does. */
async function onCall(): Promise<readonly Recipient[]> {
  const listed = new Set((await settingsOfPlatform()).onCall);
  const people = (await Membership.globalAdministrators()).filter(({ email }) => listed.has(email));
  if (people.length === 0) return everyAdministrator();
  return [
    ...people.map(({ userId }): Recipient => ({ channel: 'in_app', userId })),
    ...byMail(people),
  ];
}

const byMail = (people: readonly { readonly userId: string }[]): readonly Recipient[] =>
  people.map(({ userId }) => ({ channel: 'email', userId }));

/** What a deadline of the first sign-in is to mail: always one of its own, for an earlier one may be used. */
function linkOf({
  registrationId,
  name,
  occurrence,
}: {
  readonly registrationId: string;
  readonly name: OnboardingTimerName;
  readonly occurrence: number;
}): SecretLink | undefined {
  if (name === 'activation') return activationLink(registrationId, occurrence + 1);
  return name === 'activation_reminder'
    ? activationLink(registrationId, occurrence, name)
    : undefined;
}

/** Whoever uses the link has it from our mail; it lasts as long as the wait for the first sign-in. */
async function issueActivationLink(
  { companyId, registrationId, at }: RegistrationOrder,
  link: SecretLink,
  links: Links,
  adminUserId?: string,
): Promise<void> {
  const { userId, days, waitsUntil } = await withTenant(companyId, async () => ({
    userId: adminUserId ?? (await getRow(RegistrationRequest, registrationId)).adminUserId,
    days: (await settingsOfPlatform()).activationDays,
    waitsUntil: (await Timer.scheduledFor(registrationId)).find(({ name }) => name === 'activation')
      ?.dueAt,
  }));
  if (!userId) return;
  const lastsMs = Math.max(at + days * 86_400_000, Number(waitsUntil ?? 0)) - Date.now();
  await withIdentity(null, () =>
    PasswordResetToken.issue(userId, links.hashOf(link), { id: link.id, lastsMs }),
  );
}

/** The links that were mailed last as long as the wait for the first sign-in does now. */
const keepActivationLinks = ({ registrationId }: RegistrationRef, dueAt: number): Promise<void> =>
  withIdentity(null, () =>
    PasswordResetToken.lastUntil(activationLinkIds(registrationId), new Date(dueAt)),
  );

/** The account belongs to the new company, whose people the platform does not see. */
async function adminHasSignedIn({ companyId, registrationId }: RegistrationRef): Promise<boolean> {
  const { adminUserId, newCompanyId } = await withTenant(companyId, () =>
    getRow(RegistrationRequest, registrationId),
  );
  if (!adminUserId) return false;
  return withIdentity(null, () => Membership.hasSignedIn(newCompanyId, adminUserId));
}
