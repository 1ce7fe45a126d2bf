import Handlebars from 'handlebars';
import type { TemplateCode, Texts } from '../rules/notices.ts';
import type { Problem } from '../rules/problem.ts';
import { platformTexts } from './templates.ts';

/** What is wrong with one of the texts. */
export interface TextProblem extends Problem {
  readonly field: keyof Texts;
}

/** Whom a message goes to, and who sends it: every message has these. */
const always = ['name', 'company'];

/** The places that a company may use in its words for a message: those that the platform's have. */
export function offeredBy(code: TemplateCode): readonly string[] {
  const { subject, body } = platformTexts[code];
  const named = offers.get(code) ?? [subject, body].flatMap(partsOf).map(({ place }) => place);
  offers.set(code, named);
  return [...new Set([...always, ...named.filter(isNamed)])].toSorted();
}

/** Reading the texts takes longer than all else in a list of them. */
const offers = new Map<TemplateCode, readonly (string | undefined)[]>();

/**
 * What keeps a company's words for a message from being used; nothing where they can be. They may name
 * what the platform's words name, and leave parts out with `{{#if …}}`.
 */
export function checkTexts(code: TemplateCode, { subject, body }: Texts): readonly TextProblem[] {
  const offered = offeredBy(code);
  const problems = [
    // Subjects stand in lists and logs, where no secret may, and on one line.
    ...problemsIn(
      'subject',
      subject,
      offered.filter((name) => !essential.includes(name)),
    ),
    ...problemsIn('body', body, offered),
  ];
  if (problems.length > 0) return problems;
  const missing = essential.filter((name) => offered.includes(name) && !hasPlace(body, name));
  return missing.map((name) => ({
    field: 'body',
    code: 'REQUIRED',
    message: `must have {{${name}}}, for the sake of which it is sent, outside of any {{#if}}`,
  }));
}

/** What a preview fills the places with; no real person's or policy's. */
export const sampleOf = (code: TemplateCode): Readonly<Record<string, unknown>> =>
  Object.fromEntries(offeredBy(code).map((name) => [name, samples[name]]));

interface Part {
  /** Undefined for what is neither a place nor a condition. */
  readonly place: string | undefined;
  /** Stands in the message whatever the values are. */
  readonly isCertain: boolean;
}

const foreign: Part = { place: undefined, isCertain: true };

const isNamed = (place: string | undefined): place is string => place !== undefined;

/** A message that has one of them is sent for its sake. */
const essential = ['link', 'messages'];

const hasPlace = (body: string, name: string): boolean =>
  partsOf(body).some(({ place, isCertain }) => place === name && isCertain);

/** All of a text but the words themselves, as the engine that fills it reads it. */
function partsOf(text: string): readonly Part[] {
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(text);
  } catch {
    // Its only errors are those of the text.
    return [foreign];
  }
  return partsIn(program, true);
}

const partsIn = ({ body }: hbs.AST.Program, isCertain: boolean): readonly Part[] =>
  body.flatMap((statement): readonly Part[] => {
    if (isContent(statement)) return /\{\{|\}\}/.test(statement.value) ? [foreign] : [];
    if (isPlace(statement)) return [{ place: nameOf(statement.path), isCertain }];
    if (!isCondition(statement)) return [foreign];
    return [
      ...statement.params.map((about) => ({ place: nameOf(about), isCertain: false })),
      ...branchesOf(statement).flatMap((branch) => partsIn(branch, false)),
    ];
  });

const isContent = (statement: hbs.AST.Statement): statement is hbs.AST.ContentStatement =>
  statement.type === 'ContentStatement';

const isPlace = (statement: hbs.AST.Statement): statement is hbs.AST.MustacheStatement =>
  isMustache(statement) && statement.escaped && statement.params.length === 0 && !statement.hash;

const isMustache = (statement: hbs.AST.Statement): statement is hbs.AST.MustacheStatement =>
  statement.type === 'MustacheStatement';

const isCondition = (statement: hbs.AST.Statement): statement is hbs.AST.BlockStatement =>
  isBlock(statement) &&
  nameOf(statement.path) === 'if' &&
  statement.params.length === 1 &&
  !statement.hash &&
  branchesOf(statement).every(({ blockParams }) => !blockParams);

/** Two with `{{else}}`, and one alone of `{{#if name}}` as of `{{^if name}}`. */
const branchesOf = ({ program, inverse }: hbs.AST.BlockStatement): readonly hbs.AST.Program[] =>
  [program, inverse].flatMap((branch: hbs.AST.Program | undefined) => branch ?? []);

const isBlock = (statement: hbs.AST.Statement): statement is hbs.AST.BlockStatement =>
  statement.type === 'BlockStatement';

const nameOf = (expression: hbs.AST.Expression): string | undefined =>
  isPath(expression) ? expression.original : undefined;

const isPath = (expression: hbs.AST.Expression): expression is hbs.AST.PathExpression =>
  expression.type === 'PathExpression';

function problemsIn(
  field: keyof Texts,
  text: string,
  offered: readonly string[],
): readonly TextProblem[] {
  const named = partsOf(text).map(({ place }) => place);
  const known = named.filter(isNamed);
  if (known.length < named.length) {
    const message = 'takes {{name}} and {{#if name}} … {{else}} … {{/if}}, and nothing else';
    return [{ field, code: 'INVALID_FORMAT', message }];
  }
  const unknown = known.filter((place) => !offered.includes(place));
  return [...new Set(unknown)].map((place) => ({
    field,
    code: 'UNKNOWN_PLACEHOLDER',
    message: `has {{${place.slice(0, 50)}}}, but the message offers ${offered.join(', ')}`,
  }));
}

const samples: Readonly<Record<string, unknown>> = {
  acknowledgementId: '01998e3a-7d00-7b22-8c33-1d44e55f6077',
  address: 'Seestrasse 4, Lindau',
  amount: '120.00',
  answeredOn: '2027-02-10',
  appealUntil: '2027-06-30',
  assignedBy: '2027-02-03',
  bookingId: '0190b1a0-0000-7000-8000-000000000001',
  checkInTime: '15:00',
  claimAmount: '900.00',
  claimNumber: 'CLM-DEMO-2027-000001',
  company: 'Example Insurance',
  companyName: 'Example Insurance',
  count: 3,
  coverEndedOn: '2027-03-01',
  coverFrom: '2027-03-15',
  coverageAmount: '250000.00',
  currency: 'EUR',
  deadline: 'first review',
  decision: 'granted',
  decisionBy: '2027-03-15',
  delegates: 2,
  delta: '12.00',
  documentId: '01998e3a-7d00-7b22-8c33-1d44e55f6071',
  domain: 'insurance.example',
  dueDate: '2027-02-15',
  effectiveDate: '2027-02-01',
  employee: 'Grace Hopper',
  endpointId: '01998e3a-7d00-7b22-8c33-1d44e55f6076',
  endDate: '2027-12-31',
  endingSoon: 7,
  error: 'the step took too long',
  expired: 2,
  failure: 'the bank declined it',
  failureCode: 'card_declined',
  fileName: 'roof.png',
  finalDate: '2027-03-01',
  graceEndsOn: '2027-03-01',
  ground: 'not covered',
  hasMore: true,
  hasOlderData: true,
  host: 'hooks.insurance.example',
  inGrace: 1,
  incidentDate: '2027-01-10',
  isCompleted: true,
  isWithoutPhone: true,
  items: 'an invoice of the repair',
  kind: 'drift',
  label: '2.0',
  lapsed: 1,
  link: 'https://insurance.example/set-password#sample',
  messages: '* Report Claims is ready\n\nDear Ada Lovelace,\n\nit can be downloaded.',
  name: 'Ada Lovelace',
  newCoverageAmount: '250000.00',
  newCurrency: 'EUR',
  newEndDate: '2028-12-31',
  newPremium: '126.00',
  next: 'Whoever answers until then is not reported any more.',
  nextLetterDate: '2027-03-01',
  nights: 3,
  notificationId: '01998e3a-7d00-7b22-8c33-1d44e55f6072',
  oldCoverageAmount: '200000.00',
  oldCurrency: 'EUR',
  oldEndDate: '2027-06-30',
  oldPremium: '108.00',
  others: 5,
  outcome: 'paid',
  overdueClaims: 1,
  payBy: '2027-01-01 15:30',
  people: 'Grace Hopper, 3 days late; HR is told on 2027-01-04',
  planName: 'Home Standard',
  policies: 'Acceptable use: 12, the longest for 20 days',
  policyNumber: 'POL-DEMO-2027-000001',
  premium: '120.00',
  propertyName: 'House by the lake',
  quorum: 2,
  rating: 5,
  reason: 'the damage is older than the policy',
  refundAmount: '60.00',
  registrationId: '01998e3a-7d00-7b22-8c33-1d44e55f6073',
  reinstateUntil: '2027-04-30',
  reportName: 'Claims of the month',
  reviewDate: '2028-01-01',
  reviewId: '0190b1a0-0000-7000-8000-000000000002',
  reviewUntil: '2028-01-14',
  several: true,
  startDate: '2027-01-01',
  subjects: 'claim/01998e3a-7d00-7b22-8c33-1d44e55f6074',
  submittedOn: '2027-01-04',
  template: 'renewal_reminder',
  templateVersion: 3,
  title: 'Handling of complaints',
  validUntil: '2027-12-31',
  what: 'premium',
};
