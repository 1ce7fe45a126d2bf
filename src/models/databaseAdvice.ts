import { errorCode } from '../errors.ts';

/** What to do where Postgres does not let the programs of its owner in, where that is known. */
export const databaseAdvice = (error: unknown): string | undefined =>
  adviceByCode[errorCode(error) ?? ''];

const adviceByCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Postgres does not answer: look at DATABASE_MIGRATE_URL, and that it is running.',
  ENOTFOUND: 'The host of DATABASE_MIGRATE_URL is not known.',
  ETIMEDOUT: 'Postgres does not answer: look at the host and port of DATABASE_MIGRATE_URL.',
  '28P01': 'Postgres refuses the user or password of DATABASE_MIGRATE_URL.',
  '28000': 'Postgres refuses the user of DATABASE_MIGRATE_URL.',
  '3D000': 'The database of DATABASE_MIGRATE_URL does not exist: create it first.',
  '42501':
    'The user of DATABASE_MIGRATE_URL may not do that: migrate as app_migrate, or as a user that ' +
    'may create roles.',
  ERR_MODULE_NOT_FOUND: 'A package is missing: this command needs the development packages.',
};
