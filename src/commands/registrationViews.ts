import { NotFound } from '../errors.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { platformCompanyId, select, withTenant } from '../models/database.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import {
  isOpenRegistration,
  registrationStatuses,
  type RegistrationStatus,
} from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';

/** A registration as it is shown, whether read from its row or just made. */
export interface RegistrationView {
  readonly registration: RegistrationRequest;
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' | 'closed' };
}

export interface RegistrationFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: RegistrationStatus | undefined;
}

const sortColumns = {
  createdAt: 'r.created_at',
  companyName: 'r.company_name',
  expiresAt: 'r.expires_at',
} as const;

/** One page of the platform's registrations, in the open transaction. */
export async function registrationsWhere(
  filters: RegistrationFilters,
): Promise<{ items: RegistrationView[]; total: number }> {
  const { status, search } = filters;
  const conditions: Condition[] = [
    ...(status ? [['r.status = $', status] as const] : []),
    ...(search
      ? [
          [
            '(r.company_name ILIKE $ OR r.requested_domain ILIKE $ OR r.admin_email ILIKE $)',
            containing(search),
          ] as const,
        ]
      : []),
    ...madeWithin('r', filters),
  ];
  const order = sortedBy(sortColumns, filters, 'r.id');
  const page = await selectPage<Row>(columns(), table, conditions, order);
  return { ...page, items: page.items.map(asView) };
}

interface Row extends RegistrationRequest {
  readonly isStarting: boolean;
}

const table = 'core.registration_requests r';

const columns = (): string =>
  `${columnsOf(RegistrationRequest, 'r')},
   EXISTS (SELECT 1 FROM core.outbox o WHERE o.company_id = r.company_id
       AND o.entity_id = r.id AND o.dispatched_at IS NULL) AS "isStarting"`;

export async function viewOf(id: string): Promise<RegistrationView> {
  const { items } = await selectPage<Row>(columns(), table, [['r.id = $', id]], {
    by: 'r.id',
    id: 'r.id',
    order: 'asc',
    page: 1,
    size: 1,
  });
  const [row] = items;
  if (!row) throw new NotFound(`There is no registration ${id}`);
  return asView(row);
}

function asView(row: Row): RegistrationView {
  const ongoing = row.isStarting ? 'starting' : 'running';
  return {
    registration: row,
    workflow: {
      id: onboardingWorkflowId(row.id),
      state: row.workflowClosedAt ? 'closed' : ongoing,
    },
  };
}

/** Whether a registration that is open asks for the domain, or for the name in any case. */
export const isReserved = ({
  domain,
  name,
}: {
  readonly domain?: string;
  readonly name?: string;
}): Promise<boolean> =>
  withTenant(platformCompanyId, async () => {
    const found = await select(
      `SELECT 1 FROM core.registration_requests
       WHERE (requested_domain = $1 OR lower(company_name) = lower($2)) AND status = ANY ($3::text[])`,
      [domain ?? null, name ?? null, registrationStatuses.filter(isOpenRegistration)],
    );
    return found.length > 0;
  });
