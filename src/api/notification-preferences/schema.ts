import { mandatoryReasons, templateCodes } from '../../rules/notices.ts';
import { array, boolean, integer, nullable, object, oneOf, optional } from '../schema.ts';

const choice = {
  event: oneOf(...templateCodes),
  email: boolean().description('Told by e-mail'),
  in_app: boolean().description('Told in the application'),
};

export const replacePreferencesBody = object({
  preferences: array(object(choice), { max: templateCodes.length }).description(
    'Events that are left out are told by both channels',
  ),
  version: optional(integer(0, 2_147_483_647)),
}).id('ReplaceNotificationPreferences');

export const preferencesAnswer = object({
  preferences: array(
    object({
      ...choice,
      mandatory: nullable(oneOf(...mandatoryReasons)).description(
        'Why it cannot be muted: the account, that is who may sign in and how; security, that is ' +
          'what endangers data; money that is owed or could not be paid; a deadline that binds; the ' +
          'contract, that is what one is covered for or was granted; an escalation of what is overdue ' +
          'or has failed',
      ),
    }),
    { max: templateCodes.length },
  ),
  version: integer(0, 2_147_483_647).description('0: nothing was chosen yet'),
}).id('NotificationPreferences');

export const preferencesExample = {
  preferences: [
    { event: 'premium_due', email: true, in_app: true, mandatory: 'money' },
    { event: 'report_ready', email: false, in_app: true, mandatory: null },
  ],
  version: 1,
} as const;
