-- Counts of all processes since the beginning: counters, and the buckets and sums of histograms.
CREATE TABLE metrics (
    name TEXT NOT NULL,
    labels TEXT NOT NULL,                        -- a JSON array of the labels' values
    value REAL NOT NULL,
    PRIMARY KEY (name, labels)
) STRICT, WITHOUT ROWID;

-- The queue by engine, and the sizes of results: a look at the metrics reads these indexes alone.
CREATE INDEX generations_waiting ON generations (engine, created_at) WHERE state = 'queued';
CREATE INDEX generations_sizes ON generations (video_size, thumbnail_size, poster_size, preview_video_size)
    WHERE video_size IS NOT NULL;
