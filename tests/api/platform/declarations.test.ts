import { route } from '../../../src/api/route.ts';
import {
  boolean,
  id,
  jsonSchemaOf,
  object,
  parser,
  partial,
  text,
} from '../../../src/api/schema.ts';
import { canonicalPath } from '../../../src/api/router.ts';
import { allRoutes } from '../../../src/api/app.ts';
import { buildApp } from './harness.ts';

const facts = { method: 'POST', path: '/things', summary: 'A thing', tag: 'Things' } as const;
const handle = (): string => 'done';

describe('a declaration', () => {
  it('compiles only with a permission that exists and an answer that is as documented', () => {
    const answerSchema = object({ display_name: text(10) });

    // @ts-expect-error nobody holds this permission
    route({ ...facts, permission: 'thing:wrte', handle });
    // @ts-expect-error a route without a permission
    route({ ...facts, handle });
    // @ts-expect-error the presenter leaves display_name out
    route({ ...facts, permission: 'public', answerSchema, answer: () => ({ name: 'x' }), handle });

    expect(route({ ...facts, permission: 'plan:write', handle })).toMatchObject(facts);
  });

  it('is refused at start when its path and its params differ', () => {
    const declare = () => route({ ...facts, path: '/things/:id', permission: 'public', handle });
    const other = () =>
      route({ ...facts, permission: 'public', params: object({ id: id() }), handle });

    expect(declare).toThrow('POST /things/:id: its params schema names nothing');
    expect(other).toThrow('POST /things: its params schema names id');
  });

  it('is refused at start when strangers would share idempotency keys', () => {
    const declare = () =>
      route({ ...facts, permission: 'public', idempotency: 'optional', handle });

    expect(declare).toThrow('a public route cannot honour an Idempotency-Key');
  });
});

describe('a partial body', () => {
  it('leaves out what was not sent, defaults included, and says so in the document', () => {
    const fields = { is_active: boolean().default(true), name: text(5) };

    const whole = parser(object(fields), 'json')({ name: 'a' });
    const part = parser(partial(fields), 'json')({ name: 'a' });

    expect([whole, part]).toEqual([{ isActive: true, name: 'a' }, { name: 'a' }]);
    expect(JSON.stringify(jsonSchemaOf(partial(fields)))).not.toContain('default');
  });
});

describe('the registry', () => {
  it('names every endpoint once, with its permission', () => {
    const routes = allRoutes(buildApp().dependencies);

    const endpoints = routes.map((each) => `${each.method} ${canonicalPath(each, '/api/v1')}`);

    expect(new Set(endpoints).size).toBe(endpoints.length);
    expect(routes.every(({ permission }) => permission !== undefined)).toBe(true);
  });
});
