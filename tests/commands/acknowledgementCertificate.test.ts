import { certificateOf } from '../../src/commands/acknowledgementCertificate.ts';
import { contentHash } from '../../src/models/CompliancePolicyVersion.ts';
import { sign } from '../../src/models/evidence.ts';

const certified = (content: string | null, documentSha256: string | null) => {
  const { evidence, hash } = sign(
    {
      acknowledgementId: '01998e3a-b150-7f60-8c85-91a314253647',
      policyId: '01998e3a-c150-7f70-8c95-91a314253647',
      policyVersion: 1,
      employeeId: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
      contentSha256: contentHash(content),
      documentSha256,
      title: 'Clean desk',
      label: '1.0',
      statement: 'I have read it.',
      at: '2026-02-02T10:00:00.000Z',
      openedAt: null,
      scrolledAt: null,
      previousHash: null,
    },
    { name: 'Ada', typedName: 'Ada', ip: null, userAgent: null },
  );
  const asked = { id: evidence.acknowledgementId, onTime: true };
  const company = { name: 'Acme', timeZone: 'Europe/Berlin' };
  return certificateOf(asked, evidence, hash, company).references.filter(([name]) =>
    name.endsWith('SHA-256'),
  );
};

const evidence = ['Evidence, SHA-256', expect.stringMatching(/^[0-9a-f]{64}$/)];

describe('the certificate of an acknowledgement', () => {
  it('names the hash of the text, and that of the file where one is linked', () => {
    expect(certified('Lock it', 'a'.repeat(64))).toEqual([
      ['Text, SHA-256', contentHash('Lock it')],
      ['File, SHA-256', 'a'.repeat(64)],
      evidence,
    ]);
  });

  it('names no text where a file is all there is to read', () => {
    expect(certified(null, 'a'.repeat(64))).toEqual([['File, SHA-256', 'a'.repeat(64)], evidence]);
  });
});
