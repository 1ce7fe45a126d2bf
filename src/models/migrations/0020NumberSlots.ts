/**
 * A series of numbers gets several rows, each with every 16th number, so that one sale does not wait
 * for the commit of another. Numbers go on where they were. As owner of the table the migration is
 * held back by the wall like everybody; nobody else can reach the table until it commits.
 */
const open = 'ALTER TABLE core.counters NO FORCE ROW LEVEL SECURITY;';
const close = 'ALTER TABLE core.counters FORCE ROW LEVEL SECURITY;';

const up = `
${open}
ALTER TABLE core.counters ADD COLUMN slot smallint NOT NULL DEFAULT 0;
ALTER TABLE core.counters DROP CONSTRAINT counters_pkey;
ALTER TABLE core.counters ADD PRIMARY KEY (company_id, name, slot);
UPDATE core.counters SET value = value + 1;
INSERT INTO core.counters (company_id, name, slot, value, created_at)
  SELECT company_id, name, n, value + n, created_at
  FROM core.counters, generate_series(1, 15) AS n;
ALTER TABLE core.counters ALTER COLUMN slot DROP DEFAULT, ALTER COLUMN value DROP DEFAULT;
${close}
`;

const down = `
${open}
UPDATE core.counters AS c SET value = (
  SELECT max(s.value) - 16 FROM core.counters AS s
  WHERE s.company_id = c.company_id AND s.name = c.name)
WHERE slot = 0;
DELETE FROM core.counters WHERE slot > 0;
ALTER TABLE core.counters DROP CONSTRAINT counters_pkey;
ALTER TABLE core.counters DROP COLUMN slot;
ALTER TABLE core.counters ADD PRIMARY KEY (company_id, name);
ALTER TABLE core.counters ALTER COLUMN value SET DEFAULT 0;
${close}
`;

export const numberSlots = { name: '0020-number-slots', up, down };
