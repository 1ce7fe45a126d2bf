/** The statement as it is where the function is there already. */
export const replacing = (sql: string): string =>
  sql.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION');

/**
 * The functions that erase a person in the audit, which a migration makes or replaces.
 * @param personal names whose values are erased; the last migration's are those of
 *   `rules/personalFields.ts`, which a test compares
 * @param entityTypes of the objects that are a person's
 * @param subjects as what whoever is erased is told of
 */
export function eraseFunctions(
  personal: readonly string[],
  entityTypes: readonly string[],
  subjects: readonly string[] = ['user'],
) {
  const names = `'{${personal.join(',')}}'::text[]`;
  const listed = (types: readonly string[]): string => types.map((type) => `'${type}'`).join(', ');

  const isMarker = (text: string): string => `${text} ~ '^~[0-9a-f]{64}$'`;

  /** What `createDigest` computes, with the sign before it that tells what was erased. */
  const marker = (text: string): string => `CASE WHEN ${isMarker(text)} THEN ${text}
  ELSE '~' || encode(sha256(convert_to(right(secret, 64) || encode(sha256(convert_to(
    left(secret, 64) || ${text}, 'UTF8')), 'hex'), 'UTF8')), 'hex') END`;

  /** The object with its personal values replaced; flat ones, which most are, without a function's call. */
  const members = (object: string, isPersonal: string): string => `(
  SELECT coalesce(jsonb_object_agg(m.key, CASE jsonb_typeof(m.value)
    WHEN 'string' THEN CASE WHEN ${isPersonal} OR m.key = ANY (${names})
      THEN to_jsonb(${marker(`(m.value #>> '{}')`)}) ELSE m.value END
    WHEN 'object' THEN app.erased_value(m.value, ${isPersonal} OR m.key = ANY (${names}), secret)
    WHEN 'array' THEN app.erased_value(m.value, ${isPersonal} OR m.key = ANY (${names}), secret)
    ELSE m.value END), '{}')
  FROM jsonb_each(${object}) AS m)`;

  const erasedValue = `
CREATE FUNCTION app.erased_value(value jsonb, is_personal boolean, secret text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'string' THEN CASE WHEN is_personal
      THEN to_jsonb(${marker(`(value #>> '{}')`)}) ELSE value END
    WHEN 'object' THEN ${members('value', 'is_personal')}
    WHEN 'array' THEN (
      SELECT coalesce(jsonb_agg(app.erased_value(e.value, is_personal, secret) ORDER BY e.place), '[]')
      FROM jsonb_array_elements(value) WITH ORDINALITY AS e (value, place))
    ELSE value END;
END $$;
REVOKE EXECUTE ON FUNCTION app.erased_value(jsonb, boolean, text) FROM PUBLIC;
`;

  const facts = (column: string): string =>
    `CASE WHEN l.is_about AND jsonb_typeof(l.${column}) = 'object'
    THEN ${members(`l.${column}`, 'false')} ELSE l.${column} END`;

  const origin = (column: string): string =>
    `CASE WHEN coalesce(l.actor_id = subject, true) THEN ${marker(`l.${column}`)} ELSE l.${column} END`;

  /**
   * What `app.erase_in_audit` does with up to `most` lines behind the one with the id `behind`. Lines about
   * the person, or about an object of theirs, lose their personal values. Lines in which the person acted
   * lose address and browser, and so do, where nobody was signed in, those about the person and those of
   * the named requests. It asks for the line that tells of the erasure, so that none happens unseen. The
   * answer is the last line's id, NULL behind the last of all.
   */
  const eraseInAuditBody = `
DECLARE
  company uuid := app.company_id();
  about uuid[] := objects || subject;
  secret text;
  reached uuid;
BEGIN
  IF NOT EXISTS (SELECT FROM core.audit_logs
    WHERE company_id = company AND entity_type IN (${listed(subjects)}) AND entity_id = subject AND action = 'ERASE') THEN
    RAISE insufficient_privilege USING MESSAGE = 'the audit does not tell of this erasure';
  END IF;
  INSERT INTO core.audit_keys (company_id, key)
    SELECT company, string_agg(replace(gen_random_uuid()::text, '-', ''), '') FROM generate_series(1, 4)
    ON CONFLICT DO NOTHING;
  SELECT k.key INTO STRICT secret FROM core.audit_keys k WHERE k.company_id = company;
  WITH batch AS MATERIALIZED (
    SELECT l.id, l.timestamp, l.actor_id, l.before, l.after, l.ip, l.user_agent,
      coalesce(l.entity_id = ANY (about), false) AS is_about
    FROM core.audit_logs l
    WHERE l.company_id = company AND l.id > behind
      AND (l.actor_id = subject OR (l.actor_id IS NULL AND l.request_id = ANY (requests)) OR (l.entity_id = ANY (about) AND l.entity_type IN
        (${listed(entityTypes)})))
    ORDER BY l.id LIMIT most),
  erased AS MATERIALIZED (
    SELECT l.id, l.timestamp, ${facts('before')} AS before, ${facts('after')} AS after,
      ${origin('ip')} AS ip, ${origin('user_agent')} AS user_agent
    FROM batch l),
  replaced AS (
    UPDATE core.audit_logs a
    SET before = e.before, after = e.after, ip = e.ip, user_agent = e.user_agent
    FROM erased e
    WHERE a.company_id = company AND a.id = e.id AND a.timestamp = e.timestamp
      AND (a.before, a.after, a.ip, a.user_agent)
        IS DISTINCT FROM (e.before, e.after, e.ip, e.user_agent))
  SELECT b.id INTO reached FROM batch b ORDER BY b.id DESC LIMIT 1;
  RETURN reached;
END `;

  /** Allow-listed by the self-check, which compares the body. */
  const eraseInAudit = `
CREATE FUNCTION app.erase_in_audit(subject uuid, objects uuid[], requests text[], behind uuid, most integer) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$${eraseInAuditBody}$$;
REVOKE EXECUTE ON FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer) TO app_api;
`;

  return { erasedValue, eraseInAuditBody, eraseInAudit };
}
