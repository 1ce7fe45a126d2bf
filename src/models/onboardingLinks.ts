import { v5 as uuidOf } from 'uuid';
import { mostActivationLinks, reminderDays } from '../rules/onboarding.ts';
import type { SecretLink } from './secretLinks.ts';

/** The n-th link that confirms the address of an applicant. */
export const verificationLink = (registrationId: string, n: number): SecretLink => ({
  kind: 'registration',
  id: `${registrationId}/${n}`,
});

/**
 * The n-th link that sets the first password of a new administrator, or the one of the n-th reminder; its
 * token's id is the same in every try.
 */
export const activationLink = (
  registrationId: string,
  n: number,
  by: 'activation' | 'activation_reminder' = 'activation',
): SecretLink => ({ kind: 'password_reset', id: uuidOf(`${by}/${n}`, registrationId) });

/** Of every one that a registration may have sent. */
export const activationLinkIds = (registrationId: string): readonly string[] => [
  ...Array.from(
    { length: mostActivationLinks },
    (_, n) => activationLink(registrationId, n + 1).id,
  ),
  ...reminderDays.map((_, n) => activationLink(registrationId, n + 1, 'activation_reminder').id),
];
