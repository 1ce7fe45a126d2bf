import Joi from 'joi';
import { isHostName } from '../rules/hostNames.ts';
import { isCalendarDate } from '../rules/calendar.ts';
import { currencies } from '../rules/currencies.ts';
import { isMoney, isPositive, money } from '../rules/money.ts';

/** Text that JSON, Postgres and a log line all carry unharmed: no NUL, no lone surrogates. */
export const isCleanText = (value: string): boolean => cleanText.test(value);

export const isUuid = (value: string): boolean => uuidPattern.test(value);

const cleanText = /^[^\0\p{Cs}]*$/u;
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const instantPattern =
  /^(\d{4}-\d\d-\d\d)(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$/;

type TypeDefinition = {
  readonly message: string;
  readonly json: Readonly<Record<string, unknown>>;
  /** What is handed on; undefined where the text is refused. */
  readonly read: (value: string) => unknown;
};

/** A kind of text that means the same to Joi and in the document. */
const textType = (type: string, { message, json, read }: TypeDefinition) => ({
  type,
  base: Joi.string(),
  messages: { [`${type}.format`]: `{{#label}} ${message}` },
  validate(value: string, helpers: Joi.CustomHelpers) {
    const handedOn = read(value);
    return handedOn === undefined
      ? { value, errors: helpers.error(`${type}.format`) }
      : { value: handedOn };
  },
  jsonSchema: (_schema: unknown, result: object) => ({ ...result, type: 'string', ...json }),
});

// Joi's own max counts UTF-16 units; JSON Schema and Postgres count characters.
const upTo = {
  method(this: Joi.SchemaInternals, limit: number) {
    return this.$_addRule({ name: 'upTo', args: { limit } });
  },
  args: ['limit'],
  validate: (value: string, helpers: Joi.CustomHelpers, { limit }: Record<string, number>) =>
    limit !== undefined && value.length > limit && Array.from(value).length > limit
      ? helpers.error('string.max', { limit })
      : value,
  jsonSchema: (rule: { args: { limit: number } }, result: object) => ({
    ...result,
    maxLength: rule.args.limit,
  }),
};

const positive = {
  method(this: Joi.SchemaInternals) {
    return this.$_addRule('positive');
  },
  validate: (value: string, helpers: Joi.CustomHelpers) =>
    isPositive(value) ? value : helpers.error('number.positive'),
  jsonSchema: (_rule: unknown, result: object) => ({
    ...result,
    pattern: '^(?=.*[1-9])\\d{1,18}(\\.\\d{1,2})?$',
  }),
};

/** Joi with our kinds of text. */
export interface OwnTypes extends Joi.Root {
  text(): { upTo(max: number): Joi.StringSchema };
  id(): Joi.StringSchema;
  calendarDate(): Joi.StringSchema;
  instant(): Joi.AnySchema<Date>;
  hostName(): Joi.StringSchema;
  currency(): Joi.StringSchema;
  money(): Joi.StringSchema & { positive(): Joi.StringSchema };
}

export const ownTypes: OwnTypes = Joi.extend(
  {
    ...textType('text', {
      message: 'must not contain NUL or lone surrogates',
      json: { minLength: 1, pattern: '^[^\\u0000]*$' },
      read: (value) => (isCleanText(value) ? value : undefined),
    }),
    rules: { upTo },
  },
  textType('id', {
    message: 'must be a UUID',
    json: { format: 'uuid', maxLength: 36 },
    read: (value) => (isUuid(value) ? value.toLowerCase() : undefined),
  }),
  textType('calendarDate', {
    message: 'must be a day such as 2026-01-31, from 1900 to 2200',
    json: { format: 'date', maxLength: 10, pattern: '^(19|20|21|22)\\d\\d-' },
    read: (value) => (isCalendarDate(value) ? value : undefined),
  }),
  textType('instant', {
    message: 'must be an instant such as 2026-01-31T09:30:00Z, from 1900 to 2200',
    json: { anyOf: [{ format: 'date-time' }, { format: 'date' }], maxLength: 35 },
    read: (value) => {
      const day = instantPattern.exec(value)?.[1];
      return day !== undefined && isCalendarDate(day) ? new Date(value) : undefined;
    },
  }),
  textType('hostName', {
    message: 'must be a host name such as insurance.example',
    json: {
      maxLength: 253,
      pattern:
        '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$',
    },
    read: (value) => (isHostName(value.toLowerCase()) ? value.toLowerCase() : undefined),
  }),
  textType('currency', {
    message: 'must be a currency of ISO 4217 such as EUR',
    json: { pattern: `^(${currencies.join('|')})$` },
    read: (value) => (currencies.includes(value) ? value : undefined),
  }),
  {
    ...textType('money', {
      message: 'must be an amount such as "120.00"',
      json: { pattern: '^\\d{1,18}(\\.\\d{1,2})?$', maxLength: 21 },
      read: (value) => (!value.startsWith('-') && isMoney(value) ? money(value) : undefined),
    }),
    rules: { positive },
  },
);
