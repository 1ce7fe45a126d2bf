#!/bin/sh
# Creates the namespace; may be repeated. Closed runs stay for 30 days.
set -eu
# By number: the client's own look-up of a one-word name is not dependable here.
host=${TEMPORAL_HOST:-temporal}
TEMPORAL_ADDRESS="$(getent ahosts "$host" | awk '/STREAM/ { print $1; exit }'):${TEMPORAL_PORT:-7233}"
export TEMPORAL_ADDRESS

for attempt in 1 2 3 4 5 6 7 8 9 10 11 12; do
  if temporal operator cluster health; then break; fi
  [ "$attempt" -lt 12 ] || exit 1
  sleep 5
done
temporal operator namespace describe --namespace "$NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$NAMESPACE" --retention 720h
