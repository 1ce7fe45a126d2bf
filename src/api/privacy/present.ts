import type { Erasure } from '../../commands/privacy/erase.ts';
import type { PersonExport } from '../../commands/privacy/export.ts';
import { exportedFile } from '../exportedFile.ts';
import { presentPerson } from '../users/present.ts';

export const presentErasure = ({ userId, erasedAt, isAccountErased }: Erasure) => ({
  id: userId,
  erased_at: erasedAt.toISOString(),
  account_erased: isAccountErased,
});

export const presentExport = ({ person, company, parts }: PersonExport) =>
  exportedFile({ company, person: presentPerson(person) }, parts);
