-- Time at which a callback was caused. Null in the rows of older code, of which `due_at` is the nearest known.
ALTER TABLE deliveries ADD COLUMN created_at INTEGER;
