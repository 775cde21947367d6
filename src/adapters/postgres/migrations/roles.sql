-- The rights of each role. Runs after the migrations, in their transaction, each time, and changes only what
-- is not so yet: a start takes no lock on the tables, and writes nothing to the catalog, when all is as it should be.
-- docs/roles.md explains the roles and what to do where they cannot be made.

-- The roles belong to the whole server. A login that may make roles makes those that are missing, and joins the owner.
DO $$
DECLARE
  me CONSTANT pg_roles := (SELECT r FROM pg_roles r WHERE r.rolname = current_user);
  name text;
BEGIN
  IF NOT (me.rolsuper OR me.rolcreaterole) THEN RETURN; END IF;
  FOREACH name IN ARRAY ARRAY['tps_owner', 'tps_api', 'tps_worker', 'tps_readonly'] LOOP
    IF to_regrole(name) IS NULL THEN EXECUTE format('CREATE ROLE %I NOLOGIN', name); END IF;
  END LOOP;
  BEGIN
    IF me.rolinherit AND NOT pg_has_role('tps_owner', 'USAGE') THEN GRANT tps_owner TO CURRENT_USER; END IF;
  EXCEPTION WHEN insufficient_privilege THEN NULL;
  END;
  BEGIN
    -- To end the stuck sessions of other logins (0003_rights.sql).
    IF NOT pg_has_role('tps_owner', 'pg_signal_backend', 'USAGE') THEN GRANT pg_signal_backend TO tps_owner; END IF;
    IF NOT pg_has_role('tps_owner', 'pg_read_all_stats', 'USAGE') THEN GRANT pg_read_all_stats TO tps_owner; END IF;
  EXCEPTION WHEN insufficient_privilege THEN NULL;
  END;
END $$;

-- Everything belongs to tps_owner, if that takes nothing from who migrates: as its member he goes on having all rights.
-- And of what is there, nothing is everybody's.
DO $$
DECLARE
  owner CONSTANT regrole := to_regrole('tps_owner');
  space CONSTANT text := current_schema();
  may_give_away boolean := owner IS NOT NULL AND pg_has_role(owner, 'USAGE');
  thing record;
BEGIN
  IF may_give_away AND NOT has_schema_privilege(owner, space, 'CREATE') THEN
    may_give_away := has_schema_privilege(space, 'CREATE WITH GRANT OPTION');
    IF may_give_away THEN EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO tps_owner', space); END IF;
  END IF;
  FOR thing IN
    SELECT 'TABLE' AS kind, oid::regclass::text AS name, relowner AS owned_by,
           EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0) AS is_open
      FROM pg_class
     WHERE relnamespace = to_regnamespace(space)
       AND relname IN ('store', 'partitions', 'readers', 'currencies', 'transaction_log', 'settlement_log', 'accounts',
                       'holds', 'reversals', 'totals', 'transactions', 'api_key_log',
                       'epoch_log')
    UNION ALL
    -- 0003_rights.sql took these from everybody; a copy that was restored without its privileges has lost that.
    SELECT 'FUNCTION', oid::regprocedure::text, proowner,
           proname LIKE 'end\_%' AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
      FROM pg_proc
     WHERE pronamespace = to_regnamespace(space)
       AND proname IN ('refuse_rewriting', 'end_partition_holder', 'end_reader_holder', 'find_api_key')
  LOOP
    CONTINUE WHEN NOT pg_has_role(thing.owned_by, 'USAGE');
    IF thing.is_open THEN EXECUTE format('REVOKE ALL ON %s %s FROM PUBLIC', thing.kind, thing.name); END IF;
    IF may_give_away AND thing.owned_by <> owner THEN
      EXECUTE format('ALTER %s %s OWNER TO tps_owner', thing.kind, thing.name);
    END IF;
  END LOOP;
END $$;

-- The grants. Only the owner may UPDATE, DELETE or TRUNCATE a log.
DO $$
DECLARE
  space CONSTANT text := current_schema();
  wanted record;
BEGIN
  IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'store'::regclass), 'USAGE') THEN RETURN; END IF;
  FOR wanted IN
    SELECT * FROM (VALUES
      -- The API appends to the log, and reads. The cache's secret is its own.
      ('tps_api',      'SELECT', 'store',           NULL::text[]),
      ('tps_api',      'SELECT', 'partitions',      NULL),
      ('tps_api',      'UPDATE', 'partitions',      '{lock_right}'),
      ('tps_api',      'SELECT', 'currencies',      NULL),
      ('tps_api',      'INSERT', 'currencies',      NULL),
      ('tps_api',      'SELECT', 'transaction_log', NULL),
      ('tps_api',      'INSERT', 'transaction_log', NULL),
      ('tps_api',      'SELECT', 'settlement_log',  NULL),
      ('tps_api',      'SELECT', 'accounts',        NULL),
      ('tps_api',      'SELECT', 'holds',           NULL),
      -- Any server that finds the database elsewhere says so, for the others.
      ('tps_api',      'SELECT', 'epoch_log',       NULL),
      ('tps_api',      'INSERT', 'epoch_log',       NULL),
      -- A worker settles, and appends the expiries of holds.
      ('tps_worker',   'SELECT', 'store',           '{only_row, store_id, schema, min_binary, partitions}'),
      ('tps_worker',   'SELECT', 'partitions',      NULL),
      ('tps_worker',   'UPDATE', 'partitions',      '{lock_right}'),
      ('tps_worker',   'SELECT', 'readers',         NULL),
      ('tps_worker',   'UPDATE', 'readers',         '{lock_right}'),
      ('tps_worker',   'SELECT', 'currencies',      NULL),
      ('tps_worker',   'INSERT', 'currencies',      NULL),
      ('tps_worker',   'SELECT', 'transaction_log', NULL),
      ('tps_worker',   'INSERT', 'transaction_log', NULL),
      ('tps_worker',   'SELECT', 'settlement_log',  NULL),
      ('tps_worker',   'INSERT', 'settlement_log',  NULL),
      ('tps_worker',   'SELECT', 'accounts',        NULL),
      ('tps_worker',   'INSERT', 'accounts',        NULL),
      ('tps_worker',   'UPDATE', 'accounts',        '{posted, held, version, overdraft_limit, frozen}'),
      ('tps_worker',   'SELECT', 'holds',           NULL),
      ('tps_worker',   'INSERT', 'holds',           NULL),
      ('tps_worker',   'UPDATE', 'holds',           '{captured_minor, status, closed_by, closed_at}'),
      ('tps_worker',   'SELECT', 'epoch_log',       NULL),
      ('tps_worker',   'INSERT', 'epoch_log',       NULL),
      ('tps_worker',   'SELECT', 'reversals',       NULL),
      ('tps_worker',   'INSERT', 'reversals',       NULL),
      ('tps_worker',   'UPDATE', 'reversals',       '{reversed_minor}'),
      ('tps_worker',   'SELECT', 'totals',          NULL),
      ('tps_worker',   'INSERT', 'totals',          NULL),
      ('tps_worker',   'UPDATE', 'totals',
        '{deposits, withdrawals, captures, deposit_reversals, withdrawal_reversals}'),
      -- People, tps verify and tps export see everything but secrets.
      ('tps_readonly', 'SELECT', 'store',           '{only_row, store_id, schema, min_binary, partitions}'),
      ('tps_readonly', 'SELECT', 'partitions',      NULL),
      ('tps_readonly', 'SELECT', 'readers',         NULL),
      ('tps_readonly', 'SELECT', 'currencies',      NULL),
      ('tps_readonly', 'SELECT', 'transaction_log', NULL),
      ('tps_readonly', 'SELECT', 'settlement_log',  NULL),
      ('tps_readonly', 'SELECT', 'accounts',        NULL),
      ('tps_readonly', 'SELECT', 'holds',           NULL),
      ('tps_readonly', 'SELECT', 'reversals',       NULL),
      ('tps_readonly', 'SELECT', 'totals',          NULL),
      ('tps_readonly', 'SELECT', 'transactions',    NULL),
      ('tps_readonly', 'SELECT', 'epoch_log',       NULL),
      ('tps_readonly', 'SELECT', 'api_key_log',
        '{action, done_at, key_id, done_by, expires_at, subject, scopes, only_user}')
    ) AS list(role, may, name, of_columns)
     WHERE to_regrole(role) IS NOT NULL
  LOOP
    IF NOT has_schema_privilege(wanted.role, space, 'USAGE')
       AND has_schema_privilege(space, 'USAGE WITH GRANT OPTION') THEN
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', space, wanted.role);
    END IF;
    IF wanted.of_columns IS NULL THEN
      CONTINUE WHEN has_table_privilege(wanted.role, wanted.name, wanted.may);
      EXECUTE format('GRANT %s ON %I TO %I', wanted.may, wanted.name, wanted.role);
    ELSE
      CONTINUE WHEN (SELECT bool_and(has_column_privilege(wanted.role, wanted.name, of, wanted.may))
                       FROM unnest(wanted.of_columns) of);
      EXECUTE format('GRANT %s (%s) ON %I TO %I', wanted.may, array_to_string(wanted.of_columns, ', '), wanted.name,
                     wanted.role);
    END IF;
  END LOOP;

  -- Only where they can do anything: their owner must see, and may end, the sessions of others.
  FOR wanted IN
    SELECT role, of, p.proowner
      FROM (VALUES ('tps_api', 'end_partition_holder(smallint)'), ('tps_worker', 'end_partition_holder(smallint)'),
                   ('tps_worker', 'end_reader_holder(smallint)')) AS list(role, of)
      JOIN pg_proc p ON p.oid = of::regprocedure
     WHERE to_regrole(role) IS NOT NULL AND NOT has_function_privilege(role, of, 'EXECUTE')
       AND pg_has_role(p.proowner, 'USAGE')
       AND pg_has_role(p.proowner, 'pg_signal_backend', 'USAGE') AND pg_has_role(p.proowner, 'pg_read_all_stats', 'USAGE')
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', wanted.of, wanted.role);
  END LOOP;
END $$;

-- The API finds a key by its hash and sees no hash, so it has no right to the table; see 0004_api_keys.sql.
DO $$
DECLARE
  find CONSTANT pg_proc := (SELECT p FROM pg_proc p WHERE p.oid = 'find_api_key(bytea)'::regprocedure);
BEGIN
  IF to_regrole('tps_api') IS NULL OR NOT pg_has_role(find.proowner, 'USAGE') THEN RETURN; END IF;
  IF EXISTS (SELECT FROM aclexplode(coalesce(find.proacl, acldefault('f', find.proowner))) WHERE grantee = 0) THEN
    REVOKE EXECUTE ON FUNCTION find_api_key(bytea) FROM PUBLIC;
  END IF;
  IF NOT has_function_privilege('tps_api', 'find_api_key(bytea)', 'EXECUTE') THEN
    GRANT EXECUTE ON FUNCTION find_api_key(bytea) TO tps_api;
  END IF;
END $$;
