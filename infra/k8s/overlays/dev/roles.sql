-- API and workers log in as tps, which does not own the tables: it can neither alter them nor disable the triggers that make
-- the logs append-only. The migration grants the roles their rights (docs/roles.md).
CREATE ROLE tps_owner LOGIN;
CREATE ROLE tps_api;
CREATE ROLE tps_worker;
CREATE ROLE tps_readonly;
GRANT pg_signal_backend, pg_read_all_stats TO tps_owner;
CREATE ROLE tps LOGIN IN ROLE tps_api, tps_worker;
CREATE DATABASE tps OWNER tps_owner;
