/**
 * Fields of audit lines whose values can be erased, and what then stands in their place. The list
 * grows with the product; a name is never taken out, or lines that were erased no longer verify.
 */
const personalFields: ReadonlySet<string> = new Set([
  'address',
  'adminEmail',
  'adminPhone',
  'adminUsername',
  'contactEmail',
  'contactPhone',
  'email',
  'firstName',
  'fullName',
  'lastName',
  'onboarding.onCall',
  'phone',
  'phoneNumber',
  'policyholderAddress',
  'policyholderEmail',
  'policyholderName',
  'policyholderPhone',
  'recipientAddress',
  'username',
]);

/** Whether values under this name, at any depth below it, are about a person. */
export const isPersonal = (name: string): boolean => personalFields.has(name);

export const personalFieldNames: readonly string[] = [...personalFields];

/** What stands in place of an erased value. @param digest 64 hexadecimal digits */
export const erasedAs = (digest: string): string => `~${digest}`;

/** The digest of a value that was erased; undefined for a value that is still there. */
export const digestOfErased = (text: string): string | undefined =>
  text.length === 65 && erased.test(text) ? text.slice(1) : undefined;

const erased = /^~[0-9a-f]{64}$/;
