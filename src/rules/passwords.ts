import type { Problem } from './problem.ts';

export const minPasswordLength = 12;

/**
 * `requireClasses` is the company's setting; registrations leave it off. `common` holds the common
 * passwords in lower case.
 */
export interface PasswordPolicy {
  readonly email: string;
  readonly username: string;
  readonly requireClasses: boolean;
  readonly common: ReadonlySet<string>;
}

/** Everything wrong with a password, for the person who chose it; empty when it will do. */
export const passwordProblems = (
  password: string,
  { email, username, requireClasses, common }: PasswordPolicy,
): readonly Problem[] => {
  const lower = password.toLowerCase();
  const problems: Problem[] = [];
  if (Array.from(password).length < minPasswordLength) {
    problems.push({
      code: 'PASSWORD_TOO_SHORT',
      message: `The password has at least ${minPasswordLength} characters`,
    });
  }
  if (lower === email.toLowerCase()) {
    problems.push({
      code: 'PASSWORD_IS_EMAIL',
      message: 'The password is not your e-mail address',
    });
  }
  if (lower === username.toLowerCase()) {
    problems.push({ code: 'PASSWORD_IS_USERNAME', message: 'The password is not your username' });
  }
  if (common.has(lower)) {
    problems.push({ code: 'PASSWORD_COMMON', message: 'Too many people use this password' });
  }
  return requireClasses ? [...problems, ...missingClasses(password)] : problems;
};

const classes = [
  { pattern: /\p{Lu}/u, code: 'PASSWORD_NEEDS_UPPER', needed: 'an upper-case letter' },
  { pattern: /\p{Ll}/u, code: 'PASSWORD_NEEDS_LOWER', needed: 'a lower-case letter' },
  { pattern: /\p{Nd}/u, code: 'PASSWORD_NEEDS_DIGIT', needed: 'a digit' },
  { pattern: /[^\p{L}\p{M}\p{N}\s]/u, code: 'PASSWORD_NEEDS_SYMBOL', needed: 'a symbol' },
] as const;

const missingClasses = (password: string): readonly Problem[] =>
  classes
    .filter(({ pattern }) => !pattern.test(password))
    .map(({ code, needed }) => ({ code, message: `The password contains ${needed}` }));
