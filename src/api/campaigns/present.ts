import type { MovedRequests } from '../../commands/campaignChanges.ts';
import type { CampaignChanged, CampaignProgress, CampaignView } from '../../commands/campaigns.ts';
import { presentStep } from '../companies/present.ts';

export const presentCampaign = (row: CampaignView) => ({
  id: row.id,
  policy_id: row.policyId,
  name: row.name,
  audience_customer_id: row.audienceCustomerId,
  audience_role: row.audienceRole,
  audience_department: row.audienceDepartment,
  due_days: row.dueDays,
  allow_decline: row.allowDecline,
  allow_exemption: row.allowExemption,
  settings: {
    remind_before: row.settings.remindBefore && [...row.settings.remindBefore],
    overdue_every_days: row.settings.overdueEveryDays,
    escalate_hr_days: row.settings.escalateHrDays,
    escalate_exec_days: row.settings.escalateExecDays,
  },
  status: row.status,
  launched_at: row.launchedAt?.toISOString() ?? null,
  paused_on: row.pausedOn,
  paused_days: row.pausedDays,
  ended_at: row.endedAt?.toISOString() ?? null,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  archived_at: row.archivedAt?.toISOString() ?? null,
  version: row.version,
});

export const presentChangedCampaign = ({ campaign, dryRun, people, moved }: CampaignChanged) => ({
  ...presentCampaign(campaign),
  dry_run: dryRun,
  people,
  moved: moved.map(presentMoved),
});

const presentMoved = (group: MovedRequests) => ({
  status: group.status,
  people: group.people,
  due_date: group.dueDate,
  new_due_date: group.newDueDate,
  before: group.before.map(presentStep),
  after: group.after.map(presentStep),
});

export const presentCampaignProgress = ({
  status,
  isAsking,
  counts,
  percentage,
  ageing,
}: CampaignProgress) => ({
  status,
  is_asking: isAsking,
  pending_count: counts.pending,
  acknowledged_count: counts.acknowledged,
  declined_count: counts.declined,
  exempted_count: counts.exempted,
  superseded_count: counts.superseded,
  cancelled_count: counts.cancelled,
  compliance_percentage: percentage,
  ageing: {
    not_due: ageing.notDue,
    overdue_1_to_7: ageing.upTo7,
    overdue_8_to_14: ageing.upTo14,
    overdue_over_14: ageing.over14,
  },
});
