import Handlebars from 'handlebars';
import type { TemplateCode } from '../models/Notification.ts';

interface Texts {
  readonly subject: string;
  /** Plain text, paragraphs divided by an empty line; the HTML part is made from it. */
  readonly body: string;
}

/** Values come from the notification's payload, plus `name` (recipient), `company` and `link`. */
const texts: Readonly<Record<TemplateCode, Texts>> = {
  welcome: {
    subject: 'Welcome to {{company}}',
    body: `Dear {{name}},

your account with {{company}} is ready. Sign in with this e-mail address.`,
  },
  account_exists: {
    subject: 'Your account with {{company}}',
    body: `Dear {{name}},

somebody tried to register with this e-mail address. You already have an account, and nothing was changed. If it was you, sign in; if not, you need do nothing.`,
  },
  session_revoked: {
    subject: 'A session of yours was ended',
    body: `Dear {{name}},

a sign-in token of your account with {{company}} was used twice, which can mean that somebody copied it. We have ended that session. Please sign in again, and change your password if you do not know what happened.`,
  },
  password_reset: {
    subject: 'Set a new password',
    body: `Dear {{name}},

somebody, probably you, asked to set a new password for this e-mail address. This link does it, once and within 30 minutes:

{{link}}

If it was not you, you need do nothing: your password stays as it is.`,
  },
  registration_received: {
    subject: 'We have your registration of {{companyName}}',
    body: `Dear {{name}},

thank you for registering {{companyName}} with us. Please confirm this e-mail address with this link; it works for two days, and we send another one after that:

{{link}}

We look at every registration ourselves and write to you as soon as it is decided. If you did not register, you need do nothing.`,
  },
  registration_verify: {
    subject: 'Please confirm your address for {{companyName}}',
    body: `Dear {{name}},

the registration of {{companyName}} still waits for you to confirm this e-mail address. This new link does it:

{{link}}`,
  },
  registration_waiting: {
    subject: 'A registration waits: {{companyName}}',
    body: `Dear {{name}},

{{companyName}} has registered and waits for your decision (registration {{registrationId}}).`,
  },
  registration_overdue: {
    subject: 'A registration is overdue: {{companyName}}',
    body: `Dear {{name}},

the registration of {{companyName}} should have been decided by now (registration {{registrationId}}). You are told every day until it is.`,
  },
  registration_rejected: {
    subject: 'Your registration of {{companyName}}',
    body: `Dear {{name}},

we have not accepted the registration of {{companyName}}, for this reason: {{reason}}

The domain is free again, and you can register anew.`,
  },
  registration_expired: {
    subject: 'Your registration of {{companyName}} has run out',
    body: `Dear {{name}},

the registration of {{companyName}} was not decided in time and has run out. The domain is free again, and you can register anew.`,
  },
  provisioning_failed: {
    subject: 'Setting up {{companyName}} failed',
    body: `Dear {{name}},

{{companyName}} was approved, but a step of setting it up failed for good: {{error}}

What was made is taken back. Remove the cause, then retry the registration {{registrationId}}.`,
  },
  company_ready: {
    subject: '{{companyName}} is ready',
    body: `Dear {{name}},

{{companyName}} is accepted and set up. Sign in with this e-mail address and the password of your registration, or set another one with this link, once:

{{link}}{{#if domain}}

Requests to {{domain}} are answered for {{companyName}} as soon as its DNS record leads to us.{{/if}}`,
  },
  activation_reminder: {
    subject: '{{companyName}} waits for your first sign-in',
    body: `Dear {{name}},

{{companyName}} is ready and nobody has signed in yet. Sign in with this e-mail address, or set a password first:

{{link}}`,
  },
  activation_link: {
    subject: 'A new link for {{companyName}}',
    body: `Dear {{name}},

nobody has signed in to {{companyName}} yet, and the link we sent has run out. This is a new one:

{{link}}`,
  },
  activation_stalled: {
    subject: 'Nobody signs in to {{companyName}}',
    body: `Dear {{name}},

{{companyName}} is ready, but its administrator has not signed in after four links (registration {{registrationId}}). Somebody should call.`,
  },
  company_activated: {
    subject: '{{companyName}} is in use',
    body: `Dear {{name}},

the administrator of {{companyName}} has signed in for the first time.`,
  },
  password_changed: {
    subject: 'Your password was changed',
    body: `Dear {{name}},

the password of your account with {{company}} was changed, and your other sessions were ended. If it was not you, ask for a new password at once.`,
  },
  subscription_confirmed: {
    subject: 'Your policy {{policyNumber}}',
    body: `Dear {{name}},

thank you for choosing {{planName}}. Policy {{policyNumber}} covers you up to {{coverageAmount}} {{currency}} from {{startDate}} until {{endDate}}; the premium is {{premium}} {{currency}}.

We will remind you well before the cover ends.`,
  },
  subscription_cancel_pending: {
    subject: 'Policy {{policyNumber}} ends on {{effectiveDate}}',
    body: `Dear {{name}},

as you wished, policy {{policyNumber}} ({{planName}}) is cancelled as of {{effectiveDate}}. You are covered until then.`,
  },
  subscription_cancelled: {
    subject: 'Policy {{policyNumber}} is cancelled',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) is cancelled. There is no cover from now on.`,
  },
  subscription_expired: {
    subject: 'Policy {{policyNumber}} has expired',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) ended on {{endDate}} and was not renewed. There is no cover from now on. Call us if you want to renew it.`,
  },
  subscription_expired_plan_gone: {
    subject: 'Policy {{policyNumber}} has expired',
    body: `Dear {{name}},

policy {{policyNumber}} ended on {{endDate}}. You had asked us to renew it, but {{planName}} is no longer offered, so there is no cover from now on. Please choose another plan.`,
  },
  // Messages queued before `oldCurrency` was told do not have it.
  subscription_renewed: {
    subject: 'Policy {{policyNumber}} is renewed until {{endDate}}',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) is renewed: the cover that was to end on {{oldEndDate}} now ends on {{endDate}}. The premium was {{oldPremium}} {{#if oldCurrency}}{{oldCurrency}}{{else}}{{currency}}{{/if}} and is {{premium}} {{currency}} for the new term.`,
  },
  renewal_reminder: {
    subject: 'Policy {{policyNumber}} ends on {{endDate}}',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) ends on {{endDate}}. Renew it to stay covered.`,
  },
  renewal_reminder_auto: {
    subject: 'Policy {{policyNumber}} renews by itself on {{endDate}}',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) renews by itself on {{endDate}}, at the price the plan has on that day. You need do nothing to stay covered; switch automatic renewal off before that day if you do not want it.`,
  },
  renewal_call: {
    subject: 'Call the holder of {{policyNumber}}',
    body: `Policy {{policyNumber}} ({{planName}}) ends on {{endDate}} and the holder has not answered.`,
  },
  renewal_digest: {
    subject: 'Renewals of the week: {{endingSoon}} to win, {{expired}} lost',
    body: `Dear {{name}},

in the coming 14 days {{endingSoon}} subscriptions of {{company}} end that nobody has renewed. In the past week {{expired}} expired without renewal; they can still be renewed late.`,
  },
  email_change: {
    subject: 'Confirm your new e-mail address',
    body: `Dear {{name}},

somebody, probably you, asked to sign in with this e-mail address from now on. This link confirms it, once and within an hour:

{{link}}

If it was not you, you need do nothing.`,
  },
  email_change_notice: {
    subject: 'Your e-mail address is to be changed',
    body: `Dear {{name}},

somebody who knows your password asked to give your account another e-mail address; it is changed as soon as the new address is confirmed. If it was not you, change your password at once.`,
  },
  invitation: {
    subject: 'You are invited to {{company}}',
    body: `Dear {{name}},

{{company}} invites you to work with it here. Accept with this link, once and within 7 days:

{{link}}

If you do not know why, you need do nothing.`,
  },
  account_created: {
    subject: 'Your account with {{company}}',
    body: `Dear {{name}},

{{company}} has made an account for you. Choose your password with this link, once and within 7 days; then sign in with this e-mail address:

{{link}}`,
  },
  membership_granted: {
    subject: 'You now belong to {{company}}',
    body: `Dear {{name}},

{{company}} has added you to its people. Sign in with this e-mail address and the password you have.`,
  },
  delivery_failed: {
    subject: 'A message could not be delivered',
    body: `The message {{template}} ({{notificationId}}) was tried five times within a day and given up.`,
  },
};

const compile = (template: string): Handlebars.TemplateDelegate =>
  Handlebars.compile(template, { strict: true, noEscape: true });

const compiled = new Map(
  Object.entries(texts).map(([code, { subject, body }]) => [
    code,
    { subject: compile(subject), body: compile(body) },
  ]),
);

/** Subject, text and HTML of one message. A value the template needs and does not get is a bug. */
export function render(
  code: TemplateCode,
  values: Readonly<Record<string, unknown>>,
): { readonly subject: string; readonly text: string; readonly html: string } {
  const template = compiled.get(code);
  if (!template) throw new Error(`There is no template ${code}`);
  const text = template.body(values);
  return { subject: oneLine(template.subject(values)), text, html: asHtml(text) };
}

/** A name with a line break must not add a header. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const asHtml = (text: string): string => {
  const paragraphs = text
    .split('\n\n')
    .map((paragraph) => `<p>${Handlebars.escapeExpression(paragraph.trim())}</p>`);
  return `<!doctype html><html lang="en"><body style="font-family:sans-serif;max-width:40em">${paragraphs.join('\n')}</body></html>`;
};
