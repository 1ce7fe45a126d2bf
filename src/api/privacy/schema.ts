import { boolean, id, instant, object, text } from '../schema.ts';
import { personExample } from '../users/schema.ts';

export const eraseBody = object({
  reason: text(500).description('Stays in the audit, so it must not name the person'),
}).id('Erase');

export const erasureAnswer = object({
  id: id(),
  erased_at: instant(),
  account_erased: boolean().description(
    'False for whoever also belongs to another company and goes on signing in there',
  ),
}).id('Erasure');

export const erasureExample = {
  id: personExample.id,
  erased_at: '2026-03-31T09:30:00.000Z',
  account_erased: true,
} as const;
