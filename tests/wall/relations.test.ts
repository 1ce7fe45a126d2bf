import {
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  type GraphQLOutputType,
} from 'graphql';
import { queries } from '../../src/api/graphql/operations.ts';
import { relations } from '../../src/api/graphql/relations.ts';
import { graphqlSchema } from '../../src/api/graphql/schema.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { roleCodes } from '../../src/rules/permissions.ts';
import type { Caller } from '../support/api.ts';
import { ownPaths } from './columns.ts';
import { objectAt, personOf, useWall, type Wall } from './people.ts';

const schema = graphqlSchema(ownPaths.map(({ route }) => route));

/** Every relation of a type; that of a page is one of what stands on it. */
function relationsOf(answer: GraphQLOutputType | undefined) {
  const named = getNamedType(answer);
  const items = isObjectType(named) ? named.getFields()['items'] : undefined;
  const type = items ? getNamedType(items.type) : named;
  if (!isObjectType(type)) return [];
  return Object.entries(relations[type.name] ?? {}).map(([field, relation]) => {
    const leadsTo = type.getFields()[field]?.type;
    const isList = leadsTo !== undefined && isListType(getNullableType(leadsTo));
    return { typeName: type.name, field, isList, isOnPage: items !== undefined, ...relation };
  });
}

/** Of types that no query answers by an id of their own. */
const otherQueries: readonly string[] = ['me', 'quote', 'reviews', 'acknowledgements'];

/** Every relation of what a query answers. */
const paths = Object.entries(queries).flatMap(([query, endpoint]) => {
  const isById = /^GET \/[\w-]+\/:id$/.test(endpoint);
  if (!isById && !otherQueries.includes(query)) return [];
  return relationsOf(schema.getQueryType()?.getFields()[query]?.type).map((relation) => {
    const shown = `${relation.field} { id }`;
    const asked = relation.isOnPage ? `items { ${shown} }` : shown;
    const text = endpoint.includes(':id')
      ? `query ($id: ID!) { found: ${query}(id: $id) { ${asked} } }`
      : `{ found: ${query} { ${asked} } }`;
    return { query, endpoint, text, ...relation };
  });
});

const today = dateAt(Date.now(), 'Europe/Berlin');
let wall: Wall;
useWall((opened) => void (wall = opened));

const idsOf = (rows: readonly { id: string }[] = []): string[] =>
  rows.map(({ id }) => id).toSorted();

interface Refused {
  readonly extensions: { readonly code: string };
}

type Found = Readonly<Record<string, { id: string } | readonly { id: string }[] | null>>;

const idsAt = ({ field }: { field: string }, parent: Found): string[] =>
  idsOf([parent[field] ?? []].flat());

/** What REST shows at the end of the relation, to the same person. */
async function byRest(
  caller: Caller,
  { route, by, parameter, isList }: ReturnType<typeof relationsOf>[number],
  parent: Readonly<Record<string, string>>,
): Promise<string[]> {
  const id = parent[by];
  if (!id) return [];
  const path = route.replace('GET ', '').replace(':id', id);
  const { status, body } = await caller.get(path, parameter ? { [parameter]: id } : {});
  if (status !== 200) return [];
  return isList ? idsOf(body.items) : [body.data.id];
}

/** What the relation is followed from: not every object of a kind leads everywhere. */
function startOf({ endpoint, by }: (typeof paths)[number]): string | undefined {
  const { stay, objects } = wall.ours;
  switch (`${endpoint} ${by}`) {
    case 'GET /bookings/:id payment_id':
    case 'GET /bookings/:id refund_id':
      return stay.bookingId;
    case 'GET /payments/:id booking_id':
      return stay.chargeId;
    case 'GET /payments/:id parent_payment_id':
      return stay.refundId;
    default:
      return objectAt(`${endpoint}/`, objects);
  }
}

async function compare(caller: Caller): Promise<{ byGraphql: string[]; byRest: string[] }> {
  const seen: { byGraphql: string[]; byRest: string[] } = { byGraphql: [], byRest: [] };
  for (const path of paths) {
    const { query, endpoint, text, field, isOnPage } = path;
    const id = startOf(path);
    if (!id && endpoint.includes(':id')) throw new Error(`There is no object for ${endpoint}`);
    const [method, place = ''] = endpoint.replace(':id', id ?? '').split(' ');
    const parent = await (method === 'POST' ? caller.post(place) : caller.get(place));
    const { body } = await caller.post('/graphql', { query: text, variables: { id } });
    const refusals = body.errors?.map(({ extensions }: Refused) => extensions.code);
    if (parent.status !== 200) {
      // Refused by both, it leads nowhere.
      expect([query, body.data, refusals]).toEqual([query, { found: null }, [parent.body.code]]);
      continue;
    }
    expect(refusals).toBeUndefined();
    const found = isOnPage ? body.data.found.items[0] : body.data.found;
    const shown = isOnPage ? parent.body.items[0] : parent.body.data;
    seen.byGraphql.push(`${query}.${field}: ${idsAt(path, found).join()}`);
    seen.byRest.push(`${query}.${field}: ${(await byRest(caller, path, shown)).join()}`);
  }
  return seen;
}

describe('what a relation leads to', () => {
  it('is told of each relation of what a query answers by its id', () => {
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter(({ isList, parameter }) => isList && !parameter)).toEqual([
      expect.objectContaining({ query: 'me', field: 'reviews' }),
      expect.objectContaining({ query: 'user', field: 'reviews' }),
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
      // An administrator is no holder, host or guest here, nobody was given the claim or paid for it; the rest is as bare.
      expect(byGraphql.filter((line) => line.endsWith(': '))).toEqual([
        'me.subscriptions: ',
        'me.properties: ',
        'me.bookings: ',
        'me.reviews: ',
        'claim.assignee: ',
        'claim.payments: ',
        'property.category: ',
        'property.reviews: ',
        'payment.claim: ',
        'employee.manager: ',
        'employee.user: ',
      ]);
    }
  });

  it('is checked of every type that has one', () => {
    const checked = new Set(paths.map(({ typeName }) => typeName));
    // One table leads from both, and a renewal needs a worker.
    expect(relations['RenewedPolicy']).toBe(relations['Policy']);
    expect(relations['ChangedCampaign']).toBe(relations['Campaign']);

    expect([...checked, 'ChangedCampaign', 'IssuedPolicy', 'RenewedPolicy'].toSorted()).toEqual(
      Object.keys(relations).toSorted(),
    );
  });

  it.each(roleCodes)(
    'is to a %s what REST shows them of a policy that they issue',
    async (role) => {
      const caller = wall.api.as(personOf(wall.ours.people, role));
      const { properties } = wall.ours.objects;
      const ofPolicy = relationsOf(schema.getMutationType()?.getFields()['issuePolicy']?.type);
      const shown = ofPolicy.map(({ field }) => `${field} { id }`).join(' ');
      const { body } = await caller.post('/graphql', {
        query: `mutation { made: issuePolicy(input: { policyholderName: "Ada", policyholderEmail: "ada@example.com",
        policyType: home, startDate: "${today}", endDate: "${addDays(today, 365)}", premium: "120.00",
        coverageAmount: "1000.00", userId: "${wall.ours.holder.userId}", insuredPropertyId: "${properties}" }) {
        id ${shown} } }`,
      });
      const { made } = body.data;
      const mayIssue = !['FORBIDDEN', 'TENANT_MISMATCH'].includes(body.errors?.[0].extensions.code);
      expect(made !== null).toBe(mayIssue);
      if (!made) return;

      const { body: parent } = await caller.get(`/policies/${made.id}`);
      for (const relation of ofPolicy) {
        expect([relation.field, idsAt(relation, made)]).toEqual([
          relation.field,
          await byRest(caller, relation, parent.data),
        ]);
      }
      expect(made.insuredProperty).toEqual({ id: properties });
    },
  );

  it('is to a holder their own', async () => {
    const { byGraphql, byRest: expected } = await compare(wall.api.as(wall.ours.holder));

    expect(byGraphql).toEqual(expected);
    expect(byGraphql).toContainEqual(expect.stringMatching(/^subscription.user: ./));
    expect(byGraphql).toContainEqual(expect.stringMatching(/^me.subscriptions: ./));
  });

  it('is nothing to a stranger and to people of another company', async () => {
    const strangers = await compare(wall.api.visiting(wall.ours.id));
    const others = await compare(wall.api.as(personOf(wall.other.people, 'tenant_admin')));

    expect(strangers.byGraphql).toEqual(strangers.byRest);
    expect(strangers.byGraphql.map((line) => line.split(':')[0])).toEqual([
      'category.plans',
      'plan.category',
      'quote.plan',
      'property.owner',
      'property.category',
      'property.bookings',
      'property.reviews',
      'review.property',
      'review.booking',
      'review.reviewer',
    ]);
    expect(others.byGraphql).toEqual(others.byRest);
    // Nothing is found by an id of ours; what is asked for without one is their own.
    expect(
      others.byGraphql.filter((line) => !/^(me|reviews|acknowledgements)\./.test(line)),
    ).toEqual([]);
  });
});
