import { v7 as uuid } from 'uuid';
import type { UpdateDefinition } from '@temporalio/common';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Calendar } from '../models/Calendar.ts';
import { refuseSchema } from '../models/Company.ts';
import { ownCompany } from '../models/contract.ts';
import { Credential } from '../models/Credential.ts';
import { conflictOf } from '../models/duplicates.ts';
import {
  afterCommit,
  append,
  flush,
  platformCompanyId,
  select,
  withGlobal,
  withIdentity,
  withTenant,
} from '../models/database.ts';
import { Notification } from '../models/Notification.ts';
import { verificationLink } from '../models/onboardingLinks.ts';
import {
  onboardingStart,
  onboardingStateOf,
  type OnboardingResult,
} from '../models/onboardingStart.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { illegalDecision, RegistrationRequest } from '../models/RegistrationRequest.ts';
import { getRow } from '../models/rows.ts';
import type { Links } from '../models/secretLinks.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import { hashSecret } from '../secrets.ts';
import type { Isolation } from '../rules/companies.ts';
import {
  nextRegistrationStatus,
  onboardingSettings,
  timersOfReview,
  type RegistrationEvent,
  type RegistrationStatus,
} from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';
import * as onboarding from '../workflows/tenantOnboarding.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import type { Passwords } from './passwords.ts';
import {
  registrationsWhere,
  viewOf,
  type RegistrationFilters,
  type RegistrationView,
} from './registrationViews.ts';
import type { WorkflowCommands } from './workflows.ts';

/** A company that wants to come in, as it says of itself. */
export interface Registration {
  readonly companyName: string;
  readonly businessType: RegistrationRequest['businessType'];
  readonly companyPhone?: string | null | undefined;
  readonly contactEmail?: string | undefined;
  readonly companyAddress?: string | null | undefined;
  readonly companyLinkedin?: string | null | undefined;
  readonly requestedDomain?: string | null | undefined;
  readonly adminEmail: string;
  readonly adminUsername: string;
  readonly adminPassword: string;
  readonly adminPhone?: string | null | undefined;
  readonly defaultCurrency: string;
  readonly subscriptionPlan: RegistrationRequest['subscriptionPlan'];
}

export type Registrations = ReturnType<typeof createRegistrations>;

/** How a company comes in. Everything about it belongs to the platform until it is set up. */
export function createRegistrations({
  passwords,
  links,
  dispatcher,
  workflows,
}: {
  readonly passwords: Passwords;
  readonly links: Links;
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
}) {
  return {
    /**
     * @throws Conflict DOMAIN_TAKEN, COMPANY_EXISTS, ADMIN_EXISTS, USERNAME_TAKEN
     * @throws Invalid for a password that is too short or too common
     */
    async submit({ adminPassword, ...wish }: Registration): Promise<RegistrationView> {
      const person = { email: wish.adminEmail, username: wish.adminUsername };
      await passwords.refuseWeak(adminPassword, { ...person, requireClasses: false });
      await refuseTaken(wish);
      const adminPasswordHash = await passwords.hash(adminPassword);

      return withTenant(platformCompanyId, async () => {
        const platform = await ownCompany();
        const now = Date.now();
        const settings = onboardingSettings(platform.settings.onboarding);
        const timers = timersOfReview(now, settings, await Calendar.ofCompany());
        const dueAt = (name: string): Date =>
          new Date(timers.find((timer) => timer.name === name)?.dueAt ?? now);
        const id = uuid();
        const link = verificationLink(id, 1);
        const registration = RegistrationRequest.build({
          id,
          companyId: platformCompanyId,
          ...wish,
          companyPhone: wish.companyPhone ?? null,
          contactEmail: wish.contactEmail ?? wish.adminEmail,
          companyAddress: wish.companyAddress ?? null,
          companyLinkedin: wish.companyLinkedin ?? null,
          requestedDomain: wish.requestedDomain ?? null,
          adminPhone: wish.adminPhone ?? null,
          adminPasswordHash,
          status: 'pending',
          stateVersion: 1,
          isolation: 'shared',
          expiresAt: dueAt('review_expiry'),
          verificationHash: links.hashOf(link),
          verificationExpiresAt: dueAt('verify_email'),
          newCompanyId: uuid(),
          createdAt: new Date(now),
          updatedAt: new Date(now),
          version: 1,
        });
        append(RegistrationRequest, registration.get());
        Timer.schedule(
          { workflowId: onboardingWorkflowId(id), entityType: 'registration', entityId: id },
          timers,
        );
        const message = {
          payload: { companyName: wish.companyName, registrationId: id, link },
          key: `registration/${id}/submit/1`,
          about: { type: 'registration', id },
        };
        const mail = Notification.queue({
          to: { channel: 'email', address: wish.adminEmail },
          template: 'registration_received',
          ...message,
        });
        Notification.queue({
          to: { channel: 'in_app', role: 'global_admin' },
          template: 'registration_waiting',
          ...message,
          payload: { companyName: wish.companyName, registrationId: id },
        });
        Transition.record({
          entityType: 'registration',
          entityId: id,
          stateVersion: 1,
          event: 'submit',
          fromStatus: null,
          toStatus: 'pending',
          commandId: message.key,
          at: new Date(now),
        });
        AuditLog.record(
          'CREATE',
          { type: 'registration', id },
          { after: { companyName: wish.companyName, requestedDomain: wish.requestedDomain } },
        );
        registration.workflowClosedAt = null;
        const state = await onboardingStateOf(registration, timers);
        const start = OutboxEntry.promise(onboardingStart(registration, state, [mail]));
        await flush();
        afterCommit(() => dispatcher.dispatch(start));
        return { registration, workflow: { id: start.workflowId, state: 'starting' } };
      });
    },

    /** The applicant reads mail at the address; only an open registration can still be confirmed. */
    verify: (code: string): Promise<void> =>
      withTenant(platformCompanyId, async () => {
        const registration = await RegistrationRequest.findOne({
          where: { verificationHash: hashSecret(code) },
        });
        const isGood =
          registration?.status === 'pending' &&
          (registration.verificationExpiresAt?.getTime() ?? 0) > Date.now();
        if (!registration || !isGood) {
          throw invalidField('code', 'This code is not valid or has run out', 'CODE_INVALID');
        }
        if (registration.emailVerifiedAt) return;
        await registration.update({ emailVerifiedAt: new Date() });
        AuditLog.record(
          'UPDATE',
          { type: 'registration', id: registration.id },
          {
            after: { event: 'verify_email' },
          },
        );
      }),

    get: (actor: Actor, id: string): Promise<RegistrationView> =>
      withTenant(actor.companyId, () => viewOf(id)),

    list: (actor: Actor, filters: RegistrationFilters) =>
      withTenant(actor.companyId, () => registrationsWhere(filters)),

    /** Approving what is approved already answers with what is. */
    approve: (
      actor: Actor,
      id: string,
      wish: {
        readonly isolation?: Isolation | undefined;
        readonly subscriptionPlan?: Registration['subscriptionPlan'] | undefined;
        readonly note?: string | undefined;
      },
      once: Once,
    ): Promise<RegistrationView | Replay> =>
      carriedOut(onboarding.approve, { actor, id, once, event: 'approve' }, async () => {
        if (wish.isolation === 'dedicated_schema') await refuseSchema();
        return {
          reviewedBy: actor.userId,
          ...(wish.isolation && { isolation: wish.isolation }),
          subscriptionPlan: wish.subscriptionPlan ?? null,
          note: wish.note ?? null,
        };
      }),

    reject: (
      actor: Actor,
      id: string,
      reason: string,
      once: Once,
    ): Promise<RegistrationView | Replay> =>
      carriedOut(onboarding.reject, { actor, id, once, event: 'reject' }, () =>
        Promise.resolve({ reviewedBy: actor.userId, reason }),
      ),

    retry: (
      actor: Actor,
      id: string,
      reason: string | undefined,
      once: Once,
    ): Promise<RegistrationView | Replay> =>
      carriedOut(onboarding.retry, { actor, id, once, event: 'retry' }, () =>
        Promise.resolve({ reason: reason ?? null }),
      ),

    /**
     * Tells the onboarding that its administrator has come. Best effort: its own reminders look too.
     */
    async noteSignIn(userId: string): Promise<void> {
      const waiting = await withTenant(platformCompanyId, () =>
        RegistrationRequest.findOne({
          attributes: ['id'],
          where: {
            adminUserId: userId,
            activatedAt: null,
            status: 'active',
            workflowClosedAt: null,
          },
        }),
      );
      if (!waiting) return;
      const { id } = waiting;
      await workflows.command(onboarding.noteActivation, {
        actor: { type: 'system', userId, companyId: platformCompanyId, roles: [], sessionId: null },
        entityId: id,
        workflowId: onboardingWorkflowId(id),
        commandId: `onboarding/${id}/first_sign_in/1`,
        prepare: () => Promise.resolve({}),
      });
    },
  };

  /** Commands end alike: the first answer stays, and an answer shows the row. */
  function carriedOut<Wish>(
    update: UpdateDefinition<OnboardingResult, [Wish]>,
    {
      actor,
      id,
      once,
      event,
    }: {
      readonly actor: Actor;
      readonly id: string;
      readonly once: Once;
      readonly event: 'approve' | 'reject' | 'retry';
    },
    prepare: () => Promise<Wish>,
  ): Promise<RegistrationView | Replay> {
    const { companyId } = actor;
    return commandOnce(once, async (commandId) => {
      const { status } = await withTenant(companyId, () => getRow(RegistrationRequest, id));
      if (!hasHappened(status, event)) {
        await workflows.command(update, {
          actor,
          entityId: id,
          workflowId: onboardingWorkflowId(id),
          commandId,
          prepare: async () => {
            const registration = await getRow(RegistrationRequest, id);
            if (!nextRegistrationStatus(registration.status, event)) {
              throw illegalDecision(registration.status, event);
            }
            return prepare();
          },
        });
      }
      return withTenant(companyId, () => viewOf(id));
    });
  }
}

/** The same decision twice is one decision. */
const hasHappened = (status: RegistrationStatus, event: RegistrationEvent): boolean => {
  if (event === 'approve') return ['approved', 'provisioning', 'active'].includes(status);
  return event === 'reject' && status === 'rejected';
};

/** Domain, name and administrator must be free among companies; open registrations by their keys. */
async function refuseTaken({
  companyName,
  requestedDomain,
  adminEmail,
  adminUsername,
}: Omit<Registration, 'adminPassword'>): Promise<void> {
  const [taken] = await withGlobal(() =>
    select<{ name: boolean; domain: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM platform.companies
           WHERE lower(name) = lower($1) AND archived_at IS NULL AND status <> 'closed') AS name,
         EXISTS (SELECT 1 FROM platform.domains WHERE domain = $2) AS domain`,
      [companyName, requestedDomain ?? null],
    ),
  );
  if (taken?.name) throw conflictOf('companies_name_key');
  if (taken?.domain) throw conflictOf('domains_domain_key');
  await withIdentity(null, async () => {
    if (await Credential.findOne({ attributes: ['id'], where: { email: adminEmail } })) {
      throw new Conflict(
        'ADMIN_EXISTS',
        'There is already an account with the address admin_email',
      );
    }
    await Credential.refuseTaken({ username: adminUsername });
  });
}
