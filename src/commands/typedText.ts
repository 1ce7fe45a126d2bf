import { invalidField } from '../errors.ts';
import { oneLine, plainText } from '../rules/plainText.ts';

/** What a person typed in a field, as it is kept. @throws Invalid where nobody could read anything */
export const typedText = (field: string, text: string): string =>
  refuseEmpty(field, plainText(text));

/** The same without line breaks, for what stands in a list or at the head of a letter. */
export const typedLine = (field: string, text: string): string => refuseEmpty(field, oneLine(text));

/** What may be left empty, and is nothing then. */
export const typedOrNull = (text: string | null): string | null =>
  text === null ? null : plainText(text) || null;

function refuseEmpty(field: string, text: string): string {
  if (text === '') throw invalidField(field, 'has no text that anybody could read', 'REQUIRED');
  return text;
}
