-- Who owns the tables is not who serves: the role tps cannot alter them, nor switch off what makes the logs append-only.
CREATE ROLE tps_owner LOGIN;
CREATE ROLE tps LOGIN;
CREATE DATABASE tps OWNER tps_owner;
\connect tps
ALTER DEFAULT PRIVILEGES FOR ROLE tps_owner GRANT SELECT, INSERT, UPDATE ON TABLES TO tps;
