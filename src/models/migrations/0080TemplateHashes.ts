/** A template says what is behind its link. */
const business = {
  up: `
ALTER TABLE templates ADD COLUMN document_sha256 text
  CHECK (document_sha256 IS NULL
    OR (document_sha256 ~ '^[0-9a-f]{64}$' AND document_link IS NOT NULL));
`,
  down: `
ALTER TABLE templates DROP COLUMN document_sha256;
`,
};

export const templateHashes = { name: '0080-template-hashes', business };
