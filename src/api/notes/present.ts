import type { NoteView } from '../../commands/claimNotes.ts';

export const presentNote = (note: NoteView) => ({
  id: note.id,
  claim_id: note.claimId,
  author_id: note.authorId,
  author_name: note.authorName,
  note: note.note,
  is_internal: note.isInternal,
  created_at: note.createdAt.toISOString(),
  edited_at: note.editedAt?.toISOString() ?? null,
  version: note.version,
});
