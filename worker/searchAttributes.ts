import type { Connection } from '@temporalio/client';
import { attribute } from '../src/workflows/searchAttributes.ts';

/** Numbers of `temporal.api.enums.v1.IndexedValueType`. */
const indexedType = {
  TEXT: 1,
  KEYWORD: 2,
  INT: 3,
  DOUBLE: 4,
  BOOL: 5,
  DATETIME: 6,
  KEYWORD_LIST: 7,
} as const;

/** What runs are filtered by, registered where it is missing; a second worker finds it done. */
export async function ensureSearchAttributes(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<void> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(attribute).filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      missing.map(({ name, type }) => [name, indexedType[type]]),
    ),
  });
}
