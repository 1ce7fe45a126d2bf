import { eraseFunctions, replacing } from '../eraseInAudit.ts';
import {
  erasedValue as erasedValueBefore,
  eraseInAudit as eraseInAuditBefore,
  firstEntityTypes,
  firstPersonalNames,
} from './0016Privacy.ts';

/** What stands about a person in the audit lines of claims, payments and documents. */
export const { erasedValue, eraseInAudit, eraseInAuditBody } = eraseFunctions(
  [
    ...firstPersonalNames,
    'claimantEmail',
    'claimantName',
    'claimantPhone',
    'description',
    'fileName',
    'payeeEmail',
    'payeeName',
    'title',
  ],
  [...firstEntityTypes, 'claim', 'payment', 'document'],
);

const up = replacing(erasedValue) + replacing(eraseInAudit);
const down = replacing(erasedValueBefore) + replacing(eraseInAuditBefore);

export const claimPrivacy = { name: '0027-claim-privacy', up, down };
