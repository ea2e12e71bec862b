-- Mark of the secret that a key was hashed with. Empty for a key from before marks, until it is used.
ALTER TABLE keys ADD COLUMN mark BLOB NOT NULL DEFAULT x'';
