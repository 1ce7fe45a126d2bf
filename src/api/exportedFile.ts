import { Readable } from 'node:stream';
import type { ExportedPart } from '../commands/exportedParts.ts';
import { withErasedShown } from '../rules/personalFields.ts';
import { snakeCased } from './audit-logs/present.ts';

/** One JSON document as it is read from the database, never all of it in memory. */
export const exportedFile = (head: object, parts: readonly ExportedPart[]): Readable =>
  Readable.from(texts({ exported_at: new Date().toISOString(), ...head }, parts));

/** Of a file to keep. */
export function asFile(setHeader: (name: string, value: string) => void, fileName: string): void {
  setHeader('Content-Disposition', `attachment; filename="${fileName}"`);
  // A compressor would not pass on that reading failed halfway.
  setHeader('Cache-Control', 'no-store, no-transform');
}

async function* texts(head: object, parts: readonly ExportedPart[]): AsyncGenerator<string> {
  yield JSON.stringify(head).slice(0, -1);
  for (const { name, rows } of parts) {
    yield `,\n"${name}": [`;
    let before = '\n';
    for await (const row of rows()) {
      yield `${before}${JSON.stringify(withErasedShown(snakeCased(row)))}`;
      before = ',\n';
    }
    yield ']';
  }
  yield '}\n';
}
