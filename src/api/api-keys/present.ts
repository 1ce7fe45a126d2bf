import type { KeyView, NewKey } from '../../commands/apiKeys.ts';

export const presentKey = (key: KeyView) => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  scopes: [...key.scopes],
  expires_at: key.expiresAt.toISOString(),
  last_used_at: key.lastUsedAt?.toISOString() ?? null,
  revoked_at: key.revokedAt?.toISOString() ?? null,
  replaces_id: key.replacesId ?? null,
  created_at: key.createdAt.toISOString(),
  created_by: key.createdBy ?? null,
});

export const presentNewKey = (made: NewKey) => ({ ...presentKey(made), key: made.key });
