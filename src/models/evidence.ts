import { createHash, randomBytes } from 'node:crypto';
import { canonicalJson } from '../rules/canonicalJson.ts';

/** What only concerns the person; it can be taken out, and the hash still holds. */
export interface PersonalEvidence {
  /** As the company knows them. */
  readonly name: string;
  readonly typedName: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** What somebody confirmed with their answer. */
export interface SignedFacts {
  readonly acknowledgementId: string;
  readonly policyId: string;
  readonly policyVersion: number;
  readonly employeeId: string;
  readonly contentSha256: string;
  readonly documentSha256: string | null;
  readonly title: string;
  /** Of the version, such as `2.1`. */
  readonly label: string;
  readonly statement: string;
  /** ISO, to the millisecond. */
  readonly at: string;
  readonly openedAt: string | null;
  readonly scrolledAt: string | null;
  /** Of their answer before this one, to whatever document; null for their first. */
  readonly previousHash: string | null;
}

export interface Evidence extends SignedFacts {
  /** Null once the person was erased. */
  readonly person: (PersonalEvidence & { readonly salt: string }) | null;
  /** Stands for the personal part in the hash. */
  readonly personSha256: string;
}

/** @returns the evidence and the hash that covers all of it */
export function sign(
  facts: SignedFacts,
  personal: PersonalEvidence,
): { readonly evidence: Evidence; readonly hash: string } {
  const person = { ...personal, salt: randomBytes(16).toString('hex') };
  const evidence = { ...facts, person, personSha256: sha256(canonicalJson(person)) };
  return { evidence, hash: hashOf(evidence) };
}

/** Whether nothing of it was changed since; what was erased of the person does not count. */
export const isGenuine = (evidence: Evidence, hash: string): boolean =>
  hashOf(evidence) === hash &&
  (evidence.person === null || sha256(canonicalJson(evidence.person)) === evidence.personSha256);

const hashOf = ({ person: _, ...signed }: Evidence): string => sha256(canonicalJson(signed));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
