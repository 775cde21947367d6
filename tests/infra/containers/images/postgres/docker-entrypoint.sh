#!/bin/bash
# The part of the real image's script that Compose uses. On the first start it creates the database and runs the files of
# /docker-entrypoint-initdb.d. Meanwhile the server listens on its socket only, so health checks fail until it is complete.
# Then the script starts the server.
set -euo pipefail

secret() {  # VARIABLE: its value, or the content of the file named by VARIABLE_FILE
  local file=$1_FILE
  if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!1:-}"; fi
}

initialise() {
  export POSTGRES_USER=${POSTGRES_USER:-postgres}
  export POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
  POSTGRES_PASSWORD=$(secret POSTGRES_PASSWORD)
  [ -n "$POSTGRES_PASSWORD" ] || { echo "POSTGRES_PASSWORD is not set" >&2 && exit 1; }
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  pg_ctl -w start -o "-c listen_addresses=''"
  createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) "$file" ;;
      *.sql) psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file "$file" ;;
    esac
  done
  pg_ctl -m fast -w stop
}

if [ "$1" != postgres ]; then exec "$@"; fi
[ -s "$PGDATA/PG_VERSION" ] || initialise
exec "$@" -c "listen_addresses=*"
