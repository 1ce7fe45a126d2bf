import { reachDatabase, refuseKnownLogins } from '../../local/outside.ts';
import { services } from '../support/services.ts';

describe('a database of the user’s own', () => {
  it('keeps the passwords of logins that another installation uses', async () => {
    await expect(refuseKnownLogins(services().adminUrl)).rejects.toThrow(
      'has the logins app_api and app_worker already',
    );
  });

  it('that cannot be reached is named in one sentence', async () => {
    const nowhere = 'postgres://nobody@127.0.0.1:1/none';

    await expect(reachDatabase(nowhere)).rejects.toThrow(
      /^The database that DATABASE_URL names cannot be reached: [^\n]+$/,
    );
  });
});
