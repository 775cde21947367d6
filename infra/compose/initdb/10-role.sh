#!/bin/bash
# Runs once, when the database is made: the role that tps works with. It may create its tables in this database, and is
# no superuser; nor does it know the superuser's password.
set -euo pipefail

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$(cat /run/secrets/db/tps-password)" --set database="$POSTGRES_DB" <<'SQL'
CREATE ROLE tps LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO tps;
GRANT USAGE, CREATE ON SCHEMA public TO tps;
SQL
