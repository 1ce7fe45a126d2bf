/** Whoever is erased is found on what came to nothing: the account is gone with the address. */
const up = `
CREATE POLICY identity ON core.registration_requests TO app_auth
  USING (status IN ('rejected', 'expired')) WITH CHECK (status IN ('rejected', 'expired'));
GRANT SELECT (admin_email, status), UPDATE (admin_user_id)
  ON core.registration_requests TO app_auth;
`;

const down = `
REVOKE SELECT (admin_email, status), UPDATE (admin_user_id)
  ON core.registration_requests FROM app_auth;
DROP POLICY identity ON core.registration_requests;
`;

export const declinedRegistrations = { name: '0093-declined-registrations', up, down };
