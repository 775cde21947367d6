-- min_binary: 2
-- Rights that let API and workers log in with no more than they need. roles.sql says which role has which.

-- FOR UPDATE asks for the right to UPDATE some column. No session reads or writes this one, so a login that may
-- change nothing can lock a lock row.
ALTER TABLE partitions ADD COLUMN lock_right boolean;
ALTER TABLE readers ADD COLUMN lock_right boolean;

-- Ends the session of another login that has held this lock row for long and waits for its client: an instance that was
-- stopped. They run with the rights of their owner, so they choose whom themselves, never a superuser, and resolve no name
-- by the caller's search_path. The conditions are those of postgres_append.cpp.
CREATE FUNCTION end_partition_holder(of_partition smallint) RETURNS boolean LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(bool_or(pg_catalog.pg_terminate_backend(a.pid)), false)
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid AND NOT r.rolsuper
   WHERE l.locktype = 'transactionid' AND l.granted AND a.wait_event = 'ClientRead'
     AND pg_catalog.clock_timestamp() - a.state_change > interval '1500 milliseconds'
     AND l.transactionid = (SELECT p.xmax FROM partitions p WHERE p.partition = of_partition);
END;
CREATE FUNCTION end_reader_holder(of_partition smallint) RETURNS boolean LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(bool_or(pg_catalog.pg_terminate_backend(a.pid)), false)
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid AND NOT r.rolsuper
   WHERE l.locktype = 'transactionid' AND l.granted AND a.wait_event = 'ClientRead'
     AND pg_catalog.clock_timestamp() - a.state_change > interval '1500 milliseconds'
     AND l.transactionid = (SELECT p.xmax FROM readers p WHERE p.partition = of_partition AND p.reader = 'settlement');
END;
REVOKE ALL ON FUNCTION end_partition_holder(smallint), end_reader_holder(smallint) FROM PUBLIC;
