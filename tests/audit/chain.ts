import { v7 as uuid } from 'uuid';
import { AuditLog } from '../../src/models/AuditLog.ts';
import { sealBatch, sealNext } from '../../src/models/auditSeals.ts';
import { append, withTenant } from '../../src/models/database.ts';

type Lines = readonly Readonly<Record<string, unknown>>[];

/** Audit lines with values of every kind, some of them about a person, in the open transaction. */
export const appendLines = (lines: Lines): string[] =>
  lines.map((line, index) =>
    append(AuditLog, {
      timestamp: new Date(),
      actorId: uuid(),
      actorType: 'user',
      action: 'UPDATE',
      entityType: 'policy',
      entityId: uuid(),
      before: { policyholderName: `Ada ${index}`, premium: '120.00', terms: 1 },
      after: {
        policyholderName: `Ida ${index}`,
        premium: '121.00',
        contact: { email: 'a@b.example' },
      },
      requestId: `req_${index}`,
      ip: `192.0.2.${index % 250}`,
      userAgent: 'Mozilla/5.0',
      ...line,
    }),
  );

/** @returns their ids */
export const writeLines = (companyId: string, lines: Lines): Promise<string[]> =>
  withTenant(companyId, async () => appendLines(lines));

/** Until there is nothing left to seal. */
export async function sealAll(): Promise<void> {
  while ((await sealNext()) === sealBatch);
}
