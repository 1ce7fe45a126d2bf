import { withIdentity } from '../../src/models/database.ts';
import { RefreshToken } from '../../src/models/RefreshToken.ts';
import { column, rowOf, send, unauthenticated } from './columns.ts';
import { forgeries } from './forgeries.ts';
import { bearer, personOf, sessionOf, useWall, type Wall } from './people.ts';

let wall: Wall;
useWall((opened) => void (wall = opened));

describe('every route', () => {
  it('lets nobody in without a token', async () => {
    const stranger = wall.api.visiting(wall.ours.id);

    await column(
      'anonymous',
      (place) => send(stranger, place),
      (place) => (typeof rowOf(place) === 'string' ? 'allowed' : unauthenticated),
    );
  });

  it.each(forgeries)('refuses a token that is %s', async (name, refusal, forge) => {
    const { token } = await sessionOf(personOf(wall.ours.people, 'tenant_admin'));
    const headers = bearer(await forge(token, wall.other.id));

    await column(
      name,
      (place) => send(wall.api.nowhere, place, { headers }),
      (place) => (rowOf(place) === 'open' ? 'allowed' : refusal),
    );
  });

  it('refuses a revoked session', async () => {
    const admin = personOf(wall.ours.people, 'tenant_admin');
    const { token, sessionId } = await sessionOf(admin);
    await withIdentity(wall.ours.id, () =>
      RefreshToken.revoke({ userId: admin.userId, familyId: sessionId }),
    );

    await column(
      'revoked',
      (place) => send(wall.api.nowhere, place, { headers: bearer(token) }),
      (place) => (rowOf(place) === 'open' ? 'allowed' : unauthenticated),
    );
  });
});
