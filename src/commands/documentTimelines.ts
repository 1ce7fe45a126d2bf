import type { Actor } from '../context.ts';
import { Document } from '../models/Document.ts';
import { withTenant } from '../models/database.ts';
import { scanEndedAt } from '../models/documentScan.ts';
import { getRow } from '../models/rows.ts';
import type { ScanStatus } from '../rules/documents.ts';
import { documentWorkflowId } from '../rules/workflowIds.ts';
import type { Temporal } from './temporal.ts';
import { createTimelines, type PastEvent, type Story, type Timeline } from './timelines.ts';

/** A document, as far as its scan is concerned. */
interface Scanned {
  readonly status: ScanStatus;
  readonly createdAt: Date;
  readonly workflowClosedAt: Date | null;
  readonly isStopped: boolean;
}

async function find(_actor: Actor, id: string): Promise<Scanned> {
  const document = await getRow(Document, id, { archived: true });
  const workflowClosedAt = scanEndedAt(document);
  return {
    status: document.scanStatus,
    createdAt: document.createdAt,
    workflowClosedAt,
    isStopped: workflowClosedAt !== null && document.scanStatus === 'quarantined',
  };
}

const story: Story<Scanned> = {
  noun: 'document',
  workflowId: documentWorkflowId,
  find,
  eventTitles: {},
  isNotice: () => false,
  titleOf: (name) => name,
  consequenceOf: () => '',
  movesOf: ({ workflowClosedAt }) =>
    workflowClosedAt
      ? []
      : [{ event: 'retryStep', who: 'an operator, who does not wait for the next try' }],
  waitsForPerson: () => undefined,
  withoutDate: 'its scan is under way',
};

/** A document has no deadlines and no steps but its scan, which its row tells of. */
export const createDocumentTimelines = (temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>) => {
  const timelines = createTimelines(temporal, story);
  return {
    ...timelines,

    async timeline(actor: Actor, id: string): Promise<Timeline> {
      const told = await timelines.timeline(actor, id);
      const document = await withTenant(actor.companyId, () => find(actor, id));
      return { ...told, past: pastOf(document) };
    },
  };
};

export type DocumentTimelines = ReturnType<typeof createDocumentTimelines>;

function pastOf({ status, createdAt, workflowClosedAt, isStopped }: Scanned): readonly PastEvent[] {
  const event = (at: Date, name: string, title: string, actorType: string): PastEvent => ({
    at,
    kind: 'event',
    name,
    title,
    actorType,
    reason: null,
  });
  const upload = event(createdAt, 'upload', 'Sent in', 'user');
  if (!workflowClosedAt) return [upload];
  return isStopped
    ? [upload, event(workflowClosedAt, 'stop', 'Scan ended by an operator', 'user')]
    : [upload, event(workflowClosedAt, 'scan', scanTitles[status], 'workflow')];
}

const scanTitles: Readonly<Record<ScanStatus, string>> = {
  quarantined: 'Scanned',
  clean: 'Scanned, and clean',
  infected: 'Scanned, and infected',
  unscanned: 'Let through: nothing here scans',
};
