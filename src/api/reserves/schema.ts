import { reserveCategories } from '../../rules/reserves.ts';
import { listQuery } from '../listQuery.ts';
import { boolean, id, instant, money, nullable, object, oneOf, text } from '../schema.ts';

const category = oneOf(...reserveCategories);

export const claimPath = object({ id: id() });

export const setReserveBody = object({
  category,
  amount: money().description('What the category has from now on; 0.00 releases it'),
  reason: text(500),
}).id('SetReserve');

export const reservesQuery = listQuery({
  filters: { category, is_current: boolean() },
  sorts: ['created_at', 'amount'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before'],
});

export const reserveAnswer = object({
  id: id(),
  claim_id: id(),
  category,
  amount: money(),
  currency: text(3),
  reason: text(500),
  is_current: boolean().description(
    'Still the latest of its category; the current ones together are the reserve of the claim',
  ),
  created_by: nullable(id()),
  created_at: instant(),
}).id('ClaimReserve');

export const reserveExample = {
  id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  claim_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  category: 'loss',
  amount: '4500.00',
  currency: 'EUR',
  reason: 'First estimate of the roof',
  is_current: true,
  created_by: '01998e3a-4a00-7b11-8c22-0d33e44f55a6',
  created_at: '2026-01-31T09:30:00.000Z',
} as const;
