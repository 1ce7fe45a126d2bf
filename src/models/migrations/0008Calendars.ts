import { baseColumns, baseIndexes, wall } from './wall.ts';

/** When each company works. A company without a row works Monday to Friday, nine to five. */
const up = `
CREATE TABLE core.calendars (${baseColumns},
  time_zone text NOT NULL,
  working_days jsonb NOT NULL
    CHECK (jsonb_typeof(working_days) = 'array' AND jsonb_array_length(working_days) BETWEEN 1 AND 7),
  working_hours jsonb NOT NULL CHECK (jsonb_typeof(working_hours) = 'object'),
  holidays jsonb NOT NULL DEFAULT '[]'
    CHECK (jsonb_typeof(holidays) = 'array' AND jsonb_array_length(holidays) <= 1000),
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX calendars_company_key ON core.calendars (company_id);
${baseIndexes('core.calendars')}
${wall('core.calendars')}
`;

const down = `
DROP TABLE core.calendars;
`;

export const calendars = { name: '0008-calendars', up, down };
