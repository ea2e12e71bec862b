-- Running means of the seconds from claim to end. The row without a model is the engine's seconds for a second of video.
CREATE TABLE render_times (
    engine TEXT NOT NULL,
    model TEXT NOT NULL,
    resolution TEXT NOT NULL,
    length INTEGER NOT NULL,                     -- whole seconds
    renders INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (engine, model, resolution, length)
) STRICT, WITHOUT ROWID;
