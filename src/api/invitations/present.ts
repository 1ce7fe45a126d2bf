import type { Invitations } from '../../commands/invitations.ts';

type InvitationRow = Awaited<ReturnType<Invitations['resend']>>;

export const presentInvitation = (invitation: InvitationRow) => ({
  id: invitation.id,
  email: invitation.email,
  role: invitation.role,
  status: invitation.status,
  expires_at: invitation.expiresAt.toISOString(),
  resent_count: invitation.resentCount,
  accepted_by: invitation.acceptedBy ?? null,
  created_at: invitation.createdAt.toISOString(),
  updated_at: invitation.updatedAt.toISOString(),
  version: invitation.version,
});
