import { array, instant, integer, object, optional, text } from '../schema.ts';

export const mailsQuery = object({
  to: optional(text(320).description('Only what was sent to this address')),
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const attachmentPath = object({
  mail: text(100).description('The id of the mail'),
  number: integer(1, 100).description('Counted from 1'),
});

export const mailAnswer = object({
  id: text(200),
  to: text(2000).allow(''),
  subject: text(2000).allow(''),
  text: text(1_000_000).allow(''),
  sent_at: instant(),
  attachments: array(
    object({
      file_name: text(255).allow(''),
      media_type: text(200),
      size: integer(0, 2_147_483_647),
    }),
    { max: 100 },
  ),
});

export const mailExample = {
  id: '2026-01-31T09:30:00.000Z-0f3a91c2',
  to: 'ada@example.com',
  subject: 'Welcome to Demo Insurance',
  text: 'Dear Ada Lovelace,\n\nyour account with Demo Insurance is ready.',
  sent_at: '2026-01-31T09:30:00.000Z',
  attachments: [
    { file_name: 'CLM-DEMO-2026-000001-decision.pdf', media_type: 'application/pdf', size: 14_131 },
  ],
} as const;
