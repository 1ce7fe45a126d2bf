#!/bin/bash
# Run by the first start of the database: Temporal gets its own login and databases, and no way
# into ours.
set -euo pipefail
psql --username postgres --dbname postgres --set ON_ERROR_STOP=1 \
  --set password="$TEMPORAL_PASSWORD" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT, TEMPORARY ON DATABASE surety FROM PUBLIC;
SQL
