#!/bin/sh
# Makes the passwords and keys of docker-compose.yml, one file a service in deploy/secrets, each with
# no more than that service needs. Existing ones stay: the database knows only the passwords of its
# first start.
set -eu
umask 077
cd "$(dirname "$0")"

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# What the simulated payment gateway shares with the API and the worker.
gateway() {
  key=$(random) webhook=$(random)
  printf 'GATEWAY_KEY=%s\nGATEWAY_WEBHOOK_SECRET=%s\n' "$key" "$webhook" > "$1/gateway.env"
  for name in api worker; do
    printf 'PAYMENT_GATEWAY_KEY=%s\nPAYMENT_WEBHOOK_SECRET=%s\n' "$key" "$webhook" >> "$1/$name.env"
  done
}

if [ -e secrets/api.env ] && ! grep -q '^METRICS_TOKEN=' secrets/api.env; then
  printf 'METRICS_TOKEN=%s\n' "$(random)" >> secrets/api.env
  echo "The token of the API's figures is in deploy/secrets/api.env now."
  if [ -e secrets/gateway.env ]; then exit 0; fi
fi
if [ -e secrets/gateway.env ]; then
  echo "deploy/secrets is there already: nothing changed."
  exit 0
fi
if [ -e secrets/api.env ]; then
  gateway secrets
  echo "The keys of the payment gateway are in deploy/secrets now; nothing else changed."
  exit 0
fi

admin=$(random) temporal=$(random) api=$(random) worker=$(random)
keys="SECRET_KEY=$(random)
JWT_SECRET_KEY=$(random)"
# Ed25519 in PKCS#8: a fixed beginning, then the 32 bytes of the key.
signing=$( (printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'; head -c 32 /dev/urandom) | base64 | tr -d '\n')
at=postgres:5432/surety

draft=secrets.$$
mkdir "$draft"
cat > "$draft/postgres.env" <<EOF
POSTGRES_PASSWORD=$admin
TEMPORAL_PASSWORD=$temporal
EOF
cat > "$draft/temporal.env" <<EOF
POSTGRES_PWD=$temporal
SQL_PASSWORD=$temporal
EOF
cat > "$draft/migrate.env" <<EOF
DATABASE_MIGRATE_URL=postgres://postgres:$admin@$at
DATABASE_URL=postgres://app_api:$api@$at
DATABASE_WORKER_URL=postgres://app_worker:$worker@$at
EOF
cat > "$draft/api.env" <<EOF
DATABASE_URL=postgres://app_api:$api@$at
$keys
METRICS_TOKEN=$(random)
EOF
cat > "$draft/worker.env" <<EOF
DATABASE_URL=postgres://app_worker:$worker@$at
$keys
AUDIT_SIGNING_KEY=$signing
EOF
gateway "$draft"
mv "$draft" secrets
echo "Passwords and keys are in deploy/secrets."
