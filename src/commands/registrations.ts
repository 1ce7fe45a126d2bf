import type { UpdateDefinition } from '@temporalio/common';
import { currentContext, runInContext, type Actor } from '../context.ts';
import { invalidField, Refusal } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { refuseSchema } from '../models/Company.ts';
import { platformCompanyId, withTenant } from '../models/database.ts';
import { Notification } from '../models/Notification.ts';
import type { OnboardingResult } from '../models/onboardingStart.ts';
import { illegalDecision, RegistrationRequest } from '../models/RegistrationRequest.ts';
import { getRow } from '../models/rows.ts';
import type { Isolation } from '../rules/companies.ts';
import {
  nextRegistrationStatus,
  type RegistrationEvent,
  type RegistrationStatus,
} from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';
import { hashSecret } from '../secrets.ts';
import * as onboarding from '../workflows/tenantOnboarding.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { createSubmissions, type Registration } from './registrationSubmissions.ts';
import {
  registrationsWhere,
  viewOf,
  type RegistrationFilters,
  type RegistrationView,
} from './registrationViews.ts';
import type { WorkflowCommands } from './workflows.ts';

export type Registrations = ReturnType<typeof createRegistrations>;

/** How a company comes in: asked for, decided, set up by its workflow, and used for the first time. */
export function createRegistrations({
  workflows,
  ...submitting
}: Parameters<typeof createSubmissions>[0] & { readonly workflows: WorkflowCommands }) {
  return {
    ...createSubmissions(submitting),

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
     * Tells the onboarding that its administrator has come to the new company; a sign-in to another one is
     * none. Best effort: its own reminders look too, and so does the next sign-in.
     */
    async noteSignIn(userId: string, newCompanyId: string): Promise<void> {
      const waiting = await withTenant(platformCompanyId, () =>
        RegistrationRequest.findOne({
          attributes: ['id', 'workflowClosedAt'],
          where: { adminUserId: userId, newCompanyId, activatedAt: null, status: 'active' },
        }),
      );
      if (!waiting) return;
      const { id } = waiting;
      const commandId = `onboarding/${id}/first_sign_in/1`;
      const actor = {
        type: 'system',
        userId,
        companyId: platformCompanyId,
        roles: [],
        sessionId: null,
      } as const;
      if (waiting.workflowClosedAt) return noteLateSignIn(id, actor, commandId);
      await workflows.command(onboarding.noteActivation, {
        actor,
        entityId: id,
        workflowId: onboardingWorkflowId(id),
        commandId,
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
    const isDone = (): Promise<boolean> =>
      withTenant(companyId, async () =>
        hasHappened((await getRow(RegistrationRequest, id)).status, event),
      );
    const decide = (commandId: string): Promise<void> =>
      workflows.command(update, {
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
    return commandOnce(once, async (commandId) => {
      if (!(await isDone())) {
        await decide(commandId).catch(async (error: unknown) => {
          // Somebody who decided the same at the same moment came first, or holds the workflow up.
          if (!(error instanceof Refusal) || !(await isDone())) throw error;
        });
      }
      return withTenant(companyId, () => viewOf(id));
    });
  }
}

/** After its last link the workflow has ended: nobody else writes the row, and nobody would hear of it. */
const noteLateSignIn = (
  id: string,
  { userId, companyId, type }: Actor,
  commandId: string,
): Promise<void> =>
  runInContext({ ...currentContext(), companyId, actorId: userId, actorType: type }, () =>
    withTenant(companyId, async () => {
      const registration = await getRow(RegistrationRequest, id, { lock: true });
      if (registration.activatedAt) return;
      const at = new Date();
      const step = { commandId, expectedVersion: registration.stateVersion, at };
      await registration.move('activate', step, { activatedAt: at });
      Notification.queue({
        to: { channel: 'in_app', role: 'global_admin' },
        template: 'company_activated',
        payload: { companyName: registration.companyName, registrationId: id },
        key: `${commandId}/platform`,
        about: { type: RegistrationRequest.entityType, id },
      });
    }),
  );

/** The same decision twice is one decision. */
const hasHappened = (status: RegistrationStatus, event: RegistrationEvent): boolean => {
  if (event === 'approve') return ['approved', 'provisioning', 'active'].includes(status);
  return event === 'reject' && status === 'rejected';
};
