-- What webhook receivers are told, and what became of it.
CREATE TABLE webhook_messages (
    -- The `webhook-id`, the same at every attempt and for every receiver.
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    stream TEXT NOT NULL,
    -- To the byte what is signed and sent.
    body TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE webhook_deliveries (
    -- In the order in which things happened; never used again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message TEXT NOT NULL REFERENCES webhook_messages (id) ON DELETE CASCADE,
    -- The `name` of the endpoint in the configuration.
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    -- Attempts made since it began or was last replayed.
    attempts INTEGER NOT NULL,
    -- When it is tried next, while it is pending.
    due_ms INTEGER NOT NULL,
    -- The last attempt: when, the answer's status, what went wrong.
    attempted_ms INTEGER,
    status INTEGER,
    error TEXT,
    -- NULL while it is pending.
    ended_ms INTEGER
) STRICT;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (endpoint) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_by_message ON webhook_deliveries (message);
-- Streams that receivers believe to be live. What is left here when the server starts has ended with the last process.
CREATE TABLE webhook_streams (
    stream TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL
) STRICT;
