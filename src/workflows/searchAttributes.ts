import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributePair,
} from '@temporalio/common';

/** What runs can be filtered by in the Temporal UI; registered at the worker's start. No names, no texts. */
export const attribute = {
  companyId: defineSearchAttributeKey('CompanyId', SearchAttributeType.KEYWORD),
  entityType: defineSearchAttributeKey('EntityType', SearchAttributeType.KEYWORD),
  entityId: defineSearchAttributeKey('EntityId', SearchAttributeType.KEYWORD),
  entityStatus: defineSearchAttributeKey('EntityStatus', SearchAttributeType.KEYWORD),
  assignee: defineSearchAttributeKey('Assignee', SearchAttributeType.KEYWORD),
  campaignId: defineSearchAttributeKey('CampaignId', SearchAttributeType.KEYWORD),
  dueAt: defineSearchAttributeKey('DueAt', SearchAttributeType.DATETIME),
  expiresAt: defineSearchAttributeKey('ExpiresAt', SearchAttributeType.DATETIME),
  needsAttention: defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL),
  escalated: defineSearchAttributeKey('Escalated', SearchAttributeType.BOOL),
  stateVersion: defineSearchAttributeKey('StateVersion', SearchAttributeType.INT),
} as const;

/** Whose run it is, and what it stands for. */
export const attributesOf = (
  companyId: string,
  entityType: string,
  entityId: string,
): SearchAttributePair[] => [
  { key: attribute.companyId, value: companyId },
  { key: attribute.entityType, value: entityType },
  { key: attribute.entityId, value: entityId },
];

/** Turns the outbox's plain values (instants as epoch milliseconds) into typed pairs. */
export const searchAttributePairs = (
  values: Readonly<Record<string, string | number | boolean>>,
): SearchAttributePair[] =>
  Object.values(attribute).flatMap((key): SearchAttributePair[] => {
    const value = values[key.name];
    if (value === undefined) return [];
    if (key.type === 'DATETIME') return [{ key, value: new Date(Number(value)) }];
    if (key.type === 'BOOL') return [{ key, value: Boolean(value) }];
    if (key.type === 'INT') return [{ key, value: Number(value) }];
    return [{ key, value: String(value) }];
  });
