import {
  acknowledgementBounds,
  acknowledgementDefaults,
  type AcknowledgementSettings,
} from './acknowledgements.ts';
import type { Bounds } from './bounds.ts';

/** What holds for documents that people must read; `Bd` counts business days. */
export interface ComplianceSettings extends AcknowledgementSettings {
  readonly approvalReminderBd: number;
  readonly approvalEscalateBd: number;
  /** So many have to approve. */
  readonly approvalQuorum: number;
  readonly reviewDays: number;
  readonly reviewReminderDays: readonly number[];
}

export const complianceDefaults: ComplianceSettings = {
  approvalReminderBd: 2,
  approvalEscalateBd: 5,
  approvalQuorum: 1,
  reviewDays: 365,
  reviewReminderDays: [30, 7, 0],
  ...acknowledgementDefaults,
};

export const complianceBounds: Readonly<Record<keyof ComplianceSettings, Bounds>> = {
  approvalReminderBd: { kind: 'whole', min: 1, max: 10 },
  approvalEscalateBd: { kind: 'whole', min: 1, max: 30 },
  approvalQuorum: { kind: 'whole', min: 1, max: 5 },
  reviewDays: { kind: 'whole', min: 30, max: 1095 },
  reviewReminderDays: { kind: 'list', min: 0, max: 365 },
  ...acknowledgementBounds,
};

/** What holds, given what the company has set. */
export const complianceSettings = (
  set: Partial<ComplianceSettings> | undefined,
): ComplianceSettings => ({ ...complianceDefaults, ...set });
