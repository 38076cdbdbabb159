-- The daemon that runs, or the last one that did: one row, beaten every few seconds.
CREATE TABLE daemon_heartbeats (
  pid        INTEGER NOT NULL,
  host       TEXT NOT NULL,
  started_at TEXT NOT NULL,
  beat_at    TEXT NOT NULL,
  stopped_at TEXT,
  progress   TEXT NOT NULL,
  PRIMARY KEY (host, pid)
) STRICT, WITHOUT ROWID;

-- When each source was last asked for what was due, and how many times in a row it has failed.
CREATE TABLE source_visits (
  org_id     TEXT NOT NULL,
  source     TEXT NOT NULL,
  visited_at TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  failures   INTEGER NOT NULL CHECK (failures >= 0),
  transient  INTEGER NOT NULL CHECK (transient IN (0, 1)),
  PRIMARY KEY (org_id, source)
) STRICT, WITHOUT ROWID;
