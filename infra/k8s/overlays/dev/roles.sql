-- Who owns the tables is not who serves: the login tps is a member of the roles of API and workers, cannot alter the tables,
-- nor switch off what makes the logs append-only. The migration grants the roles what they need (docs/roles.md).
CREATE ROLE tps_owner LOGIN;
CREATE ROLE tps_api;
CREATE ROLE tps_worker;
CREATE ROLE tps_readonly;
GRANT pg_signal_backend, pg_read_all_stats TO tps_owner;
CREATE ROLE tps LOGIN IN ROLE tps_api, tps_worker;
CREATE DATABASE tps OWNER tps_owner;
