/**
 * Who may be given a role has shown that the address is theirs. Of the accounts that are there already
 * it is known where somebody came by an invitation, by a link of those who manage people, or with the
 * approval of a company; the others show it with the next link. The owner sees all of them together
 * only while the wall does not bind it.
 */
const up = `
ALTER TABLE platform.users ADD COLUMN email_confirmed_at timestamptz;
/* To this company; the account's own knows of all. */
ALTER TABLE platform.memberships ADD COLUMN last_login_at timestamptz;

ALTER TABLE platform.users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE platform.memberships NO FORCE ROW LEVEL SECURITY;
ALTER TABLE platform.refresh_tokens NO FORCE ROW LEVEL SECURITY;
ALTER TABLE core.invitations NO FORCE ROW LEVEL SECURITY;
ALTER TABLE core.registration_requests NO FORCE ROW LEVEL SECURITY;
UPDATE platform.users u SET email_confirmed_at = now()
WHERE u.password_hash IS NOT NULL AND u.erased_at IS NULL AND (
  EXISTS (SELECT FROM core.invitations i
    WHERE i.accepted_by = u.id AND i.email = u.email AND i.status = 'accepted')
  OR EXISTS (SELECT FROM core.registration_requests r
    WHERE r.admin_user_id = u.id AND r.admin_email = u.email)
  OR EXISTS (SELECT FROM platform.memberships m
    WHERE m.user_id = u.id AND m.role <> 'policyholder' AND m.created_by = u.created_by)
  OR EXISTS (SELECT FROM platform.memberships m
    WHERE m.user_id = u.id AND m.company_id = '00000000-0000-7000-8000-000000000000'));
/* As far as the sessions are kept; the first token of each is its sign-in. */
UPDATE platform.memberships m SET last_login_at = seen.at
FROM (SELECT company_id, user_id, max(began) AS at
  FROM (SELECT company_id, user_id, min(created_at) AS began
    FROM platform.refresh_tokens GROUP BY company_id, user_id, family_id) AS session
  GROUP BY company_id, user_id) AS seen
WHERE m.company_id = seen.company_id AND m.user_id = seen.user_id;
ALTER TABLE core.registration_requests FORCE ROW LEVEL SECURITY;
ALTER TABLE core.invitations FORCE ROW LEVEL SECURITY;
ALTER TABLE platform.refresh_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE platform.memberships FORCE ROW LEVEL SECURITY;
ALTER TABLE platform.users FORCE ROW LEVEL SECURITY;

/* Anybody may claim a domain; one company has it. */
ALTER TABLE platform.domains DROP CONSTRAINT domains_domain_key;
CREATE UNIQUE INDEX domains_domain_key ON platform.domains (domain) WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX domains_claim_key ON platform.domains (company_id, domain);

/* Every sign-in of an administrator asks for the registration that made them one. */
CREATE INDEX registration_requests_admin_user_idx
  ON core.registration_requests (company_id, admin_user_id) WHERE admin_user_id IS NOT NULL;

/* Workers alone set companies up. */
REVOKE EXECUTE ON FUNCTION app.prepare_business_schema() FROM app_api;
REVOKE EXECUTE ON FUNCTION app.drop_unused_business_schema() FROM app_api;
`;

const down = `
GRANT EXECUTE ON FUNCTION app.drop_unused_business_schema() TO app_api;
GRANT EXECUTE ON FUNCTION app.prepare_business_schema() TO app_api;
DROP INDEX core.registration_requests_admin_user_idx;
DROP INDEX platform.domains_claim_key;
DROP INDEX platform.domains_domain_key;
ALTER TABLE platform.domains NO FORCE ROW LEVEL SECURITY;
DELETE FROM platform.domains d WHERE d.verified_at IS NULL AND EXISTS (
  SELECT FROM platform.domains o
  WHERE o.domain = d.domain AND (o.verified_at IS NOT NULL OR o.id < d.id));
ALTER TABLE platform.domains FORCE ROW LEVEL SECURITY;
ALTER TABLE platform.domains ADD CONSTRAINT domains_domain_key UNIQUE (domain);

ALTER TABLE platform.memberships DROP COLUMN last_login_at;
ALTER TABLE platform.users DROP COLUMN email_confirmed_at;
`;

export const peopleAndDomains = { name: '0033-people-and-domains', up, down };
