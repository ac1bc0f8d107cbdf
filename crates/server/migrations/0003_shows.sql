-- Shows that have not ended: what a restart goes on with. What a blob holds: docs/spec/saved-show.md.
CREATE TABLE shows (
    stream TEXT PRIMARY KEY,
    -- RTP timestamps are pts and these.
    k INTEGER NOT NULL,
    k_audio INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    anchor_ms INTEGER NOT NULL,
    -- The highest pts given out so far.
    highest_pts INTEGER NOT NULL,
    -- What playlists have promised.
    next_msn INTEGER NOT NULL,
    discontinuities INTEGER NOT NULL,
    target_duration_s INTEGER,
    video_part_ms INTEGER,
    audio_part_ms INTEGER,
    frame_ticks INTEGER,
    frame_rate_milli INTEGER,
    updated_ms INTEGER NOT NULL,
    -- 1 once the server has ended with everything written down.
    orderly INTEGER NOT NULL,
    -- No cue gets this number or a lower one any more.
    numbers_used INTEGER NOT NULL
) STRICT;
CREATE TABLE show_cues (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    -- To the byte what every carrier carries.
    cue BLOB NOT NULL,
    utc_ms INTEGER NOT NULL,
    late_by_ms INTEGER NOT NULL,
    ends BLOB,
    frame_pts INTEGER,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
-- What is left of cues that were forgotten.
CREATE TABLE show_memories (
    stream TEXT PRIMARY KEY,
    memory BLOB NOT NULL
) STRICT;
CREATE TABLE show_answers (
    -- In the order in which they were given.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    key TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    request BLOB NOT NULL,
    receipt BLOB NOT NULL,
    UNIQUE (stream, key)
) STRICT;
CREATE TABLE show_armed (
    stream TEXT NOT NULL,
    name TEXT NOT NULL,
    armed BLOB NOT NULL,
    PRIMARY KEY (stream, name)
) STRICT, WITHOUT ROWID;
-- A show that goes on has been told to be interrupted, and is not told so twice.
ALTER TABLE webhook_streams ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;
