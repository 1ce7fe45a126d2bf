import { getNamedType, getNullableType, isListType, isObjectType } from 'graphql';
import { queries } from '../../src/api/graphql/operations.ts';
import { relations } from '../../src/api/graphql/relations.ts';
import { graphqlSchema } from '../../src/api/graphql/schema.ts';
import { roleCodes } from '../../src/rules/permissions.ts';
import type { Caller } from '../support/api.ts';
import { ownPaths } from './columns.ts';
import { objectAt, personOf, useWall, type Wall } from './people.ts';

const schema = graphqlSchema(ownPaths.map(({ route }) => route));

/** Every relation of what a query answers by its id. */
const paths = Object.entries(queries).flatMap(([query, endpoint]) => {
  const type = getNamedType(schema.getQueryType()?.getFields()[query]?.type);
  if (!/^GET \/[\w-]+\/:id$/.test(endpoint) || !isObjectType(type)) return [];
  return Object.entries(relations[type.name] ?? {}).map(([field, relation]) => {
    const leadsTo = type.getFields()[field]?.type;
    const isList = leadsTo !== undefined && isListType(getNullableType(leadsTo));
    return { query, endpoint, field, isList, ...relation };
  });
});

let wall: Wall;
useWall((opened) => void (wall = opened));

const idsOf = (rows: readonly { id: string }[] = []): string[] =>
  rows.map(({ id }) => id).toSorted();

/** What REST shows at the end of the relation, to the same person. */
async function byRest(
  caller: Caller,
  { route, by, parameter, isList }: (typeof paths)[number],
  parent: Readonly<Record<string, string>>,
): Promise<string[]> {
  const id = parent[by];
  if (!id) return [];
  const path = route.replace('GET ', '').replace(':id', id);
  const { status, body } = await caller.get(path, parameter ? { [parameter]: id } : {});
  if (status !== 200) return [];
  return isList ? idsOf(body.items) : [body.data.id];
}

async function compare(caller: Caller): Promise<{ byGraphql: string[]; byRest: string[] }> {
  const seen: { byGraphql: string[]; byRest: string[] } = { byGraphql: [], byRest: [] };
  for (const path of paths) {
    const { query, endpoint, field, isList } = path;
    const id = objectAt(`${endpoint}/`, wall.ours.objects);
    if (!id) throw new Error(`There is no object for ${endpoint}`);
    const parent = await caller.get(endpoint.replace('GET ', '').replace(':id', id));
    if (parent.status !== 200) continue;

    const text = `query ($id: ID!) { found: ${query}(id: $id) { ${field} { id } } }`;
    const { body } = await caller.post('/graphql', { query: text, variables: { id } });
    expect(body.errors).toBeUndefined();
    const found = body.data.found[field];
    const ids = isList ? idsOf(found ?? []) : idsOf(found ? [found] : []);
    seen.byGraphql.push(`${query}.${field}: ${ids.join()}`);
    seen.byRest.push(`${query}.${field}: ${(await byRest(caller, path, parent.body.data)).join()}`);
  }
  return seen;
}

describe('what a relation leads to', () => {
  it('is told of each relation of what a query answers by its id', () => {
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter(({ isList, parameter }) => isList && !parameter)).toEqual([
      expect.objectContaining({ query: 'policy', field: 'claims' }),
      expect.objectContaining({ query: 'property', field: 'reviews' }),
    ]);
  });

  it.each(roleCodes)('is to a %s what REST shows them', async (role) => {
    const { byGraphql, byRest: expected } = await compare(
      wall.api.as(personOf(wall.ours.people, role)),
    );

    expect(byGraphql).toEqual(expected);
    if (role === 'tenant_admin') {
      expect(byGraphql).toHaveLength(paths.length);
      expect(byGraphql.filter((line) => line.endsWith(': ')).length).toBeLessThan(12);
    }
  });

  it('is to a holder their own', async () => {
    const { byGraphql, byRest: expected } = await compare(wall.api.as(wall.ours.holder));

    expect(byGraphql).toEqual(expected);
    expect(byGraphql).toContainEqual(expect.stringMatching(/^subscription.user: ./));
  });

  it('is nothing to a stranger and to people of another company', async () => {
    const strangers = await compare(wall.api.visiting(wall.ours.id));
    const others = await compare(wall.api.as(personOf(wall.other.people, 'tenant_admin')));

    expect(strangers.byGraphql).toEqual(strangers.byRest);
    expect(strangers.byGraphql.map((line) => line.split(':')[0])).toEqual([
      'category.plans',
      'plan.category',
      'property.owner',
      'property.category',
      'property.bookings',
      'property.reviews',
      'review.property',
      'review.booking',
      'review.reviewer',
    ]);
    expect(others.byGraphql).toEqual([]);
  });
});
