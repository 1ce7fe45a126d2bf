import type { Sequelize } from 'sequelize';
import { Acknowledgement } from './Acknowledgement.ts';
import { AcknowledgementHistory } from './AcknowledgementHistory.ts';
import { Alert } from './Alert.ts';
import { AlertRule } from './AlertRule.ts';
import { ApiKey } from './ApiKey.ts';
import { ApprovalStep } from './ApprovalStep.ts';
import { AuditLog } from './AuditLog.ts';
import { Booking } from './Booking.ts';
import { BulkItem } from './BulkItem.ts';
import { BulkOperation } from './BulkOperation.ts';
import { Calendar } from './Calendar.ts';
import { Campaign } from './Campaign.ts';
import { Claim } from './Claim.ts';
import { ClaimAssignment } from './ClaimAssignment.ts';
import { ClaimLocation } from './ClaimLocation.ts';
import { ClaimNote } from './ClaimNote.ts';
import { ClaimRecovery } from './ClaimRecovery.ts';
import { ClaimReserve } from './ClaimReserve.ts';
import { Company } from './Company.ts';
import { Compliance } from './Compliance.ts';
import { CompliancePolicy } from './CompliancePolicy.ts';
import { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';
import { Credential } from './Credential.ts';
import { Customer } from './Customer.ts';
import { CustomerCompliance } from './CustomerCompliance.ts';
import { DocumentRequest } from './DocumentRequest.ts';
import { Document } from './Document.ts';
import { Domain } from './Domain.ts';
import { EmailChange } from './EmailChange.ts';
import { Employee } from './Employee.ts';
import { EvidencePack } from './EvidencePack.ts';
import { Exemption } from './Exemption.ts';
import { FraudFlag } from './FraudFlag.ts';
import { IdempotencyKey } from './IdempotencyKey.ts';
import { InsurancePlan } from './InsurancePlan.ts';
import { Invitation } from './Invitation.ts';
import { LedgerEntry } from './LedgerEntry.ts';
import { Membership } from './Membership.ts';
import { Notification } from './Notification.ts';
import { NotificationPreference } from './NotificationPreference.ts';
import { NotificationTemplate } from './NotificationTemplate.ts';
import { OutboxEntry } from './OutboxEntry.ts';
import { PasswordResetToken } from './PasswordResetToken.ts';
import { Payment } from './Payment.ts';
import { PaymentEvent } from './PaymentEvent.ts';
import { Policy } from './Policy.ts';
import { PolicyConfiguration } from './PolicyConfiguration.ts';
import { PolicySubscription } from './PolicySubscription.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';
import { Property } from './Property.ts';
import { PropertyCategory } from './PropertyCategory.ts';
import { RefreshToken } from './RefreshToken.ts';
import { RegistrationRequest } from './RegistrationRequest.ts';
import { Report } from './Report.ts';
import { Reservation } from './Reservation.ts';
import { Review } from './Review.ts';
import { SubscriptionTerm } from './SubscriptionTerm.ts';
import { Template } from './Template.ts';
import { Timer } from './Timer.ts';
import { Transition } from './Transition.ts';
import { User } from './User.ts';
import { WebhookDelivery } from './WebhookDelivery.ts';
import { WebhookEndpoint } from './WebhookEndpoint.ts';
import { WorkflowDrift } from './WorkflowDrift.ts';

const models = [
  Acknowledgement,
  AcknowledgementHistory,
  Alert,
  AlertRule,
  ApiKey,
  ApprovalStep,
  AuditLog,
  Booking,
  BulkItem,
  BulkOperation,
  Calendar,
  Campaign,
  Claim,
  ClaimAssignment,
  ClaimLocation,
  ClaimNote,
  ClaimRecovery,
  ClaimReserve,
  Company,
  Compliance,
  CompliancePolicy,
  CompliancePolicyVersion,
  Credential,
  Customer,
  CustomerCompliance,
  DocumentRequest,
  Document,
  Domain,
  EmailChange,
  Employee,
  EvidencePack,
  Exemption,
  FraudFlag,
  IdempotencyKey,
  InsurancePlan,
  Invitation,
  LedgerEntry,
  Membership,
  Notification,
  NotificationPreference,
  NotificationTemplate,
  OutboxEntry,
  PasswordResetToken,
  Payment,
  PaymentEvent,
  Policy,
  PolicyConfiguration,
  PolicySubscription,
  PremiumInvoice,
  Property,
  PropertyCategory,
  RefreshToken,
  RegistrationRequest,
  Report,
  Reservation,
  Review,
  SubscriptionTerm,
  Template,
  Timer,
  Transition,
  User,
  WebhookDelivery,
  WebhookEndpoint,
  WorkflowDrift,
];

/** For `openDatabase`. A new model is named here. */
export const defineModels = (sequelize: Sequelize): void => {
  for (const model of models) model.define(sequelize);
};
