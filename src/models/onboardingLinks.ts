import { v5 as uuidOf } from 'uuid';
import type { SecretLink } from './secretLinks.ts';

/** The n-th link that confirms the address of an applicant. */
export const verificationLink = (registrationId: string, n: number): SecretLink => ({
  kind: 'registration',
  id: `${registrationId}/${n}`,
});

/** The n-th link that sets the first password of a new administrator; its token's id is the same in every try. */
export const activationLink = (registrationId: string, n: number): SecretLink => ({
  kind: 'password_reset',
  id: uuidOf(`activation/${n}`, registrationId),
});
