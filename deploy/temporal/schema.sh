#!/bin/sh
# Brings Temporal's two databases up to this version's schema; may be repeated.
set -eu
schema() {
  database=$1 folder=$2
  # Says that the version table exists already when it does, which is as good.
  temporal-sql-tool --database "$database" setup-schema --version 0.0 || true
  temporal-sql-tool --database "$database" update-schema \
    --schema-dir "${SCHEMA_DIR:-/etc/temporal/schema}/postgresql/v12/$folder/versioned"
}
schema temporal temporal
schema temporal_visibility visibility
