-- Key of the preview object; NULL while there is no preview.
ALTER TABLE generations ADD COLUMN preview TEXT;
