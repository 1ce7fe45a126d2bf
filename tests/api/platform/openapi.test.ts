import { Ajv2020 } from 'ajv/dist/2020.js';
import { allRoutes } from '../../../src/api/app.ts';
import { openApiDocument } from '../../../src/api/openapi.ts';
import { jsonSchemaOf, parser } from '../../../src/api/schema.ts';
import { isCalendarDate } from '../../../src/rules/calendar.ts';
import { buildApp, createPlan } from './harness.ts';

const { dependencies } = buildApp();
const routes = allRoutes(dependencies);
const options = { prefix: '/api/v1', title: 'Surety', version: '1.2.3' };
// As a client sees it: what JSON leaves out is out.
const document = JSON.parse(JSON.stringify(openApiDocument(routes, options)));

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('date', isCalendarDate);
ajv.addFormat('date-time', (text) => !Number.isNaN(Date.parse(text)));
ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
ajv.addFormat('email', /^[^@\s]+@[^@\s]+\.[^@\s]+$/);
ajv.addSchema(document, 'document');

interface Operation {
  readonly operationId: string;
  readonly deprecated?: boolean;
  readonly parameters: { name?: string; in?: string; $ref?: string }[];
  readonly requestBody?: { content: Record<string, { example?: unknown }> };
  readonly responses: Record<string, { content?: Record<string, { example?: unknown }> }>;
}

const operations: [string, Operation][] = Object.entries<Record<string, Operation>>(
  document.paths,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, each]): [string, Operation] => [
    `/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}`,
    each,
  ]),
);

/** Validates by a schema inside the document, so that its references are followed. */
const conforms = (pointer: string, value: unknown): unknown => {
  const validate = ajv.compile({ $ref: `document#${encodeURI(pointer)}` });
  return validate(value) ? [] : validate.errors;
};

describe('the OpenAPI document', () => {
  it('holds every declared route once under each of its paths, with unique ids', () => {
    const declared = routes.length + routes.flatMap(({ aliases = [] }) => aliases).length;

    expect(operations).toHaveLength(declared);
    expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(declared);
  });

  it('refers only to what it holds', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];

    expect(references.length).toBeGreaterThan(50);
    for (const [, path = ''] of references) {
      const found = path.split('/').reduce((part, name) => part?.[name], document);
      expect([path, typeof found]).toEqual([path, 'object']);
    }
  });

  it('shows examples that it would itself accept', () => {
    let checked = 0;
    for (const [pointer, { requestBody, responses }] of operations) {
      const media = 'application~1json';
      const asked = requestBody?.content['application/json']?.example;
      if (asked !== undefined) {
        expect(conforms(`${pointer}/requestBody/content/${media}/schema`, asked)).toEqual([]);
        checked += 1;
      }
      for (const [status, { content }] of Object.entries(responses)) {
        const example = content?.['application/json']?.example;
        if (example === undefined) continue;
        const schema = `${pointer}/responses/${status}/content/${media}/schema`;
        expect(conforms(schema, example)).toEqual([]);
        checked += 1;
      }
    }
    expect(checked).toBe(7);
  });

  it('describes what is really answered', async () => {
    const { api } = buildApp();

    const list = await api.get('/api/v1/plans');
    const refused = await api.get('/api/v1/plans?page=0');

    const schema = '/paths/~1api~1v1~1plans/get/responses/200/content/application~1json/schema';
    expect(conforms(schema, list.body)).toEqual([]);
    expect(conforms('/components/schemas/Refusal', refused.body)).toEqual([]);
  });

  it('marks older paths, business rules and the headers a route takes', () => {
    const { paths } = document;

    expect(paths['/api/plans'].post.deprecated).toBe(true);
    expect(paths['/api/v1/plans'].post).toMatchObject({
      'x-business-rules': true,
      'x-permission': 'plan:write',
      security: [{ bearer: [] }, { apiKey: [] }],
    });
    expect(paths['/api/v1/plans'].post.parameters).toContainEqual({
      $ref: '#/components/parameters/IdempotencyKey',
    });
    expect(paths['/api/v1/plans/{id}'].patch.parameters).toContainEqual({
      $ref: '#/components/parameters/IfMatch',
    });
    expect(Object.keys(paths['/api/v1/plans/{id}'].get.responses)).toEqual([
      '200',
      '304',
      '400',
      '401',
      '404',
      '405',
      '414',
      '422',
      '429',
      '500',
      '503',
    ]);
  });
});

describe('Joi and the document', () => {
  const valid = { name: 'Home', premium: '120.00', coverage_level: 'basic' };
  const accepts = parser(createPlan, 'json');
  const documented = ajv.compile(jsonSchemaOf(createPlan));

  it.each<[boolean, unknown]>([
    [true, valid],
    [true, { ...valid, tags: [], settings: { any: { thing: [1] } } }],
    [true, { ...valid, name: '🏠'.repeat(50), starts_on: '2024-02-29' }],
    [true, { ...valid, contact: 'Someone@Example.org', version: 1, is_active: false }],
    [false, {}],
    [false, []],
    [false, null],
    [false, { ...valid, extra: 1 }],
    [false, { ...valid, name: '' }],
    [false, { ...valid, name: 'x\0' }],
    [false, { ...valid, name: '🏠'.repeat(51) }],
    [false, { ...valid, name: null }],
    [false, { ...valid, premium: '0.00' }],
    [false, { ...valid, premium: '1.234' }],
    [false, { ...valid, premium: 1 }],
    [false, { ...valid, premium: '1234567890123456789' }],
    [false, { ...valid, coverage_level: 'gold' }],
    [false, { ...valid, starts_on: '2026-02-30' }],
    [false, { ...valid, starts_on: '1899-12-31' }],
    [false, { ...valid, contact: 'nobody' }],
    [false, { ...valid, tags: ['a', 'b', 'c', 'd'] }],
    [false, { ...valid, tags: 'a' }],
    [false, { ...valid, settings: [] }],
    [false, { ...valid, is_active: 'true' }],
    [false, { ...valid, version: 1.5 }],
    [false, { ...valid, version: 0 }],
  ])('agree (%p) on %j', (expected, body) => {
    const takes = (): boolean => {
      try {
        accepts(body);
        return true;
      } catch {
        return false;
      }
    };

    expect([takes(), documented(body)]).toEqual([expected, expected]);
  });
});
