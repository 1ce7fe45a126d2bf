/**
 * Fields of audit lines whose values can be erased, and what then stands in their place. The list
 * grows with the product; a name is never taken out, or lines that were erased no longer verify.
 */
const personalFields: ReadonlySet<string> = new Set([
  'address',
  'adminEmail',
  'adminPhone',
  'adminUsername',
  'cancellationReason',
  'claimantEmail',
  'claimantName',
  'claimantPhone',
  'comment',
  'contactEmail',
  'contactPhone',
  'description',
  'email',
  'fileName',
  'firstName',
  'fullName',
  'hostReply',
  'lastName',
  'latitude',
  'longitude',
  'onboarding.onCall',
  'payeeEmail',
  'payeeName',
  'phone',
  'phoneNumber',
  'policyholderAddress',
  'policyholderEmail',
  'policyholderName',
  'policyholderPhone',
  'recipientAddress',
  'reportReason',
  'title',
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

/** The value as people are shown it, whatever was erased in it told as that. */
export function withErasedShown<T>(value: T): T;
export function withErasedShown(value: unknown): unknown {
  if (typeof value === 'string') return digestOfErased(value) === undefined ? value : erasedWord;
  if (Array.isArray(value)) return value.map((each) => withErasedShown(each));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withErasedShown(member)]),
  );
}

/** What is read where something about a person was. */
export const erasedWord = '[erased]';

/** Who an erased person is from then on. No mail is ever sent to `.invalid` (RFC 2606). */
export const erasedPerson = (id: string) => ({
  email: `erased-${id}@erased.invalid`,
  /** As much of the id as a username has room for. */
  username: `erased-${id.replaceAll('-', '').slice(-23)}`,
});

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !(value instanceof Date);
