import { eraseFunctions, replacing } from '../eraseInAudit.ts';
import {
  entityTypesOfStays,
  eraseInAudit as eraseInAuditBefore,
  personalNamesOfStays,
} from './0051Bookings.ts';

/** Whoever applied and was declined has no account: the audit tells of their erasure by the registration. */
export const { eraseInAudit, eraseInAuditBody } = eraseFunctions(
  personalNamesOfStays,
  entityTypesOfStays,
  ['user', 'registration'],
);

/** What came to nothing, for the job that forgets who had applied. */
const up = `${replacing(eraseInAudit)}
CREATE INDEX registration_requests_declined_idx
  ON core.registration_requests (company_id, workflow_closed_at)
  WHERE status IN ('rejected', 'expired') AND admin_email NOT LIKE 'erased-%@erased.invalid';
`;

const down = `DROP INDEX core.registration_requests_declined_idx;
${replacing(eraseInAuditBefore)}`;

export const applicants = { name: '0095-applicants', up, down };
