import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyEvents, type BusboyInstance } from '@fastify/busboy';
import type Joi from 'joi';
import type { Stage, StagedFile } from '../commands/staging.ts';
import { BadRequest, invalidField, Refusal } from '../errors.ts';
import { uploadLimits } from '../rules/documents.ts';
import { checkFields } from './body.ts';
import { parser, type Inner } from './schema.ts';
import type { Context } from './state.ts';

export interface Received<F extends Joi.AnySchema> {
  readonly body: Inner<F>;
  readonly files: readonly StagedFile[];
}

const limits = {
  files: uploadLimits.files,
  // One more, so that whoever takes the file in sees that it is too large.
  fileSize: uploadLimits.fileBytes + 1,
  fields: 10,
  fieldSize: 4000,
  parts: 20,
  headerPairs: 20,
  headerSize: 8192,
} as const;

/** Fields and the borders between parts, beside the files. */
const formBytes = 256 * 1024;

/**
 * The fields and files of a multipart body. The files wait outside of memory, and whoever gets them has
 * to discard them; after a refusal nothing is left of any.
 * @throws Refusal 400 malformed or cut off, 413 too large or too many, 415 not multipart or of a type
 * that is not taken, 422 fields
 */
export async function receiveUpload<F extends Joi.AnySchema>(
  ctx: Context,
  form: F,
  stage: Stage,
): Promise<Received<F>> {
  refuseOther(ctx);
  const ending = new AbortController();
  const stagings: Promise<StagedFile>[] = [];
  try {
    const fields = await readForm(ctx.req, (source, announced) => {
      const staging = stage(source, announced, ending.signal);
      stagings.push(staging);
      return staging;
    });
    checkFields(fields);
    const body = parser<F>(form, 'address')(fields);
    const files = await Promise.all(stagings);
    if (files.length === 0) throw invalidField('files', 'names no file', 'REQUIRED');
    return { body, files };
  } catch (error) {
    ending.abort();
    // Read to nowhere: the answer then arrives also at those who send all of it first.
    ctx.req.resume();
    for (const ended of await Promise.allSettled(stagings)) {
      if (ended.status === 'fulfilled') await ended.value.discard();
    }
    throw error;
  }
}

function refuseOther(ctx: Context): void {
  if (ctx.request.is('multipart/form-data') !== 'multipart/form-data') {
    throw new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the body as multipart/form-data');
  }
  if ((ctx.get('Content-Encoding') || 'identity') !== 'identity') {
    throw new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Compressed bodies are not accepted');
  }
  if (ctx.request.length > uploadLimits.files * uploadLimits.fileBytes + formBytes) {
    throw new Refusal(413, 'PAYLOAD_TOO_LARGE', 'The body is larger than all files may be', {
      headers: { Connection: 'close' },
    });
  }
}

/** The fields. Each file is taken while it flows, and the first that is refused ends it all. */
async function readForm(
  request: IncomingMessage,
  take: (...file: [Parameters<Stage>[0], Parameters<Stage>[1]]) => Promise<StagedFile>,
): Promise<Readonly<Record<string, string>>> {
  const reader = readerOf(request);
  const fields: Record<string, string> = Object.create(null);
  try {
    await new Promise<void>((resolve, reject) => {
      const malformed = (): void => reject(cutOff());
      const onFile: BusboyEvents['file'] = (field, source, fileName, _encoding, declared) => {
        // Whoever takes it hears of it too.
        source.on('error', () => {});
        if (field !== 'files') reject(unknownField(field ?? ''));
        // What a browser sends where no file was chosen.
        if (field !== 'files' || fileName === '') source.resume();
        else {
          take(source, { fileName, declared }).catch((error: unknown) =>
            reject(isOurs(error) ? error : cutOff()),
          );
        }
      };
      const onField: BusboyEvents['field'] = (field, value, _nameTruncated, isTruncated) => {
        if (field === undefined || field in fields) reject(unknownField(field ?? ''));
        else if (isTruncated) reject(invalidField(field.slice(0, 200), 'is too long'));
        else fields[field] = value;
      };
      reader.on('file', onFile);
      reader.on('field', onField);
      for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const) {
        reader.once(limit, () => reject(tooMany()));
      }
      reader.once('error', malformed);
      reader.once('finish', resolve);
      request.once('error', malformed);
      // Also what was read to its end is closed, some of it still on its way to the disk.
      request.once('close', () => {
        if (!request.complete) malformed();
      });
      request.pipe(reader);
    });
    return { ...fields };
  } finally {
    request.unpipe(reader);
  }
}

function readerOf(request: IncomingMessage): BusboyInstance {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' },
      limits,
      // A path is told to us as it was sent, and refused.
      preservePath: true,
      isPartAFile: (_field, _type, fileName) => fileName !== undefined,
    });
  } catch {
    throw cutOff();
  }
}

/** A refusal of the file, or a disk that is full; else the file ended before its end. */
const isOurs = (error: unknown): error is Error =>
  error instanceof Refusal || (error instanceof Error && 'syscall' in error);

const cutOff = (): BadRequest =>
  new BadRequest('The body is not a well-formed form, or was cut off');

const tooMany = (): Refusal =>
  new Refusal(
    413,
    'PAYLOAD_TOO_LARGE',
    `An upload may have up to ${uploadLimits.files} files and few fields`,
  );

const unknownField = (name: string): Refusal =>
  invalidField(name.slice(0, 200), 'is no field of this form, or given twice', 'UNKNOWN_FIELD');
