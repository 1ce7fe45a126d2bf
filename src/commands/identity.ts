import { currentContext, runInContext } from '../context.ts';
import type { CompanySettings } from '../models/Company.ts';
import { invalidField, type Invalid } from '../errors.ts';
import { afterCommit, withIdentity } from '../models/database.ts';
import { queueMail } from '../models/mail.ts';
import type { Place } from '../models/Membership.ts';
import type { TemplateCode } from '../models/Notification.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';

/** No user has this id: what is looked up for an unknown address, so that it takes the same steps. */
export const nobody = '00000000-0000-0000-0000-000000000000';

/** Identity work in a person's own name, which an anonymous request just proved. */
export const actingAs = <T>(
  { userId, companyId }: { readonly userId: string; readonly companyId: string | null },
  work: () => Promise<T>,
): Promise<T> =>
  runInContext({ ...currentContext(), actorId: userId, actorType: 'user' }, () =>
    withIdentity(companyId, work),
  );

/** Where what a person does is written down: their one company, or the platform for null. */
export const onlyCompany = (places: readonly Place[]): string | null =>
  places.length === 1 ? (places[0]?.companyId ?? null) : null;

/** Section `password` of a company's settings. */
export const requiresClasses = (settings: CompanySettings): boolean =>
  settings.password?.requireClasses ?? true;

/** More than so many mails an hour of one kind would be a nuisance to whoever owns the address. */
export const mostMailsAnHour = 5;

/** Promises a mail to an address with the open transaction; it is on its way right after the commit. */
export const mailing =
  (dispatch: (start: WorkflowStart) => void) =>
  (
    companyId: string,
    address: string,
    template: TemplateCode,
    payload: Readonly<Record<string, unknown>> = {},
  ): void => {
    const start = queueMail({ companyId, to: { address }, template, payload });
    afterCommit(() => dispatch(start));
  };

/** Of a link that nobody was sent, that was used, or that is too old. */
export const badCode = (): Invalid =>
  invalidField('code', 'This code is not valid, was used or has run out', 'CODE_INVALID');
