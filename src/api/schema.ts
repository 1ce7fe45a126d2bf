import Joi from 'joi';
import { Invalid, type FieldProblem } from '../errors.ts';
import { ownTypes } from './ownTypes.ts';

/** `insured_property_id` to `insuredPropertyId`. */
export type Camel<Name> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

export type Fields = Readonly<Record<string, Joi.AnySchema>>;

/** What a handler receives: camelCase names, instants as Date. */
export type Inner<S extends Joi.AnySchema> = NonNullable<S['~standard']['types']>['output'];

/** What travels: snake_case names, text instead of Date. A presenter returns this. */
export type Wire<S extends Joi.AnySchema> = S extends Wired<infer W> ? W : Inner<S>;

export type ObjectSchema<F extends Fields> = Joi.ObjectSchema<InnerFields<F>> &
  Wired<WireFields<F>>;

/**
 * An object with exactly these fields; its own snake_case names arrive in camelCase, free-form content
 * stays as it is. A field is required unless it is `optional()` or has a `.default()`.
 */
export const object = <F extends Fields>(fields: F): ObjectSchema<F> =>
  Joi.object<InnerFields<F>, false, Fields>(demanded(fields)).custom(renaming(fields));

/** The same fields, each of which may be left out and then stays as it is: the body of a PATCH. */
export const partial = <F extends Fields>(fields: F): ObjectSchema<Partially<F>> =>
  Joi.object<InnerFields<Partially<F>>, false, Fields>(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, withoutDefault(field.optional())]),
    ),
  ).custom(renaming(fields));

export const optional = <S extends Joi.AnySchema>(
  schema: S,
): Joi.AnySchema<Inner<S> | undefined> & Wired<Wire<S> | undefined> => schema.optional();

export const nullable = <S extends Joi.AnySchema>(
  schema: S,
): Joi.AnySchema<Inner<S> | null> & Wired<Wire<S> | null> => schema.allow(null);

export const array = <S extends Joi.AnySchema>(
  items: S,
  { min = 0, max }: { min?: number; max: number },
): Joi.ArraySchema<Inner<S>[]> & Wired<Wire<S>[]> =>
  Joi.array<Inner<S>[]>().items(items).min(min).max(max);

/** Text of 1 to `max` characters, without NUL (Postgres keeps none) and lone surrogates. */
export const text = (max: number): Joi.StringSchema => ownTypes.text().upTo(max);

export const oneOf = <const V extends string>(...values: readonly V[]): Joi.StringSchema<V> =>
  Joi.string<V>().valid(...values);

/** For what is told; answers may carry one that was withdrawn since. */
export const currency = (): Joi.StringSchema => ownTypes.currency();

export const integer = (min: number, max: number): Joi.NumberSchema =>
  Joi.number().integer().min(min).max(max);

export const boolean = (): Joi.BooleanSchema => Joi.boolean();

/** A UUID of any version, handed on in lower case. */
export const id = (): Joi.StringSchema => ownTypes.id();

/** A day of 1900 to 2200, `2026-01-31`. */
export const calendarDate = (): Joi.StringSchema => ownTypes.calendarDate();

/** RFC 3339 with a zone, or a day, which means its first moment in UTC. */
export const instant = (): Joi.AnySchema<Date> & Wired<string> => ownTypes.instant();

/** `insurance.example`, handed on in lower case. */
export const hostName = (): Joi.StringSchema => ownTypes.hostName();

/** Decimal text, never a number, handed on with two places; from zero on. */
export const money = (): Joi.StringSchema => ownTypes.money();
export const positiveMoney = (): Joi.StringSchema => ownTypes.money().positive();

/** Compared and stored in lower case. */
export const email = (): Joi.StringSchema =>
  Joi.string().email({ tlds: false }).max(254).lowercase().prefs({ convert: true });

/** Any JSON object of up to 100 keys: what a jsonb column takes. */
export const freeForm = (): Joi.ObjectSchema<Record<string, unknown>> =>
  Joi.object<Record<string, unknown>>().unknown().max(100);

/** Of the fields of an object; `describe` would tell them too, in a hundred times the time. */
export const namesOf = (schema: Joi.AnySchema): string[] =>
  Array.from(schema.$_terms['keys'] ?? [], ({ key }: { key: string }) => key);

/** Where a value comes from decides its types: JSON has them, an address is all text. */
type Source = 'json' | 'address';

/**
 * A function that answers with what a handler receives. Without a schema nothing may be sent.
 * @throws Invalid with one problem a field
 */
export function parser<S extends Joi.AnySchema>(
  schema: S | undefined,
  source: Source,
): (input: unknown) => Inner<S> {
  const options: Joi.ValidationOptions = {
    abortEarly: false,
    convert: source === 'address',
    errors: { label: 'path', wrap: { label: false } },
  };
  return (input) => {
    const { value, error } = (schema ?? nothing).validate(input, options);
    if (error) throw new Invalid(problems(error));
    return value;
  };
}

/** The JSON Schema (draft 2020-12) of what a client may send, or is answered. */
export const jsonSchemaOf = (schema: Joi.AnySchema): Record<string, unknown> =>
  withNull(schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' }));

/** Joi leaves null out of the values of what may be null. */
function withNull(schema: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema), (_, value: unknown) => {
    const { type, enum: values }: { type?: unknown; enum?: unknown } = Object(value);
    const isMissing = Array.isArray(type) && type.includes('null') && Array.isArray(values);
    if (!isMissing || values.includes(null)) return value;
    return { ...Object(value), enum: [...values, null] };
  });
}

/** Exists in types only: carries what travels beside what a handler receives. */
declare const wire: unique symbol;
interface Wired<W> {
  readonly [wire]?: W;
}

type OptionalNames<F extends Fields> = {
  [K in keyof F]: undefined extends Inner<F[K]> ? K : never;
}[keyof F];

type Flat<T> = { [K in keyof T]: T[K] };

export type InnerFields<F extends Fields> = Flat<
  { [K in Exclude<keyof F, OptionalNames<F>> as Camel<K>]: Inner<F[K]> } & {
    [K in OptionalNames<F> as Camel<K>]?: Inner<F[K]> | undefined;
  }
>;

type WireFields<F extends Fields> = Flat<
  { [K in Exclude<keyof F, OptionalNames<F>>]: Wire<F[K]> } & {
    [K in OptionalNames<F>]?: Wire<F[K]> | undefined;
  }
>;

export type Partially<F extends Fields> = {
  [K in keyof F]: Joi.AnySchema<Inner<F[K]> | undefined> & Wired<Wire<F[K]> | undefined>;
};

const nothing = Joi.object({});
const mostProblems = 100;

export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Joi takes what is not said for optional and does not write `required`; here it is the other way. */
export const demanded = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field._flags['presence'] === 'optional' || field._flags['default'] !== undefined
        ? field
        : field.required(),
    ]),
  );

/** Joi can set a default and not take it back; the note makes the copy that this may change. */
function withoutDefault(field: Joi.AnySchema): Joi.AnySchema {
  const copy = field.note('left out, it stays as it is');
  delete copy._flags['default'];
  return copy;
}

/** Builds the inner object in the order of declaration, so equal bodies are equal text. */
export const renaming = (fields: Fields): Joi.CustomValidator => {
  const names = Object.keys(fields).map((name) => [name, camelCase(name)] as const);
  return (value) => {
    const inner: Record<string, unknown> = {};
    for (const [outer, name] of names) {
      if (value[outer] !== undefined) inner[name] = value[outer];
    }
    return inner;
  };
};

const problems = ({ details }: Joi.ValidationError): FieldProblem[] =>
  details.slice(0, mostProblems).map(({ path, message, type }) => ({
    field: path.join('.').slice(0, 200),
    message: message.slice(0, 300),
    code: problemCode(type),
  }));

function problemCode(type: string): string {
  const [kind, rule] = type.split('.');
  if (type === 'any.required' || type === 'string.empty') return 'REQUIRED';
  if (type === 'any.only') return 'INVALID_CHOICE';
  if (type === 'object.unknown') return 'UNKNOWN_FIELD';
  if (rule === 'base') return 'INVALID_TYPE';
  if (kind === 'number' && rule !== 'integer') return 'OUT_OF_RANGE';
  if (rule === 'min' || rule === 'max' || rule === 'far') return 'OUT_OF_RANGE';
  return kind === 'any' ? 'INVALID_VALUE' : 'INVALID_FORMAT';
}
