/** A scan that an operator ended: the document stays in quarantine, and nobody starts it again. */
const business = {
  up: `
ALTER TABLE documents ADD COLUMN scan_stopped_at timestamptz;
`,
  down: `
ALTER TABLE documents DROP COLUMN scan_stopped_at;
`,
};

export const stoppedScans = { name: '0037-stopped-scans', business };
