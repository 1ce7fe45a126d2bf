import type { Bounds } from './bounds.ts';

/** What may be kept as a document, told by its content, its name and what the sender calls it. */

export const documentTypes = [
  'police_report',
  'estimate',
  'photo',
  'medical_bill',
  'invoice',
  'report',
  'other',
] as const;

export type DocumentType = (typeof documentTypes)[number];

/** The types that a request names, in words or by code; undefined where it asks for something else too. */
export function typesAsked(items: readonly string[]): readonly DocumentType[] | undefined {
  const types = items.flatMap((item) => {
    const code = item
      .trim()
      .toLowerCase()
      .replaceAll(/[\s-]+/g, '_');
    return documentTypes.filter((type) => type === code && type !== 'other');
  });
  return types.length === items.length ? types : undefined;
}

/** `unscanned` is served as `clean` is: nothing here looks for viruses, and it says so. */
export const scanStatuses = ['quarantined', 'clean', 'infected', 'unscanned'] as const;

export type ScanStatus = (typeof scanStatuses)[number];

export const isServed = (status: ScanStatus): boolean =>
  status === 'clean' || status === 'unscanned';

export const uploadLimits = {
  files: 10,
  fileBytes: 25 * 1024 * 1024,
  /** Of one policy or claim. */
  documents: 200,
  fileNameLength: 255,
  megapixels: 50,
} as const;

/** Section `documents` of a company's settings. */
export interface DocumentSettings {
  /** What all its documents together may take, in GB. */
  readonly quotaGb: number;
}

export const documentDefaults: DocumentSettings = { quotaGb: 100 };

export const documentBounds: Readonly<Record<keyof DocumentSettings, Bounds>> = {
  quotaGb: { kind: 'whole', min: 1, max: 1000 },
};

/** In bytes. */
export const documentQuota = ({
  quotaGb = documentDefaults.quotaGb,
}: Partial<DocumentSettings> = {}): number => quotaGb * 1024 ** 3;

/** What is taken, the endings of its names, and what else senders call it. */
const accepted: ReadonlyMap<string, { endings: readonly string[]; aliases?: readonly string[] }> =
  new Map([
    ['application/pdf', { endings: ['pdf'], aliases: ['application/x-pdf'] }],
    ['image/png', { endings: ['png'] }],
    ['image/jpeg', { endings: ['jpg', 'jpeg'], aliases: ['image/jpg', 'image/pjpeg'] }],
    ['image/webp', { endings: ['webp'] }],
    ['image/heic', { endings: ['heic', 'heif'], aliases: ['image/heif'] }],
    ['text/plain', { endings: ['txt'] }],
    [
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      { endings: ['docx'] },
    ],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', { endings: ['xlsx'] }],
  ]);

const untold = new Set(['', 'application/octet-stream']);

export const acceptedEndings: readonly string[] = [...accepted.values()].flatMap(
  ({ endings }) => endings,
);

/**
 * Why a file is not taken, as the end of a sentence; undefined for one that is.
 * @param content the media type that its bytes show; undefined where they show none
 * @param declared what the sender calls it
 */
export function typeProblem(
  content: string | undefined,
  { declared, fileName }: { readonly declared: string; readonly fileName: string },
): string | undefined {
  const kind = content === undefined ? undefined : accepted.get(content);
  if (!kind) return `is none of these: ${acceptedEndings.join(', ')}`;
  const ending = /\.([^.]+)$/.exec(fileName)?.[1]?.toLowerCase() ?? '';
  if (!kind.endings.includes(ending)) {
    return `holds ${content} and is not named so (.${kind.endings.join(', .')})`;
  }
  const called = declared.toLowerCase().split(';', 1)[0]?.trim() ?? '';
  if (untold.has(called) || called === content || kind.aliases?.includes(called)) return undefined;
  return `holds ${content} and was sent as another type`;
}

/** Why a name is not taken; undefined for one that is. It is shown, and never names a file of ours. */
export function fileNameProblem(name: string): string | undefined {
  if (/[/\\]/.test(name) || name === '.' || name === '..') return 'must not hold a path';
  // Control and formatting characters: a name could hide its true ending behind them.
  if (/[\p{Cc}\p{Cf}\p{Cs}]/u.test(name)) return 'must not hold control characters';
  if (name.length > uploadLimits.fileNameLength) {
    return `has up to ${uploadLimits.fileNameLength} characters`;
  }
  return undefined;
}

/**
 * What else the bytes can be read as, though they begin as what they say: such a file passes as one
 * thing here and opens as another elsewhere. Undefined for an honest one.
 * @param head the first 1024 bytes
 * @param tail the last 65,557 bytes, or all: as far from the end as a ZIP archive's directory can begin
 */
export function hiddenContent(
  content: string,
  head: Uint8Array,
  tail: Uint8Array,
): string | undefined {
  const beginning = Buffer.from(head).toString('latin1').toLowerCase();
  const isOffice = content.startsWith('application/vnd.openxmlformats');
  if (!isOffice && endsAsZip(Buffer.from(tail))) return 'a ZIP archive';
  if (content !== 'application/pdf' && beginning.includes('%pdf-')) return 'a PDF';
  if (/<(?:!doctype\s+html|html|script|svg|iframe|body)\b/.test(beginning)) return 'a web page';
  return undefined;
}

const endOfZip = Buffer.from('PK\x05\x06', 'latin1');

/** An end-of-directory record whose comment ends where the file ends. */
function endsAsZip(tail: Buffer): boolean {
  for (let at = tail.indexOf(endOfZip); at >= 0; at = tail.indexOf(endOfZip, at + 1)) {
    if (at + 22 <= tail.length && at + 22 + tail.readUInt16LE(at + 20) === tail.length) return true;
  }
  return false;
}

/** Text of people: valid UTF-8 comes decoded, and no control characters but those of lines. */
export const isPlainText = (text: string): boolean => !/[^\P{Cc}\t\n\f\r]/u.test(text);
