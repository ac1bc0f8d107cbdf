-- Who may publish a stream. The key itself is not kept: what is stolen from here publishes nothing.
CREATE TABLE stream_keys (
    -- Its public name, by which it is listed and revoked.
    id TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    -- SHA-256 of the key, which has 256 random bits: a slow hash would protect nothing more.
    hash BLOB NOT NULL UNIQUE,
    -- Unix time in milliseconds, as everywhere in this file.
    created_ms INTEGER NOT NULL,
    -- Set when a rotation gives the old key a last while; NULL is for ever.
    expires_ms INTEGER
) STRICT;
CREATE INDEX stream_keys_by_stream ON stream_keys (stream, created_ms);
