-- Small forms of a result for grids: a poster and a preview clip. Null for results of earlier versions.
ALTER TABLE generations ADD COLUMN poster_key TEXT;
ALTER TABLE generations ADD COLUMN poster_size INTEGER;
ALTER TABLE generations ADD COLUMN poster_digest TEXT;
ALTER TABLE generations ADD COLUMN preview_video_key TEXT;
ALTER TABLE generations ADD COLUMN preview_video_size INTEGER;
ALTER TABLE generations ADD COLUMN preview_video_digest TEXT;
