import Handlebars from 'handlebars';
import type { OwnTexts } from '../models/NotificationTemplate.ts';
import type { TemplateCode, Texts } from '../rules/notices.ts';
import { oneLine, plainText } from '../rules/plainText.ts';

/** A company's own words can make a link of the id, to wherever its people answer. */
const howToAnswer =
  'Sign in with this e-mail address to do so, or ask {{company}} to invite you; the request is {{acknowledgementId}}.';

/** Values come from the notification's payload, plus `name` (recipient), `company` and `link`. */
export const platformTexts: Readonly<Record<TemplateCode, Texts>> = {
  welcome: {
    subject: 'Welcome to {{company}}',
    body: `Dear {{name}},

your account with {{company}} is ready. Sign in with this e-mail address.`,
  },
  account_exists: {
    subject: 'Your account with {{company}}',
    body: `Dear {{name}},

somebody tried to register with this e-mail address. You already have an account with us, and nothing was changed. If it was you, sign in, or ask {{company}} to invite you if you do not belong to it yet; if not, you need do nothing.`,
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

thank you for registering {{companyName}} with us. Please confirm this e-mail address with this link; when it has run out we send another one:

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

Requests to {{domain}} are answered for {{companyName}} as soon as its DNS record leads to us.{{/if}}{{#if isWithoutPhone}}

The phone number of your registration could not be taken over; you can enter one once you have signed in.{{/if}}`,
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

policy {{policyNumber}} ({{planName}}) is cancelled. There is no cover from now on.{{#if refundAmount}} You get {{refundAmount}} {{currency}} back.{{/if}}`,
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
  subscription_endorsed: {
    subject: 'Policy {{policyNumber}} is changed as of {{effectiveDate}}',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) is changed as of {{effectiveDate}}. The cover was {{oldCoverageAmount}} {{currency}} and is {{coverageAmount}} {{currency}}; the premium of a whole term was {{oldPremium}} {{currency}} and is {{premium}} {{currency}}. For the rest of this term the difference is {{delta}} {{currency}}.`,
  },
  premium_due: {
    subject: 'Your premium for policy {{policyNumber}}',
    body: `Dear {{name}},

the premium for policy {{policyNumber}} ({{planName}}) is {{amount}} {{currency}}, due by {{dueDate}}. We collect it now and write to you when it has arrived.`,
  },
  premium_due_moved: {
    subject: 'Another day for the premium for policy {{policyNumber}}',
    body: `Dear {{name}},

the premium for policy {{policyNumber}} ({{planName}}), {{amount}} {{currency}}, is now due by {{dueDate}}.`,
  },
  subscription_not_taken_up: {
    subject: 'Policy {{policyNumber}} has not begun',
    body: `Dear {{name}},

the premium for policy {{policyNumber}} ({{planName}}) did not arrive in time. The policy has not begun, there is no cover, and you owe nothing.`,
  },
  subscription_grace: {
    subject: 'The premium for policy {{policyNumber}} is overdue',
    body: `Dear {{name}},

{{amount}} {{currency}} for policy {{policyNumber}} ({{planName}}) have not arrived. You are covered until {{graceEndsOn}}; please pay before that day, or the cover ends.`,
  },
  grace_reminder: {
    subject: 'The cover of policy {{policyNumber}} ends on {{graceEndsOn}}',
    body: `Dear {{name}},

{{amount}} {{currency}} for policy {{policyNumber}} ({{planName}}) are still overdue. Without them the cover ends on {{graceEndsOn}}.`,
  },
  subscription_lapsed: {
    subject: 'Policy {{policyNumber}} has lapsed',
    body: `Dear {{name}},

the premium for policy {{policyNumber}} ({{planName}}) was not paid, so there is no cover from {{coverEndedOn}} on. You can have it reinstated until {{reinstateUntil}}.`,
  },
  subscription_reinstated: {
    subject: 'Policy {{policyNumber}} covers you again',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) covers you again from {{coverFrom}} until {{endDate}}. What happened from {{coverEndedOn}} until then is not covered.`,
  },
  premium_unpaid: {
    subject: 'Please call: a premium for {{policyNumber}} could not be collected',
    body: `Dear {{name}},

{{amount}} {{currency}} for policy {{policyNumber}} could not be collected, and no further try is made by itself. Please call the holder.`,
  },
  premium_overdue: {
    subject: 'A premium for {{policyNumber}} is overdue',
    body: `Dear {{name}},

{{amount}} {{currency}} for policy {{policyNumber}} are overdue. The grace has begun.`,
  },
  premium_not_taken_up: {
    subject: 'Policy {{policyNumber}} has not begun',
    body: `Dear {{name}},

{{amount}} {{currency}} for policy {{policyNumber}} did not arrive in time. The policy has not begun, and nothing is owed for it.`,
  },
  renewal_offer: {
    subject:
      'Stay covered: policy {{policyNumber}} until {{newEndDate}} for {{newPremium}} {{newCurrency}}',
    body: `Dear {{name}},

policy {{policyNumber}} ({{planName}}) ends on {{endDate}}. Renewed, it covers {{newCoverageAmount}} {{newCurrency}} until {{newEndDate}}, for {{newPremium}} {{newCurrency}} at the price of today. Renew it before it ends to stay covered.`,
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
    subject:
      'Renewals of the week: {{endingSoon}} to win, {{expired}} lost{{#if overdueClaims}}; {{overdueClaims}} claims overdue{{/if}}',
    body: `Dear {{name}},

in the coming 14 days {{endingSoon}} subscriptions of {{company}} end that nobody has renewed. In the past week {{expired}} expired without renewal; they can still be renewed late.{{#if inGrace}}

The premium of {{inGrace}} is overdue; they are covered until their grace ends.{{/if}}{{#if lapsed}}

{{lapsed}} have lapsed because the premium did not come; they can still be reinstated.{{/if}}{{#if overdueClaims}}

A deadline of {{overdueClaims}} claims was missed so long ago that administrators were told, and nobody has done yet what it asks for.{{/if}}`,
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
  address_unconfirmed: {
    subject: 'Confirm your address for {{company}}',
    body: `Dear {{name}},

{{company}} wants to give your account a role among its people. Before that, please show that this e-mail address is yours: set a password with this link, once and within 7 days. The password that the account has now stops working then, and whoever is signed in is signed out.

{{link}}

If you do not know of such an account, somebody else may have made it with your address. The link makes it yours.`,
  },
  membership_granted: {
    subject: 'You now belong to {{company}}',
    body: `Dear {{name}},

{{company}} has added you to its people. Sign in with this e-mail address and the password you have.`,
  },
  report_ready: {
    subject: 'Your report "{{reportName}}" is ready',
    body: `Dear {{name}},

the report "{{reportName}}" has been generated. It waits for you among the reports of {{company}}.`,
  },
  report_failed: {
    subject: 'Your report "{{reportName}}" could not be generated',
    body: `Dear {{name}},

the report "{{reportName}}" could not be generated: {{error}}{{#if hasOlderData}}

What was generated before is still there.{{/if}}`,
  },
  document_infected: {
    subject: 'A file was stopped: {{fileName}}',
    body: `The file {{fileName}} holds malicious software and is kept from everybody (document {{documentId}}). Please check the computer it came from, and upload a clean copy if it is needed.`,
  },
  document_added: {
    subject: 'New document for claim {{claimNumber}}',
    body: `{{fileName}} was added to claim {{claimNumber}}.`,
  },
  note_mention: {
    subject: 'You are mentioned in a note on claim {{claimNumber}}',
    body: `A colleague mentions you in a note on claim {{claimNumber}}.`,
  },
  fraud_suspected: {
    subject: 'Claim {{claimNumber}} may be fraud',
    body: `The fraud flags of claim {{claimNumber}} weigh so much that it cannot be approved. Please look at them, and clear or confirm each.`,
  },
  delivery_failed: {
    subject: 'A message could not be delivered',
    body: `The message {{template}} ({{notificationId}}) was tried five times within a day and given up.`,
  },
  webhook_failed: {
    subject: 'A webhook to {{host}} could not be delivered',
    body: `Dear {{name}},

{{host}} did not take what we told it of within three days, for the first time today. What could not be delivered stands in the log of the webhook endpoint {{endpointId}}, and can be sent again from there.`,
  },
  webhook_gone: {
    subject: 'The webhook endpoint at {{host}} was switched off',
    body: `Dear {{name}},

{{host}} answered that it is gone for good, so the webhook endpoint {{endpointId}} was switched off. Nothing is told to it until somebody switches it on again.`,
  },
  alert_raised: {
    subject: 'Alert: {{what}}',
    body: `Dear {{name}},

this needs somebody at {{company}} to look at it: {{what}} ({{kind}}, {{count}} in all).

{{subjects}}{{#if hasMore}}

There are more than are named here.{{/if}}

The list of alerts tells since when, and that somebody looks after one can be noted there. Nobody is told again while it lasts, and it is resolved by itself once it is over.`,
  },
  notification_digest: {
    subject: '{{company}}: {{count}} messages of the day',
    body: `Dear {{name}},

this is what has come up for you at {{company}} and could wait:

{{messages}}`,
  },
  claim_received: {
    subject: 'We have your claim {{claimNumber}}',
    body: `Dear {{name}},

thank you for reporting what happened on {{incidentDate}} under policy {{policyNumber}}. Your claim has the number {{claimNumber}}; please name it whenever you write to us.

Next, one of our adjusters is given your claim, by {{dueDate}} at the latest, and you hear from us.`,
  },
  claim_in_hands: {
    subject: 'Somebody looks after your claim {{claimNumber}}',
    body: `Dear {{name}},

your claim {{claimNumber}} is now with one of our adjusters, who reads what you reported and writes to you if something is missing.`,
  },
  claim_documents_wanted: {
    subject: 'We need documents for claim {{claimNumber}}',
    body: `Dear {{name}},

to decide your claim {{claimNumber}} we need from you: {{items}}

Please send this by {{dueDate}}. The time until it is here does not count against our own deadline.`,
  },
  claim_documents_reminder: {
    subject: 'We still need documents for claim {{claimNumber}}',
    body: `Dear {{name}},

for your claim {{claimNumber}} we still wait for: {{items}}

Please send this by {{dueDate}}.`,
  },
  claim_documents_final: {
    subject: 'Last call for documents of claim {{claimNumber}}',
    body: `Dear {{name}},

for your claim {{claimNumber}} we have not received: {{items}}

If it is not here by {{finalDate}}, we decide the claim with what we have.`,
  },
  claim_status_letter: {
    subject: 'Your claim {{claimNumber}} is still being investigated',
    body: `Dear {{name}},

we are still investigating your claim {{claimNumber}}. There is nothing you need to do. We write to you as soon as it is decided{{#if nextLetterDate}}, and otherwise on {{nextLetterDate}}{{/if}}.`,
  },
  claim_decision_extended: {
    subject: 'Your claim {{claimNumber}} needs more time',
    body: `Dear {{name}},

we need more time to decide your claim {{claimNumber}}, for this reason: {{reason}}

You hear from us by {{dueDate}} at the latest. There is nothing you need to do.`,
  },
  claim_days_moved: {
    subject: 'There is another date for your claim {{claimNumber}}',
    body: `Dear {{name}},

for your claim {{claimNumber}} we had told you another date.{{#if assignedBy}} It is given to one of our adjusters by {{assignedBy}} at the latest.{{/if}}{{#if dueDate}} Please send the documents that we asked for by {{dueDate}}.{{/if}}{{#if finalDate}} If the documents are not here by {{finalDate}}, we decide it with what we have.{{/if}}{{#if decisionBy}} We decide it by {{decisionBy}} at the latest.{{/if}}{{#if nextLetterDate}} You hear from us by {{nextLetterDate}}, also if it is not decided by then.{{/if}}{{#if appealUntil}} You have the right to appeal against our decision until {{appealUntil}}.{{/if}}`,
  },
  claim_approved: {
    subject: 'Your claim {{claimNumber}} is approved',
    body: `Dear {{name}},

we have approved {{amount}} {{currency}} for your claim {{claimNumber}}. The payment follows.{{#if claimAmount}}

You had claimed {{claimAmount}} {{currency}}. If you do not agree with what we approved, write to us and say why.{{/if}}`,
  },
  claim_denied: {
    subject: 'Your claim {{claimNumber}} is denied',
    body: `Dear {{name}},

we cannot pay for your claim {{claimNumber}}{{#if ground}} ({{ground}}){{/if}}, for this reason: {{reason}}

If you do not agree, you have the right to appeal{{#if appealUntil}} until {{appealUntil}}{{/if}}: write to us, or appeal where you see your claim, and say why. Somebody else then looks at it again.`,
  },
  claim_paid: {
    subject: 'Your claim {{claimNumber}} is paid',
    body: `Dear {{name}},

{{amount}} {{currency}} for your claim {{claimNumber}} are on their way to you.`,
  },
  claim_closed: {
    subject: 'Your claim {{claimNumber}} is closed',
    body: `Dear {{name}},

your claim {{claimNumber}} is closed ({{outcome}}).{{#if isCompleted}} How did we do? Answer this mail and tell us.{{/if}}`,
  },
  claim_reported: {
    subject: 'A claim was reported: {{claimNumber}}',
    body: `Dear {{name}},

claim {{claimNumber}} under policy {{policyNumber}} was reported and waits to be assigned.`,
  },
  claim_assigned: {
    subject: 'Claim {{claimNumber}} is yours',
    body: `Dear {{name}},

claim {{claimNumber}} under policy {{policyNumber}} was given to you. Please begin with the review.`,
  },
  claim_due_soon: {
    subject: 'Claim {{claimNumber}}: {{deadline}} is due soon',
    body: `Dear {{name}},

the deadline "{{deadline}}" of claim {{claimNumber}} will soon have passed.`,
  },
  claim_overdue: {
    subject: 'Claim {{claimNumber}}: {{deadline}} is overdue',
    body: `Dear {{name}},

the deadline "{{deadline}}" of claim {{claimNumber}} has passed. Somebody has to act now; the claim can also be given to somebody else.`,
  },
  claim_approval_overdue: {
    subject: 'Claim {{claimNumber}}: approval is overdue',
    body: `Dear {{name}},

claim {{claimNumber}} still waits for its decision, and the time for it has passed.{{#if delegates}} {{delegates}} of your colleagues may decide it too: you can hand it to one of them in one step.{{else}} Nobody else may decide it at present.{{/if}}`,
  },
  claim_approval_wanted: {
    subject: 'Claim {{claimNumber}} waits for your approval',
    body: `Dear {{name}},

{{amount}} {{currency}} are proposed for claim {{claimNumber}}. Please approve, deny or return it.`,
  },
  claim_returned: {
    subject: 'Claim {{claimNumber}} came back to you',
    body: `Dear {{name}},

the proposal for claim {{claimNumber}} was returned, for this reason: {{reason}}`,
  },
  claim_appealed: {
    subject: 'Claim {{claimNumber}}: the denial is appealed',
    body: `Dear {{name}},

the claimant does not accept the denial of claim {{claimNumber}}. Please give it to somebody else than before.`,
  },
  claim_withdrawn: {
    subject: 'Claim {{claimNumber}} is withdrawn',
    body: `Dear {{name}},

claim {{claimNumber}} was withdrawn; there is nothing left to do.`,
  },
  claim_documents_missing: {
    subject: 'Claim {{claimNumber}}: documents did not come',
    body: `Dear {{name}},

the documents for claim {{claimNumber}} did not come in time. The claimant has had a last call; you may also submit the claim as it is.`,
  },
  claim_unacknowledged: {
    subject: 'Claim {{claimNumber}} was never acknowledged',
    body: `Dear {{name}},

the claimant of claim {{claimNumber}} should have heard from us by now, but our mail was not delivered. Somebody should call.`,
  },
  claim_payment_failed: {
    subject: 'The payment of claim {{claimNumber}} failed',
    body: `Dear {{name}},

{{amount}} {{currency}} for claim {{claimNumber}} could not be paid ({{failureCode}}). Please start the payment again once the cause is removed.`,
  },
  claim_reopened: {
    subject: 'Your claim {{claimNumber}} is open again',
    body: `Dear {{name}},

we look at your claim {{claimNumber}} once more and write to you when it is decided.`,
  },
  compliance_policy_submitted: {
    subject: 'Please decide: {{title}} {{label}}',
    body: `Dear {{name}},

version {{label}} of "{{title}}" was submitted and waits for approval. {{#if several}}{{quorum}} people have to approve it. {{/if}}Please approve or reject it.`,
  },
  compliance_policy_reminder: {
    subject: '{{title}} {{label}} still waits for approval',
    body: `Dear {{name}},

version {{label}} of "{{title}}" has waited for approval since {{submittedOn}}. Please approve or reject it, or ask a colleague who may.`,
  },
  compliance_policy_overdue: {
    subject: 'The approval of {{title}} {{label}} is overdue',
    body: `Dear {{name}},

version {{label}} of "{{title}}" has waited for approval since {{submittedOn}}, and the time for it has passed. Somebody who had no part in it has to decide.`,
  },
  compliance_policy_approved: {
    subject: '{{title}} {{label}} is approved',
    body: `Dear {{name}},

version {{label}} of "{{title}}" is approved. It can be published now.`,
  },
  compliance_policy_rejected: {
    subject: '{{title}} {{label}} was rejected',
    body: `Dear {{name}},

version {{label}} of "{{title}}" was rejected, for this reason: {{reason}}

It is a draft again, and can be changed and submitted once more.`,
  },
  compliance_policy_published: {
    subject: '{{title}} {{label}} is published',
    body: `Dear {{name}},

version {{label}} of "{{title}}" is published and in force from now on. It will be reviewed on {{reviewDate}}.`,
  },
  acknowledgement_assigned: {
    subject: 'Please read: {{title}}, until {{dueDate}}',
    body: `Dear {{name}},

{{company}} asks you to read "{{title}}" and to confirm until {{dueDate}} that you have. ${howToAnswer}`,
  },
  acknowledgement_reminder: {
    subject: 'A reminder: {{title}}, until {{dueDate}}',
    body: `Dear {{name}},

"{{title}}" still waits for you. Please read it and confirm until {{dueDate}} that you have. ${howToAnswer}`,
  },
  acknowledgement_overdue: {
    subject: 'Overdue: {{title}}',
    body: `Dear {{name}},

you were asked to read "{{title}}" and to confirm it until {{dueDate}}. That day has passed. Please do it now; whoever is responsible for you is told as well. ${howToAnswer}`,
  },
  acknowledgement_alert: {
    subject: '{{title}}: {{count}} not confirmed in time',
    body: `Dear {{name}},

these people have not confirmed in time that they have read "{{title}}":

{{people}}{{#if others}}
and {{others}} more{{/if}}

{{next}}`,
  },
  compliance_digest: {
    subject: 'Compliance of the week: {{count}} not confirmed in time',
    body: `Dear {{name}},

people of {{company}} have not confirmed in time that they have read these documents ({{count}} in all):

{{policies}}{{#if others}}
and {{others}} more documents{{/if}}

You hear of it every week until nobody is late.`,
  },
  acknowledgement_withdrawn: {
    subject: 'You need not read it any more: {{title}}',
    body: `Dear {{name}},

{{company}} had asked you to read "{{title}}" until {{dueDate}}. That request is withdrawn, and you need not do anything.`,
  },
  acknowledgement_confirmed: {
    subject: 'You have confirmed: {{title}}',
    body: `Dear {{name}},

you have confirmed on {{answeredOn}} that you have read "{{title}}", version {{label}}. {{company}} keeps a certificate of it.`,
  },
  acknowledgement_declined: {
    subject: '{{title}}: somebody declined',
    body: `Dear {{name}},

{{employee}} has declined to confirm "{{title}}" and counts as not compliant. The reason given: {{reason}}`,
  },
  exemption_asked: {
    subject: '{{title}}: an exemption is asked for',
    body: `Dear {{name}},

{{employee}} asks to be exempted from "{{title}}" until {{validUntil}}. The reason given: {{reason}} Please decide.`,
  },
  exemption_decided: {
    subject: '{{title}}: your exemption was {{decision}}',
    body: `Dear {{name}},

your request to be exempted from "{{title}}" was {{decision}}.{{#if dueDate}} Please confirm until {{dueDate}} that you have read it.{{/if}}`,
  },
  compliance_policy_review_due: {
    subject: '{{title}}: review due on {{reviewDate}}',
    body: `Dear {{name}},

"{{title}}" is to be reviewed on {{reviewDate}}. Please publish a new version, or give it another date of review.`,
  },
  compliance_policy_update_available: {
    subject: 'A newer version of the template of {{title}}',
    body: `Dear {{name}},

the template that "{{title}}" follows has a new version, {{templateVersion}}. Accept the update to draft the next version of the document from it.`,
  },
  payment_received: {
    subject: 'We have received {{amount}} {{currency}}',
    body: `Dear {{name}},

thank you: your payment of {{amount}} {{currency}} to {{company}} ({{what}}) has arrived.`,
  },
  payment_sent: {
    subject: 'We have sent you {{amount}} {{currency}}',
    body: `Dear {{name}},

{{company}} has sent you {{amount}} {{currency}} ({{what}}). Depending on your bank it takes a few days to arrive.`,
  },
  refund_late: {
    subject: 'A refund of {{amount}} {{currency}} is late',
    body: `Dear {{name}},

a refund of {{amount}} {{currency}} has been declined for a day: {{failure}}. It is tried once more by itself; what it gives money back for stays as it was decided.`,
  },
  booking_placed: {
    subject: 'Please pay for your stay at {{propertyName}}',
    body: `Dear {{name}},

the nights from {{startDate}} to {{endDate}} at {{propertyName}} are held for you. Please pay {{amount}} {{currency}} by {{payBy}}; afterwards others can have them.`,
  },
  booking_request: {
    subject: 'Please confirm a stay at {{propertyName}}',
    body: `Dear {{name}},

somebody has booked and paid {{nights}} nights at {{propertyName}}, from {{startDate}} to {{endDate}}. Please confirm or decline the booking {{bookingId}}; without an answer it is cancelled by itself.`,
  },
  booking_request_reminder: {
    subject: 'A stay at {{propertyName}} still waits for you',
    body: `Dear {{name}},

the booking {{bookingId}} of {{propertyName}}, from {{startDate}} to {{endDate}}, still waits for your answer. It is cancelled soon if you do not confirm it.`,
  },
  booking_request_expired: {
    subject: 'The stay at {{propertyName}} was not confirmed',
    body: `Dear {{name}},

the booking {{bookingId}} of {{propertyName}}, from {{startDate}} to {{endDate}}, was not confirmed in time and is cancelled.{{#if refundAmount}} {{refundAmount}} {{currency}} go back to the guest.{{/if}}`,
  },
  booking_confirmed: {
    subject: 'Your stay at {{propertyName}} is confirmed',
    body: `Dear {{name}},

your stay at {{propertyName}}, {{address}}, is confirmed: {{nights}} nights from {{startDate}} (check-in from {{checkInTime}}) to {{endDate}}, {{amount}} {{currency}}, paid. Your booking is {{bookingId}}.`,
  },
  booking_confirmed_host: {
    subject: 'A stay at {{propertyName}} is confirmed',
    body: `Dear {{name}},

{{propertyName}} is booked and paid for {{nights}} nights from {{startDate}} to {{endDate}} (booking {{bookingId}}).`,
  },
  booking_declined: {
    subject: 'Your stay at {{propertyName}} was declined',
    body: `Dear {{name}},

the host cannot take your booking of {{propertyName}} from {{startDate}} to {{endDate}}.{{#if reason}} They wrote: {{reason}}.{{/if}}{{#if refundAmount}} {{refundAmount}} {{currency}} go back to you.{{/if}}`,
  },
  booking_hold_expired: {
    subject: 'The nights at {{propertyName}} are no longer held',
    body: `Dear {{name}},

your booking of {{propertyName}} from {{startDate}} to {{endDate}} was not paid in time and is cancelled. If a payment still arrives, you get the nights if they are free, and else the money back at once.`,
  },
  booking_revived: {
    subject: 'The nights at {{propertyName}} are held for you again',
    body: `Dear {{name}},

your payment of {{amount}} {{currency}} for {{propertyName}}, {{startDate}} to {{endDate}}, arrived after the booking had ended. The nights were still free, so it lives again: the host is asked now, and without their answer all of it goes back to you (booking {{bookingId}}).`,
  },
  booking_payment_late: {
    subject: 'Your payment for {{propertyName}} goes back',
    body: `Dear {{name}},

your payment of {{amount}} {{currency}} for {{propertyName}}, {{startDate}} to {{endDate}}, arrived after the booking had ended, and the stay could not be kept. All of it goes back to you.`,
  },
  booking_cancelled: {
    subject: 'The stay at {{propertyName}} is cancelled',
    body: `Dear {{name}},

the booking {{bookingId}} of {{propertyName}}, from {{startDate}} to {{endDate}}, is cancelled.{{#if reason}} The reason given: {{reason}}.{{/if}}{{#if refundAmount}} {{refundAmount}} {{currency}} go back to the guest.{{/if}}`,
  },
  booking_reminder: {
    subject: 'Your stay at {{propertyName}} begins on {{startDate}}',
    body: `Dear {{name}},

your stay at {{propertyName}}, {{address}}, begins on {{startDate}}; check-in is from {{checkInTime}}. Your booking is {{bookingId}}.`,
  },
  booking_completed: {
    subject: 'A stay at {{propertyName}} is over',
    body: `Dear {{name}},

the stay at {{propertyName}} from {{startDate}} to {{endDate}} is over. {{amount}} {{currency}} were paid for it and did not go back; your payout is due from that (booking {{bookingId}}).`,
  },
  review_invitation: {
    subject: 'How was your stay at {{propertyName}}?',
    body: `Dear {{name}},

your stay at {{propertyName}} from {{startDate}} to {{endDate}} is over. Tell others how it was: you can review it{{#if reviewUntil}} until {{reviewUntil}}{{/if}} (booking {{bookingId}}).`,
  },
  review_published: {
    subject: '{{propertyName}} has a new review',
    body: `Dear {{name}},

a guest has rated {{propertyName}} with {{rating}} of 5. You can reply where you see the review.`,
  },
  review_reply: {
    subject: 'A reply to your review of {{propertyName}}',
    body: `Dear {{name}},

the host of {{propertyName}} has replied to your review. You see the reply with it.`,
  },
  review_reported: {
    subject: 'A review of {{propertyName}} was reported',
    body: `Dear {{name}},

somebody has reported a review of {{propertyName}} ({{reviewId}}). Please look whether it stays.`,
  },
  booking_refund_stuck: {
    subject: 'A refund of a booking has not arrived',
    body: `Dear {{name}},

the refund of the booking {{bookingId}} of {{propertyName}} has not been completed in time. Please look at its payments.`,
  },
  payment_failed: {
    subject: 'A payment of {{amount}} {{currency}} failed',
    body: `Dear {{name}},

the payment of {{amount}} {{currency}} ({{what}}) could not be made: {{failure}}. No money has moved. {{company}} will tell how it goes on.`,
  },
};

const compiled = ({ subject, body }: Texts, options: Parameters<typeof Handlebars.compile>[1]) => ({
  subject: Handlebars.compile(subject, { noEscape: true, ...options }),
  body: Handlebars.compile(body, { noEscape: true, ...options }),
});

const platformWords = new Map(
  Object.entries(platformTexts).map(([code, texts]) => [code, compiled(texts, { strict: true })]),
);

/** Subject, text and HTML of one message. */
export type Render = (
  code: TemplateCode,
  values: Readonly<Record<string, unknown>>,
) => { readonly subject: string; readonly text: string; readonly html: string };

/**
 * The words of messages, the company's own where it has some. A value that the platform's template
 * needs and does not get is a bug; a company's leaves its place empty, for it may be older than the
 * message. What people typed is plain text in it, whoever queued the message.
 */
export function rendering(own: OwnTexts): Render {
  const ownWords = new Map([...own].map(([code, texts]) => [code, compiled(texts, {})]));
  return (code, values) => {
    const template = ownWords.get(code) ?? platformWords.get(code);
    if (!template) throw new Error(`There is no template ${code}`);
    const plain = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        typeof value === 'string' ? plainText(value) : value,
      ]),
    );
    const text = template.body(plain);
    // A name with a line break must not add a header.
    return { subject: oneLine(template.subject(plain)), text, html: asHtml(text) };
  };
}

/** The platform's own words. */
export const render: Render = rendering(new Map());

const asHtml = (text: string): string => {
  const paragraphs = text
    .split('\n\n')
    .map((paragraph) => `<p>${Handlebars.escapeExpression(paragraph.trim())}</p>`);
  return `<!doctype html><html lang="en"><body style="font-family:sans-serif;max-width:40em">${paragraphs.join('\n')}</body></html>`;
};
