import { v7 as uuid } from 'uuid';
import type { Config } from '../config.ts';
import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Calendar } from '../models/Calendar.ts';
import { ownCompany } from '../models/contract.ts';
import { Credential } from '../models/Credential.ts';
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
import { conflictOf } from '../models/duplicates.ts';
import { Notification } from '../models/Notification.ts';
import { verificationLink } from '../models/onboardingLinks.ts';
import { onboardingStart, onboardingStateOf } from '../models/onboardingStart.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import type { Links } from '../models/secretLinks.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import { isOfThePlatform } from '../rules/hostNames.ts';
import { onboardingSettings, timersOfReview } from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';
import type { Dispatcher } from './dispatch.ts';
import type { Passwords } from './passwords.ts';
import type { RegistrationView } from './registrationViews.ts';

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

/** How a company asks to come in. Until it is set up, everything about it belongs to the platform. */
export const createSubmissions = ({
  config,
  passwords,
  links,
  dispatcher,
}: {
  readonly config: Pick<Config, 'allowedHosts' | 'platformDomain'>;
  readonly passwords: Passwords;
  readonly links: Links;
  readonly dispatcher: Dispatcher;
}) => ({
  /**
   * @throws Conflict DOMAIN_TAKEN, COMPANY_EXISTS, ADMIN_EXISTS, USERNAME_TAKEN
   * @throws Invalid for a password that is too short or too common
   */
  async submit({ adminPassword, ...wish }: Registration): Promise<RegistrationView> {
    passwords.refuseIfBusy();
    const person = { email: wish.adminEmail, username: wish.adminUsername };
    await passwords.refuseWeak(adminPassword, { ...person, requireClasses: false });
    if (wish.requestedDomain && isOfThePlatform(wish.requestedDomain, config)) {
      throw conflictOf('domains_domain_key');
    }
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
});

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
         EXISTS (SELECT 1 FROM platform.domains
           WHERE domain = $2 AND verified_at IS NOT NULL) AS domain`,
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
