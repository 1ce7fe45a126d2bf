import type { FraudFlag } from '../../models/FraudFlag.ts';

export const presentFlag = (flag: FraudFlag) => ({
  id: flag.id,
  claim_id: flag.claimId,
  rule: flag.rule,
  score: flag.score,
  evidence: flag.evidence,
  state: flag.state,
  reason: flag.reason ?? null,
  decided_by: flag.decidedBy ?? null,
  decided_at: flag.decidedAt?.toISOString() ?? null,
  created_by: flag.createdBy ?? null,
  created_at: flag.createdAt.toISOString(),
  version: flag.version,
});
