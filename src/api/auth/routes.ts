import type { Auth } from '../../commands/auth.ts';
import type { EmailChanges } from '../../commands/emailChanges.ts';
import type { Factors } from '../../commands/factors.ts';
import type { OwnSessions } from '../../commands/ownSessions.ts';
import type { PasswordChanges } from '../../commands/passwordChanges.ts';
import { listRoute, route, type Route } from '../route.ts';
import { codePage, newPassword } from '../codePage.ts';
import {
  presentAccount,
  presentLogin,
  presentRegistered,
  presentSession,
  presentSignedIn,
} from './present.ts';
import {
  changeEmailBody,
  changePasswordBody,
  codeBody,
  currentPasswordBody,
  disableMfaBody,
  loginAnswer,
  loginBody,
  loginsQuery,
  otpauthAnswer,
  otpBody,
  recoveryAnswer,
  refreshBody,
  registerBody,
  registeredAnswer,
  resetBody,
  resetRequestBody,
  sessionAnswer,
  sessionPath,
  signedInAnswer,
  signedInExample,
  userAnswer,
} from './schema.ts';

const tag = 'Identity';
const open = { method: 'POST', permission: 'public', company: false, tag } as const;
const answersTokens = { answer: presentSignedIn, answerSchema: signedInAnswer } as const;

/** Signing up, in, on and out. Nothing here takes an Idempotency-Key: tokens would be stored. */
export const authRoutes = (dependencies: {
  readonly auth: Auth;
  readonly emailChanges: EmailChanges;
  readonly factors: Factors;
  readonly ownSessions: OwnSessions;
  readonly passwordChanges: PasswordChanges;
  readonly prefix: string;
}): Route[] => [
  ...signInRoutes(dependencies),
  ...sessionRoutes(dependencies),
  ...passwordRoutes(dependencies),
  ...factorRoutes(dependencies),
];

const signInRoutes = ({ auth }: { readonly auth: Auth }): Route[] => [
  route({
    method: 'POST',
    path: '/auth/register',
    limit: 'sign-in',
    aliases: ['/api/auth/register'],
    permission: 'public',
    summary: 'Register as a policyholder of this company',
    tag,
    message: 'Registered',
    status: 201,
    businessRules: true,
    body: registerBody,
    answer: presentRegistered,
    answerSchema: registeredAnswer,
    handle: ({ company, body }) => auth.register(company, body),
    examples: {
      body: {
        username: 'ada',
        email: 'ada@example.com',
        password: 'Seven-Green-Otters-7',
        first_name: 'Ada',
        last_name: 'Lovelace',
        phone_number: '+442079460000',
      },
      answer: presentRegistered({ email: 'ada@example.com' }),
    },
  }),
  route({
    ...open,
    path: '/auth/login',
    limit: 'sign-in',
    aliases: ['/api/auth/login', '/users/login'],
    summary: 'Sign in with e-mail address and password',
    message: 'Signed in',
    body: loginBody,
    ...answersTokens,
    handle: ({ body, host }) => auth.login(body, host),
    examples: {
      body: { email: 'ada@example.com', password: 'Seven-Green-Otters-7' },
      answer: signedInExample,
    },
  }),
  route({
    ...open,
    path: '/auth/refresh',
    limit: 'sign-in',
    aliases: ['/api/auth/refresh'],
    summary: 'Exchange a refresh token, which is thereby used up, for new tokens',
    message: 'Refreshed',
    body: refreshBody,
    ...answersTokens,
    handle: ({ body }) => auth.refresh(body.refreshToken),
    examples: {
      body: { refresh_token: signedInExample.refresh_token },
      answer: signedInExample,
    },
  }),
  route({
    ...open,
    permission: 'signed-in',
    path: '/auth/logout',
    summary: 'End this session',
    message: 'Signed out',
    handle: ({ actor }) => auth.logout(actor),
  }),
  route({
    method: 'GET',
    path: '/auth/me',
    permission: 'signed-in',
    summary: 'Who I am in this company',
    tag,
    answer: presentAccount,
    answerSchema: userAnswer,
    handle: ({ actor }) => auth.me(actor),
    examples: { answer: signedInExample.user },
  }),
  listRoute({
    path: '/auth/logins',
    permission: 'signed-in',
    summary: 'My sign-ins, the newest first',
    tag,
    query: loginsQuery,
    answer: presentLogin,
    answerSchema: loginAnswer,
    handle: ({ actor, query }) => auth.logins(actor, query),
    examples: {
      answer: {
        id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
        at: '2026-01-31T09:30:00.000Z',
        ip: '192.0.2.10',
        user_agent: 'Mozilla/5.0',
      },
    },
  }),
];

const sessionRoutes = ({ ownSessions }: { readonly ownSessions: OwnSessions }): Route[] => [
  listRoute({
    path: '/auth/sessions',
    permission: 'signed-in',
    company: false,
    summary: 'Where I am signed in to this company, used last first',
    tag,
    query: loginsQuery,
    answer: presentSession,
    answerSchema: sessionAnswer,
    handle: ({ actor, query }) => ownSessions.list(actor, query),
    examples: {
      answer: {
        id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
        started_at: '2026-01-31T09:30:00.000Z',
        last_used_at: '2026-02-01T08:00:00.000Z',
        ip: '192.0.2.10',
        user_agent: 'Mozilla/5.0',
        is_current: true,
      },
    },
  }),
  route({
    method: 'DELETE',
    path: '/auth/sessions/:id',
    permission: 'signed-in',
    company: false,
    summary: 'End one of my sessions',
    tag,
    status: 204,
    params: sessionPath,
    handle: ({ actor, params }) => ownSessions.end(actor, params.id),
  }),
  route({
    method: 'DELETE',
    path: '/auth/sessions',
    permission: 'signed-in',
    company: false,
    summary: 'End all my sessions, this one and those in other companies too',
    tag,
    status: 204,
    handle: ({ actor }) => ownSessions.endAll(actor),
  }),
];

const passwordRoutes = ({
  emailChanges,
  passwordChanges,
  prefix,
}: {
  readonly emailChanges: EmailChanges;
  readonly passwordChanges: PasswordChanges;
  readonly prefix: string;
}): Route[] => [
  route({
    ...open,
    path: '/auth/password-reset',
    limit: 'sign-in',
    aliases: ['/users/generate-reset-token'],
    summary: 'Ask for a link that sets a new password; the answer is the same for any address',
    message: 'If the address has an account, a link is on its way',
    body: resetRequestBody,
    handle: ({ body }) => passwordChanges.requestReset(body.email),
    examples: { body: { email: 'ada@example.com' } },
  }),
  route({
    ...open,
    path: '/auth/password-reset/confirm',
    limit: 'sign-in',
    summary: 'Set a password by the code of a one-time link; ends every session',
    message: 'The password is set; sign in with it',
    businessRules: true,
    body: resetBody,
    handle: ({ body }) => passwordChanges.confirmReset(body),
    examples: { body: { code: signedInExample.refresh_token, password: 'Seven-Green-Otters-7' } },
  }),
  route({
    ...open,
    permission: 'signed-in',
    path: '/users/update-password',
    limit: 'sign-in',
    aliases: ['/users/update-password'],
    summary: 'Change my password; my other sessions end',
    message: 'The password is changed',
    businessRules: true,
    body: changePasswordBody,
    handle: ({ actor, body }) =>
      passwordChanges.change(actor, { current: body.currentPassword, next: body.newPassword }),
    examples: {
      body: { current_password: 'Seven-Green-Otters-7', new_password: 'Nine-Blue-Herons-9' },
    },
  }),
  route({
    ...open,
    permission: 'signed-in',
    path: '/users/update-email',
    limit: 'sign-in',
    aliases: ['/users/update-email'],
    summary: 'Ask to change my e-mail address; a link to the new one confirms it',
    message: 'If the address is free, a link is on its way to it',
    businessRules: true,
    body: changeEmailBody,
    handle: ({ actor, body }) => emailChanges.request(actor, body),
    examples: {
      body: { email: 'ada.new@example.com', current_password: 'Seven-Green-Otters-7' },
    },
  }),
  route({
    ...open,
    path: '/auth/email-change/confirm',
    limit: 'sign-in',
    summary: 'Confirm a new e-mail address by the code of a one-time link',
    message: 'The address is changed; sign in with it',
    businessRules: true,
    body: codeBody,
    handle: ({ body }) => emailChanges.confirm(body.code),
    examples: { body: { code: signedInExample.refresh_token } },
  }),
  codePage({
    path: '/confirm-email',
    title: 'Confirm your e-mail address',
    tag,
    button: 'Confirm',
    postTo: `${prefix}/auth/email-change/confirm`,
  }),
  codePage({
    path: '/set-password',
    title: 'Set your password',
    tag,
    button: 'Set password',
    fields: newPassword,
    postTo: `${prefix}/auth/password-reset/confirm`,
  }),
];

const current_password = 'Seven-Green-Otters-7';

const factorRoutes = ({ factors }: { readonly factors: Factors }): Route[] => [
  route({
    ...open,
    permission: 'signed-in',
    path: '/auth/mfa/setup',
    limit: 'sign-in',
    summary: 'Get the secret of a second factor, for an authenticator; shown once',
    message: 'Enable it with a code of the authenticator',
    businessRules: true,
    body: currentPasswordBody,
    answer: (otpauthUrl: string) => ({ otpauth_url: otpauthUrl }),
    answerSchema: otpauthAnswer,
    handle: ({ actor, body }) => factors.setUp(actor, body.currentPassword),
    examples: {
      body: { current_password },
      answer: {
        otpauth_url:
          'otpauth://totp/Surety:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Surety',
      },
    },
  }),
  route({
    ...open,
    permission: 'signed-in',
    path: '/auth/mfa/enable',
    limit: 'sign-in',
    summary: 'Enable the second factor by its first code; answers recovery codes, shown once',
    message: 'The second factor is enabled; keep the recovery codes',
    businessRules: true,
    body: otpBody,
    answer: (recoveryCodes: readonly string[]) => ({ recovery_codes: [...recoveryCodes] }),
    answerSchema: recoveryAnswer,
    handle: ({ actor, body }) => factors.enable(actor, body.code),
    examples: {
      body: { code: '123456' },
      answer: { recovery_codes: Array.from({ length: 10 }, () => 'JBSWY3DPEHPK3PXP') },
    },
  }),
  route({
    ...open,
    permission: 'signed-in',
    path: '/auth/mfa/disable',
    limit: 'sign-in',
    summary: 'Give the second factor up, by password and a code',
    message: 'The second factor is disabled',
    businessRules: true,
    body: disableMfaBody,
    handle: ({ actor, body }) => factors.disable(actor, body),
    examples: { body: { current_password, code: '123456' } },
  }),
];
