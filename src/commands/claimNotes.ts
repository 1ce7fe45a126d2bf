import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Forbidden, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { ClaimNote } from '../models/ClaimNote.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import {
  containing,
  madeWithin,
  selectFirst,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { isHeld } from '../models/Membership.ts';
import { Notification } from '../models/Notification.ts';
import { archiveRow, editRow, getRow, noSuch } from '../models/rows.ts';
import { allows, may, roleCodes } from '../rules/permissions.ts';
import { mentionedNames, plainText } from '../rules/plainText.ts';
import { seenClaim } from './claimAccess.ts';
import type { ClaimView } from './claimViews.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface NoteWish {
  readonly note: string;
  /** Left out: staff write among colleagues, holders to the company; an edit leaves it as it is. */
  readonly isInternal?: boolean | undefined;
}

export interface NoteFilters extends ListAsked<keyof typeof sortColumns> {
  readonly isInternal?: boolean | undefined;
}

/** A note with the name of whoever wrote it; none of a key's. */
export type NoteView = Pick<
  ClaimNote,
  'id' | 'claimId' | 'authorId' | 'note' | 'isInternal' | 'createdAt' | 'version'
> & { readonly authorName: string | null; readonly editedAt: Date | null };

const sortColumns = { createdAt: 'n.created_at' } as const;

const columns = `n.id, n.claim_id AS "claimId", n.author_id AS "authorId", n.note,
  n.is_internal AS "isInternal", n.created_at AS "createdAt", n.edited_at AS "editedAt", n.version,
  COALESCE(NULLIF(btrim(u.first_name || ' ' || u.last_name), ''), u.username) AS "authorName"`;

const tables = 'claim_notes n LEFT JOIN platform.users u ON u.id = n.author_id';
const live: Condition = ['n.archived_at IS NULL'];

/**
 * What is written about a claim. Holders of the policy read and write what is meant for them; the rest
 * is among those who may read all claims. The audit tells that a text was written or changed and not
 * what it says, so that nothing of a person stays there.
 */
export const createClaimNotes = () => ({
  list: (actor: Actor, claimId: string, filters: NoteFilters) =>
    withTenant(actor.companyId, async () => {
      const seen = await seenClaim(actor, claimId);
      const { isInternal, search } = filters;
      return selectPage<NoteView>(
        columns,
        tables,
        [
          live,
          ['n.claim_id = $', claimId],
          ...(!seen.isInternal ? [['NOT n.is_internal'] as const] : []),
          ...(isInternal === undefined ? [] : [['n.is_internal = $', isInternal] as const]),
          ...(search ? [['n.note ILIKE $', containing(search)] as const] : []),
          ...madeWithin('n', filters),
        ],
        sortedBy(sortColumns, filters, 'n.id'),
      );
    }),

  get: (actor: Actor, id: string): Promise<NoteView> =>
    withTenant(actor.companyId, async () => {
      await readableNote(actor, id);
      return viewOf(id);
    }),

  /** @throws Forbidden when a holder writes an internal one */
  add: (actor: Actor, claimId: string, wish: NoteWish, once: Once): Promise<NoteView | Replay> =>
    rowsOnce(
      once,
      async () => {
        const seen = await seenClaim(actor, claimId);
        refuseReader(actor, seen);
        const isInternal = audienceOf(seen, wish.isInternal);
        const id = uuid();
        const note = cleaned(wish.note);
        append(ClaimNote, { id, claimId, authorId: actor.userId, note, isInternal });
        AuditLog.record('CREATE', about(id), { after: { claimId, isInternal } });
        await flush();
        if (seen.isInternal) await tellMentioned(actor, seen.claim, { id, note });
        return viewOf(id);
      },
      () => seenClaim(actor, claimId),
    ),

  /** @throws Forbidden for whoever neither wrote it nor manages claims */
  edit: (
    actor: Actor,
    id: string,
    wish: NoteWish,
    expectedVersion: number | undefined,
  ): Promise<NoteView> =>
    withTenant(actor.companyId, async () => {
      const { row, seen } = await ownNote(actor, id);
      const isInternal = audienceOf(seen, wish.isInternal ?? row.isInternal);
      const note = cleaned(wish.note);
      const isChanged = note !== row.note || isInternal !== row.isInternal;
      const editedAt = isChanged ? new Date() : (row.editedAt ?? null);
      const before = { isInternal: row.isInternal, editedAt: row.editedAt ?? null };
      await editRow(ClaimNote, row, { note, isInternal, editedAt }, expectedVersion, 'UPDATE', {
        before,
        after: { isInternal, editedAt },
      });
      if (seen.isInternal) await tellMentioned(actor, seen.claim, { id, note });
      return viewOf(id);
    }),

  /** Takes it out of sight; the row stays. */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<ClaimNote> =>
    withTenant(actor.companyId, async () => {
      const { row } = await ownNote(actor, id);
      return archiveRow(ClaimNote, row, expectedVersion);
    }),
});

export type ClaimNotes = ReturnType<typeof createClaimNotes>;

interface ReadNote {
  readonly row: ClaimNote;
  readonly seen: ClaimView;
}

/** @throws NotFound also for an internal one that the holder asks for */
async function readableNote(actor: Actor, id: string): Promise<ReadNote> {
  const row = await getRow(ClaimNote, id);
  const seen = await seenClaim(actor, row.claimId, about(id));
  if (!seen.isInternal && row.isInternal) throw noSuch(ClaimNote.entityType, id);
  return { row, seen };
}

async function ownNote(actor: Actor, id: string): Promise<ReadNote> {
  const found = await readableNote(actor, id);
  const isAuthor = found.row.authorId !== null && found.row.authorId === actor.userId;
  // Whoever manages claims does not touch what is written on their own.
  const mayManage = allows(actor, 'note:edit_any') && found.seen.isInternal;
  if (!isAuthor && !mayManage) {
    throw new Forbidden('Only its author, a claims manager or an administrator changes a note');
  }
  return found;
}

/** Auditors see claims and change nothing. */
function refuseReader(actor: Actor, seen: ClaimView): void {
  if (seen.isInternal && !allows(actor, 'note:write')) {
    throw new Forbidden('Your role does not write notes');
  }
}

function audienceOf(seen: ClaimView, isInternal = seen.isInternal): boolean {
  if (!seen.isInternal && isInternal)
    throw new Forbidden('An internal note is for colleagues to write');
  return isInternal;
}

function cleaned(written: string): string {
  const note = plainText(written);
  if (note === '') throw invalidField('note', 'has no text that anybody could read', 'REQUIRED');
  return note;
}

async function viewOf(id: string): Promise<NoteView> {
  const order = { by: 'n.id', id: 'n.id', order: 'asc', size: 1 } as const;
  const [row] = await selectFirst<NoteView>(columns, tables, [['n.id = $', id]], order);
  if (!row) throw noSuch(ClaimNote.entityType, id);
  return row;
}

const claimReaders = roleCodes.filter((role) => may([role], 'claim:read'));

/** Colleagues whom the text names and whom this note has not told yet. */
async function tellMentioned(
  { userId }: Actor,
  { id: claimId, claimNumber }: ClaimView['claim'],
  { id, note }: Pick<ClaimNote, 'id' | 'note'>,
): Promise<void> {
  const names = mentionedNames(note);
  if (names.length === 0) return;
  const key = `claim_note/${id}/mention`;
  const mentioned = await select<{ id: string }>(
    `SELECT DISTINCT u.id FROM platform.users u
       JOIN platform.memberships m ON m.user_id = u.id AND m.company_id = (SELECT app.company_id())
     WHERE lower(u.username) = ANY ($1) AND m.role = ANY ($2) AND ${isHeld('m')}
       AND u.is_active AND u.archived_at IS NULL AND u.id IS DISTINCT FROM $3::uuid
       AND NOT EXISTS (SELECT 1 FROM core.notifications n
         WHERE n.dedupe_key = $4 || '/in_app/' || u.id)`,
    [names, claimReaders, userId, key],
  );
  for (const person of mentioned) {
    Notification.queue({
      to: { channel: 'in_app', userId: person.id },
      template: 'note_mention',
      payload: { claimNumber, claimId, noteId: id },
      key,
      about: { type: 'claim', id: claimId },
    });
  }
}

const about = (id: string) => ({ type: ClaimNote.entityType, id });
