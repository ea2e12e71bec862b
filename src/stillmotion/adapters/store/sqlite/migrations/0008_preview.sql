-- The key of an object that shows what is being made, NULL where no worker shows anything.
ALTER TABLE generations ADD COLUMN preview TEXT;
