#!/bin/sh
# release.sh <image>: migrates with the new image while the old one still runs (migrations only
# expand), then replaces the worker and the API, and waits until both are healthy.
set -eu
export SURETY_IMAGE="${1:?usage: release.sh <image>}"
cd "$(dirname "$0")"

release() { docker compose --file release.yml "$@"; }

release --profile migrate pull --quiet
release --profile migrate run --rm migrate
release up --detach --wait --wait-timeout 120 worker
release up --detach --wait --wait-timeout 120 api
docker image prune --force >/dev/null
