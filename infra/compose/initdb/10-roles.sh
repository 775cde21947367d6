#!/bin/bash
# Runs once, when the database is created. Creates the roles of TPS (docs/roles.md) and a login for each service.
# The migration grants the roles their rights. No login is a superuser, and no service has the superuser's password.
set -euo pipefail

password() { cat "/run/secrets/db/$1-password"; }

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set database="$POSTGRES_DB" \
  --set migrate="$(password migrate)" --set app="$(password app)" --set worker="$(password worker)" <<'SQL'
CREATE ROLE tps_owner NOLOGIN;
CREATE ROLE tps_api NOLOGIN;
CREATE ROLE tps_worker NOLOGIN;
CREATE ROLE tps_readonly NOLOGIN;
GRANT pg_signal_backend, pg_read_all_stats TO tps_owner;
CREATE ROLE migrate LOGIN PASSWORD :'migrate' IN ROLE tps_owner;
CREATE ROLE app LOGIN PASSWORD :'app' IN ROLE tps_api;
CREATE ROLE worker LOGIN PASSWORD :'worker' IN ROLE tps_worker;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO migrate, app, worker;
GRANT USAGE, CREATE ON SCHEMA public TO tps_owner;
SQL
