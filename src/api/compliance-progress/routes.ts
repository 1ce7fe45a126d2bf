import type { ComplianceProgress, Progress } from '../../commands/complianceProgress.ts';
import { csvLine } from '../csv.ts';
import { listRoute, rawRoute, type Route } from '../route.ts';
import { progressAnswer, progressExample, progressExportQuery, progressQuery } from './schema.ts';

const tag = 'Acknowledgements';

const presentProgress = (group: Progress) => ({
  id: group.id,
  name: group.name,
  acknowledged_count: group.acknowledged,
  pending_count: group.pending,
  declined_count: group.declined,
  exempted_count: group.exempted,
  compliance_percentage: group.percentage,
  status: group.status,
  is_asking: group.isAsking,
});

export const complianceProgressRoutes = ({
  complianceProgress,
}: {
  readonly complianceProgress: ComplianceProgress;
}): Route[] => [
  listRoute({
    path: '/compliance/progress',
    tag,
    permission: 'ack:read_all',
    summary: 'How far people are, by customer, compliance, department or policy',
    query: progressQuery,
    answer: presentProgress,
    answerSchema: progressAnswer,
    handle: ({ actor, query }) => complianceProgress.by(actor, query),
    examples: { answer: progressExample },
  }),
  rawRoute({
    method: 'GET',
    path: '/compliance/progress/export',
    tag,
    permission: 'ack:read_all',
    summary: 'The same as CSV',
    query: progressExportQuery,
    mediaType: 'text/csv; charset=utf-8',
    async handle({ actor, query, setHeader }) {
      setHeader('Content-Disposition', `attachment; filename="progress-by-${query.by}.csv"`);
      return (await complianceProgress.lines(actor, query)).map(csvLine).join('');
    },
  }),
];
