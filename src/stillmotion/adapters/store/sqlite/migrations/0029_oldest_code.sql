-- The oldest code that may run over these tables, and the newest that each process knows, both as numbers of migrations.
ALTER TABLE meta ADD COLUMN oldest_code INTEGER NOT NULL DEFAULT 29;
ALTER TABLE processes ADD COLUMN schema INTEGER NOT NULL DEFAULT 0;  -- 0: it did not tell
