import type { Sequelize } from 'sequelize';
import { ApiKey } from './ApiKey.ts';
import { AuditLog } from './AuditLog.ts';
import { Calendar } from './Calendar.ts';
import { Company } from './Company.ts';
import { Credential } from './Credential.ts';
import { Customer } from './Customer.ts';
import { Domain } from './Domain.ts';
import { EmailChange } from './EmailChange.ts';
import { IdempotencyKey } from './IdempotencyKey.ts';
import { InsurancePlan } from './InsurancePlan.ts';
import { Invitation } from './Invitation.ts';
import { Membership } from './Membership.ts';
import { Notification } from './Notification.ts';
import { OutboxEntry } from './OutboxEntry.ts';
import { PasswordResetToken } from './PasswordResetToken.ts';
import { Policy } from './Policy.ts';
import { PolicySubscription } from './PolicySubscription.ts';
import { PropertyCategory } from './PropertyCategory.ts';
import { RefreshToken } from './RefreshToken.ts';
import { RegistrationRequest } from './RegistrationRequest.ts';
import { SubscriptionTerm } from './SubscriptionTerm.ts';
import { Timer } from './Timer.ts';
import { Transition } from './Transition.ts';
import { User } from './User.ts';

const models = [
  ApiKey,
  AuditLog,
  Calendar,
  Company,
  Credential,
  Customer,
  Domain,
  EmailChange,
  IdempotencyKey,
  InsurancePlan,
  Invitation,
  Membership,
  Notification,
  OutboxEntry,
  PasswordResetToken,
  Policy,
  PolicySubscription,
  PropertyCategory,
  RefreshToken,
  RegistrationRequest,
  SubscriptionTerm,
  Timer,
  Transition,
  User,
];

/** For `openDatabase`. A new model is named here. */
export const defineModels = (sequelize: Sequelize): void => {
  for (const model of models) model.define(sequelize);
};
