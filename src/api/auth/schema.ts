import {
  array,
  boolean,
  email,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';
import { roleCodes } from '../../rules/permissions.ts';
import { accountFields } from '../users/schema.ts';

/** Long enough for any passphrase; what is too short or too common the password policy says. */
const password = text(256);
const secret = text(200);

export const registerBody = object({
  username: text(30),
  email: email(),
  password,
  first_name: text(100),
  last_name: text(100),
  phone_number: optional(nullable(text(15).pattern(/^\+?[0-9 ()-]{4,15}$/))),
}).id('Register');

export const registeredAnswer = object({ email: email(), message: text(300) }).id('Registered');

export const loginBody = object({
  email: email(),
  password,
  company: optional(text(20).description('Code of the company, for members of several')),
  otp: optional(text(20).description('Code of the second factor, or a recovery code')),
}).id('Login');

export const refreshBody = object({ refresh_token: secret }).id('Refresh');

export const resetBody = object({ code: secret, password }).id('SetPassword');

export const resetRequestBody = object({ email: email() }).id('PasswordResetRequest');

export const changePasswordBody = object({
  current_password: password,
  new_password: password,
}).id('ChangePassword');

export const changeEmailBody = object({ email: email(), current_password: password }).id(
  'ChangeEmail',
);

export const codeBody = object({ code: secret }).id('Code');

export const currentPasswordBody = object({ current_password: password }).id('CurrentPassword');

const otp = text(20);
export const otpBody = object({ code: otp }).id('SecondFactorCode');
export const disableMfaBody = object({ current_password: password, code: otp }).id(
  'DisableSecondFactor',
);

export const otpauthAnswer = object({ otpauth_url: text(600) }).id('SecondFactorSetUp');
export const recoveryAnswer = object({
  recovery_codes: array(text(20), { min: 10, max: 10 }),
}).id('RecoveryCodes');

export const userAnswer = object({
  ...accountFields,
  company_id: id(),
  role: oneOf(...roleCodes).description('The strongest role in this company'),
  roles: array(oneOf(...roleCodes), { min: 1, max: roleCodes.length }),
}).id('User');

export const signedInAnswer = object({
  access_token: text(4000),
  refresh_token: secret,
  token_type: oneOf('Bearer'),
  expires_in: integer(1, 86_400).description('Seconds'),
  user: userAnswer,
}).id('SignedIn');

export const loginsQuery = object({
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const loginAnswer = object({
  id: id(),
  at: instant(),
  ip: nullable(text(45)),
  user_agent: nullable(text(255).allow('')),
}).id('PastLogin');

export const sessionPath = object({ id: id() });

export const sessionAnswer = object({
  id: id(),
  started_at: instant(),
  last_used_at: instant(),
  ip: nullable(text(45)),
  user_agent: nullable(text(255).allow('')),
  is_current: boolean(),
}).id('Session');

export const signedInExample = {
  access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl',
  refresh_token: 'Zm9ydHktdGhyZWUgcmFuZG9tIGNoYXJhY3RlcnMgMDAx',
  token_type: 'Bearer',
  expires_in: 1800,
  user: {
    id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
    username: 'ada',
    email: 'ada@example.com',
    first_name: 'Ada',
    last_name: 'Lovelace',
    phone_number: '+442079460000',
    is_active: true,
    date_joined: '2026-01-31T09:30:00.000Z',
    last_login_at: '2026-02-01T08:00:00.000Z',
    mfa_enabled: false,
    company_id: '01998e3a-0000-7000-8000-000000000001',
    role: 'policyholder',
    roles: ['policyholder'],
    is_admin: false,
    scope: 'tenant',
  },
} as const;
