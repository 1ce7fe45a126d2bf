import type { RecoveryView } from '../../commands/claimRecoveries.ts';

export const presentRecovery = (recovery: RecoveryView) => ({
  id: recovery.id,
  claim_id: recovery.claimId,
  kind: recovery.kind,
  party: recovery.party,
  estimated: recovery.estimated,
  recovered: recovery.recovered,
  currency: recovery.currency,
  status: recovery.status,
  created_by: recovery.createdBy,
  created_at: recovery.createdAt.toISOString(),
  updated_at: recovery.updatedAt.toISOString(),
  version: recovery.version,
});
