import { baseColumns, baseIndexes, wall } from './wall.ts';

const up = `
CREATE TABLE property_categories (${baseColumns},
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  segment text NOT NULL CHECK (segment IN ('residential', 'small_commercial')),
  description text CHECK (length(description) <= 2000),
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX property_categories_name_key
  ON property_categories (company_id, lower(name)) WHERE archived_at IS NULL;
${baseIndexes('property_categories')}
${wall('property_categories')}

CREATE TABLE insurance_plans (${baseColumns},
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  property_category_id uuid NOT NULL,
  coverage_level text NOT NULL CHECK (coverage_level IN ('basic', 'standard', 'premium')),
  coverage_amount numeric(20,2) NOT NULL,
  premium numeric(20,2) NOT NULL CHECK (premium > 0),
  premium_minor bigint GENERATED ALWAYS AS ((premium * 100)::bigint) STORED,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  duration_months integer NOT NULL CHECK (duration_months > 0 AND duration_months % 6 = 0),
  description text NOT NULL DEFAULT '' CHECK (length(description) <= 5000),
  is_active boolean NOT NULL DEFAULT true,
  lifecycle_config jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, property_category_id)
    REFERENCES property_categories (company_id, id) ON DELETE RESTRICT,
  CHECK (coverage_amount > premium),
  CHECK (premium < 92233720368547758)
);
CREATE UNIQUE INDEX insurance_plans_name_key
  ON insurance_plans (company_id, lower(name)) WHERE archived_at IS NULL;
CREATE INDEX insurance_plans_premium_idx ON insurance_plans (company_id, premium_minor, id);
CREATE INDEX insurance_plans_category_idx ON insurance_plans (company_id, property_category_id);
CREATE INDEX insurance_plans_level_idx ON insurance_plans (company_id, coverage_level);
CREATE INDEX insurance_plans_active_idx ON insurance_plans (company_id, is_active);
${baseIndexes('insurance_plans')}
${wall('insurance_plans')}
`;

const down = `
DROP TABLE insurance_plans;
DROP TABLE property_categories;
`;

export const catalogue = { name: '0003-catalogue', business: { up, down } };
