import { Readable } from 'node:stream';
import type {
  EvidencePacks,
  EvidencePackView,
  PackFile,
  PackFormat,
} from '../../commands/evidencePacks.ts';
import { csvLine } from '../csv.ts';
import { listRoute, rawRoute, type Route } from '../route.ts';
import {
  evidencePackAnswer,
  evidencePackExample,
  evidencePackFileQuery,
  evidencePackPath,
  evidencePacksQuery,
} from './schema.ts';

const tag = 'Compliance';

const presentEvidencePack = (pack: EvidencePackView) => ({
  id: pack.id,
  customer_compliance_id: pack.customerComplianceId,
  audit_date: pack.auditDate,
  acknowledged_count: pack.acknowledged,
  pending_count: pack.pending,
  declined_count: pack.declined,
  exempted_count: pack.exempted,
  compliance_percentage: pack.compliancePercentage,
  sha256: pack.sha256,
  frozen_at: pack.createdAt.toISOString(),
  completed_by: pack.completedBy,
});

const mediaTypeOf = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
} as const satisfies Readonly<Record<PackFormat, string>>;

const columns = [
  'id',
  'policy_id',
  'policy_version',
  'employee_id',
  'status',
  'acknowledged_at',
  'evidence_hash',
] as const;

async function* textsOf(file: PackFile): AsyncGenerator<string> {
  if (file.format === 'json') {
    yield* file.texts;
    return;
  }
  yield csvLine(columns);
  for await (const lines of file.pages) {
    yield lines.map((line) => csvLine(columns.map((name) => line[name]))).join('');
  }
}

export const evidencePackRoutes = ({
  evidencePacks,
}: {
  readonly evidencePacks: EvidencePacks;
}): Route[] => [
  listRoute({
    path: '/evidence-packs',
    tag,
    permission: 'ack:read_all',
    summary: 'What completed audits have seen; frozen then, and never changed',
    businessRules: true,
    query: evidencePacksQuery,
    answer: presentEvidencePack,
    answerSchema: evidencePackAnswer,
    handle: ({ actor, query }) => evidencePacks.list(actor, query),
    examples: { answer: evidencePackExample },
  }),
  rawRoute({
    method: 'GET',
    path: '/evidence-packs/:id/download',
    tag,
    permission: 'ack:read_all',
    summary: 'Everybody and every document that an audit has seen, as a file',
    params: evidencePackPath,
    query: evidencePackFileQuery,
    mediaType: ({ format }) => mediaTypeOf[format],
    mediaTypes: Object.values(mediaTypeOf),
    async handle({ actor, params, query: { format }, setHeader }) {
      const file = await evidencePacks.download(actor, params.id, format);
      setHeader('Content-Disposition', `attachment; filename="evidence-${params.id}.${format}"`);
      return Readable.from(textsOf(file), { objectMode: false });
    },
  }),
];
