import type { FlagInForce } from '../../rules/featureFlags.ts';

export const presentFlag = ({ flag, enabled, source, gates }: FlagInForce) => ({
  flag,
  enabled,
  source,
  gates,
});
