import type { ReserveView } from '../../commands/claimReserves.ts';

export const presentReserve = (reserve: ReserveView) => ({
  id: reserve.id,
  claim_id: reserve.claimId,
  category: reserve.category,
  amount: reserve.amount,
  currency: reserve.currency,
  reason: reserve.reason,
  is_current: reserve.isCurrent,
  created_by: reserve.createdBy,
  created_at: reserve.createdAt.toISOString(),
});
