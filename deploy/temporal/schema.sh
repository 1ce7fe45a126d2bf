#!/bin/sh
# Brings Temporal's two databases up to this version's schema; may be repeated.
set -eu
schema() {
  database=$1 folder=$2
  # Leaves a version that is there as it is.
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema \
    --schema-dir "${SCHEMA_DIR:-/etc/temporal/schema}/postgresql/v12/$folder/versioned"
}
schema temporal temporal
schema temporal_visibility visibility
