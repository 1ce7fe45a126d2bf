import { recoveryKinds, recoveryStatuses } from '../../rules/recoveries.ts';
import { listQuery } from '../listQuery.ts';
import {
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  partial,
  positiveMoney,
  text,
} from '../schema.ts';

const kind = oneOf(...recoveryKinds);
const status = oneOf(...recoveryStatuses);
const version = integer(1, 2_147_483_647);

export const recoveryPath = object({ id: id() });

export const addRecoveryBody = object({
  kind,
  party: text(200).description('Who pays'),
  estimated: positiveMoney(),
}).id('AddRecovery');

export const editRecoveryBody = partial({
  recovered: money().description('All that has come in so far'),
  status: status.description('`recovered` and `written_off` are final'),
  version,
});

export const recoveriesQuery = listQuery({
  filters: { kind, status },
  sorts: ['created_at', 'estimated'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before'],
});

export const recoveryAnswer = object({
  id: id(),
  claim_id: id(),
  kind,
  party: text(200),
  estimated: money(),
  recovered: money(),
  currency: text(3),
  status,
  created_by: nullable(id()),
  created_at: instant(),
  updated_at: instant(),
  version,
}).id('ClaimRecovery');

export const recoveryExample = {
  id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  claim_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  kind: 'subrogation',
  party: 'Insurer of the other driver',
  estimated: '1200.00',
  recovered: '0.00',
  currency: 'EUR',
  status: 'open',
  created_by: '01998e3a-4a00-7b11-8c22-0d33e44f55a6',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  version: 1,
} as const;
