-- The event log: all topics in one table, so that seq is the commit order of everything.
-- body stands last: reading the other columns never follows its overflow pages. It is zstd when
-- that made it smaller, that is when length(body) < size_bytes.
CREATE TABLE events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  topic      TEXT NOT NULL,
  org_id     TEXT,
  source     TEXT,
  account_id TEXT,
  stream     TEXT,
  header     TEXT NOT NULL,
  created_at TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  body       BLOB
) STRICT;

CREATE INDEX events_by_topic ON events (topic);

-- How far each consumer of a topic has come: every event up to seq is done.
CREATE TABLE positions (
  topic           TEXT NOT NULL,
  consumer        TEXT NOT NULL,
  seq             INTEGER NOT NULL CHECK (seq >= 0),
  acknowledged_at TEXT NOT NULL,
  PRIMARY KEY (topic, consumer)
) STRICT, WITHOUT ROWID;
