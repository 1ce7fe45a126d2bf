import { Conflict } from '../../errors.ts';
import { forgetApplicants } from '../../models/applicants.ts';
import { RegistrationRequest } from '../../models/RegistrationRequest.ts';
import { getRow } from '../../models/rows.ts';
import { isDeclined } from '../../rules/onboarding.ts';
import { rowsOnce, type Once, type Replay } from '../idempotency.ts';
import { viewOf, type RegistrationView } from '../registrationViews.ts';
import { refuseNames } from './erase.ts';
import { eraseAnswers, eraseAudit, requestsOfUnknown, tellOfErasure } from './erasedRows.ts';

/**
 * Takes whoever applied in vain, and so has no account, out of what the platform knows. Asked again it
 * answers as before.
 * @throws Conflict REGISTRATION_NOT_DECLINED
 * @throws Invalid for a reason that names the person, because that could not be erased
 */
export const eraseApplicant = (
  id: string,
  { reason }: { readonly reason: string },
  once: Once,
): Promise<RegistrationView | Replay> =>
  rowsOnce(once, async () => {
    const registration = await getRow(RegistrationRequest, id, { lock: true });
    const { status, adminEmail, adminPhone, contactEmail, companyPhone } = registration;
    if (!isDeclined(status)) {
      throw new Conflict(
        'REGISTRATION_NOT_DECLINED',
        `The registration is ${status}: it has to be rejected first, or to run out; who administers the company that came of it is erased there`,
      );
    }
    refuseNames([adminEmail, adminPhone, contactEmail, companyPhone], reason);
    await tellOfErasure({ type: 'registration', id }, reason);
    await forgetApplicants([id]);
    await eraseAnswers(id, [adminEmail, contactEmail]);
    await eraseAudit(id, { objects: [], requests: await requestsOfUnknown(id, 'registration') });
    return viewOf(id);
  });
