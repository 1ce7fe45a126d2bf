import { instant, integer, object, text } from '../schema.ts';

export const mailsQuery = object({
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const mailAnswer = object({
  to: text(2000).allow(''),
  subject: text(2000).allow(''),
  text: text(1_000_000).allow(''),
  sent_at: instant(),
});

export const mailExample = {
  to: 'ada@example.com',
  subject: 'Welcome to Demo Insurance',
  text: 'Dear Ada Lovelace,\n\nyour account with Demo Insurance is ready.',
  sent_at: '2026-01-31T09:30:00.000Z',
} as const;
