import type { Erasure } from '../../commands/privacy/erase.ts';
import type { ExportedRow, PersonExport } from '../../commands/privacy/export.ts';
import { withErasedShown } from '../../rules/personalFields.ts';
import { snakeCased } from '../audit-logs/present.ts';
import { presentPerson } from '../users/present.ts';

export const presentErasure = ({ userId, erasedAt, isAccountErased }: Erasure) => ({
  id: userId,
  erased_at: erasedAt.toISOString(),
  account_erased: isAccountErased,
});

/** One JSON document as it is read from the database, never all of it in memory. */
export async function* presentExport({ person, company, parts }: PersonExport) {
  const head = { exported_at: new Date().toISOString(), company, person: presentPerson(person) };
  yield JSON.stringify(head).slice(0, -1);
  for (const { name, rows } of parts) {
    yield `,\n"${name}": [`;
    let before = '\n';
    for await (const row of rows()) {
      yield `${before}${JSON.stringify(presentRow(row))}`;
      before = ',\n';
    }
    yield ']';
  }
  yield '}\n';
}

const presentRow = (row: ExportedRow): ExportedRow => withErasedShown(snakeCased(row));
