/**
 * How many timers are overdue, over all companies, is the relay's to count: when scheduled ones are
 * due is all it sees of them.
 */
const up = `
CREATE INDEX timers_overdue_idx ON core.timers (due_at) WHERE status = 'scheduled';
CREATE POLICY relay ON core.timers FOR SELECT TO app_relay USING (status = 'scheduled');
GRANT SELECT (due_at, status) ON core.timers TO app_relay;
`;

const down = `
REVOKE SELECT (due_at, status) ON core.timers FROM app_relay;
DROP POLICY relay ON core.timers;
DROP INDEX core.timers_overdue_idx;
`;

export const overdueTimers = { name: '0017-overdue-timers', up, down };
