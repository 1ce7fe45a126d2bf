import { ConnectionRefusedError } from 'sequelize';
import { reasonOf } from '../src/errors.ts';

describe('the reason of a failure', () => {
  const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });

  it.each([
    ['what it says', new Error('no such file'), 'no such file'],
    ['its code, where a name has several addresses', refused, 'ECONNREFUSED'],
    ['the code below the database library', new ConnectionRefusedError(refused), 'ECONNREFUSED'],
    ['what was thrown', 'stopped', 'stopped'],
  ])('is %s', (_, error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});
