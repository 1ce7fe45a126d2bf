import { DatabaseError } from 'sequelize';
import { errorCode } from '../../src/errors.ts';

/** Again where a busy machine gave no lock in time: the API says 503 then, and whoever asked comes again. */
export async function despiteBusy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isBusy = error instanceof DatabaseError && errorCode(error.original) === '55P03';
    if (!isBusy) throw error;
    return despiteBusy(work);
  }
}
