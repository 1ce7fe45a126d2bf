import type { ClaimNotes } from '../../commands/claimNotes.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentNote } from './present.ts';
import {
  addNoteBody,
  noteAnswer,
  noteExample,
  notePath,
  notesQuery,
  replaceNoteBody,
} from './schema.ts';

const tag = 'Claims';
const one = { path: '/notes/:id', aliases: ['/notes/:id'], tag, params: notePath } as const;
const answersNote = { answer: presentNote, answerSchema: noteAnswer } as const;
const { note } = noteExample;

export const noteRoutes = ({ claimNotes }: { readonly claimNotes: ClaimNotes }): Route[] => [
  route({
    method: 'POST',
    path: '/claims/:id/add-note',
    aliases: ['/claims/:id/add-note'],
    permission: 'note:write_own',
    summary: 'Write a note; a holder writes on their own claims, to the company',
    message: 'Note added',
    tag,
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    params: notePath,
    body: addNoteBody,
    ...answersNote,
    handle: ({ actor, params, body, once }) => claimNotes.add(actor, params.id, body, once),
    examples: { body: { note }, answer: noteExample },
  }),
  listRoute({
    path: '/claims/:id/notes',
    permission: 'claim:read_own',
    summary: 'Notes of a claim; holders see those that are meant for them',
    businessRules: true,
    tag,
    params: notePath,
    query: notesQuery,
    ...answersNote,
    handle: ({ actor, params, query }) => claimNotes.list(actor, params.id, query),
    examples: { answer: noteExample },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'claim:read_own',
    summary: 'One note',
    ...answersNote,
    handle: ({ actor, params }) => claimNotes.get(actor, params.id),
    examples: { answer: noteExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'note:write_own',
    ifMatch: true,
    summary: 'Change a note: its author, a claims manager or an administrator',
    message: 'Note changed',
    businessRules: true,
    body: replaceNoteBody,
    ...answersNote,
    handle: ({ actor, params, body, expectedVersion }) =>
      claimNotes.edit(actor, params.id, body, expectedVersion),
    examples: { body: { note }, answer: noteExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'note:write_own',
    ifMatch: true,
    summary: 'Archive a note: its author, a claims manager or an administrator',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      claimNotes.archive(actor, params.id, expectedVersion),
  }),
];
