import { listQuery } from '../listQuery.ts';
import { boolean, id, instant, integer, nullable, object, optional, text } from '../schema.ts';

const note = text(10_000).description('Plain text; `@username` tells a colleague');
const isInternal = optional(
  boolean().description(
    'Among colleagues, and so unless told; holders of the policy neither see nor write such notes',
  ),
);
const version = integer(1, 2_147_483_647);

export const notePath = object({ id: id() });

export const addNoteBody = object({ note, is_internal: isInternal }).id('AddNote');
export const replaceNoteBody = object({
  note,
  is_internal: isInternal.description('Left out, it stays as it is'),
  version: optional(version),
});

export const notesQuery = listQuery({
  filters: { is_internal: boolean() },
  sorts: ['created_at'],
  defaultSort: '-created_at',
  takes: ['search', 'created_after', 'created_before'],
});

export const noteAnswer = object({
  id: id(),
  claim_id: id(),
  author_id: nullable(id()),
  author_name: nullable(text(400)),
  note: text(10_000),
  is_internal: boolean(),
  created_at: instant(),
  edited_at: nullable(instant()),
  version,
}).id('ClaimNote');

export const noteExample = {
  id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  claim_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  author_id: '01998e3a-4a00-7b11-8c22-0d33e44f55a6',
  author_name: 'Ada Lovelace',
  note: 'The expert comes on Monday. @grace, please open the garage.',
  is_internal: true,
  created_at: '2026-01-31T09:30:00.000Z',
  edited_at: null,
  version: 1,
} as const;
