/**
 * Whether the company of the transaction is suspended, and the person does not work there (nobody at all
 * is an address without an account). A function, so that many messages in one statement are planned at once.
 */
const up = `
CREATE FUNCTION app.is_cut_off(person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM platform.companies c
      WHERE c.id = app.company_id() AND c.status = 'suspended') THEN
    RETURN false;
  END IF;
  RETURN NOT EXISTS (SELECT 1 FROM platform.memberships m
    WHERE m.company_id = app.company_id() AND m.user_id = person AND m.role <> 'policyholder'
      AND m.is_active AND m.archived_at IS NULL AND m.valid_from <= now()
      AND (m.valid_to IS NULL OR m.valid_to > now()));
END $$;
REVOKE EXECUTE ON FUNCTION app.is_cut_off(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_cut_off(uuid) TO app_api, app_worker, app_auth;
`;

const down = 'DROP FUNCTION app.is_cut_off(uuid);';

export const suspendedCompanies = { name: '0066-suspended-companies', up, down };
