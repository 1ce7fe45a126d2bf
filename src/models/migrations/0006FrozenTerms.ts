/**
 * The lifecycle numbers that a term was sold with. Null in terms sold before: those follow the plan as
 * it is. Nothing is filled in, because nobody knows any more what was in force at their sale.
 */
const up = `
ALTER TABLE subscription_terms
  ADD COLUMN lifecycle jsonb CHECK (jsonb_typeof(lifecycle) = 'object');
`;

const down = `
ALTER TABLE subscription_terms DROP COLUMN lifecycle;
`;

export const frozenTerms = { name: '0006-frozen-terms', business: { up, down } };
