-- What a person should know of. Of each key at most one row is not resolved: seen again, it counts.
CREATE TABLE alerts (
  alert_id        INTEGER PRIMARY KEY AUTOINCREMENT,
  key             TEXT NOT NULL,
  severity        TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  org_id          TEXT NOT NULL,
  source          TEXT NOT NULL,
  title           TEXT NOT NULL,
  body            TEXT NOT NULL,
  command         TEXT NOT NULL,
  facts           TEXT NOT NULL,
  seen            INTEGER NOT NULL CHECK (seen >= 1),
  created_at      TEXT NOT NULL,
  last_seen_at    TEXT NOT NULL,
  notified_at     TEXT NOT NULL,
  acknowledged_at TEXT,
  snoozed_until   TEXT,
  resolved_at     TEXT,
  CHECK (acknowledged_at IS NULL OR snoozed_until IS NULL)
) STRICT;

CREATE UNIQUE INDEX alerts_open ON alerts (key) WHERE resolved_at IS NULL;

-- One message on one channel. Its content is fixed when it is first tried, so that every repeat is
-- the same under the same key. One a channel is under way; what happens meanwhile is told after it.
CREATE TABLE deliveries (
  delivery_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  channel         TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  content         TEXT NOT NULL,
  attempt         INTEGER NOT NULL CHECK (attempt >= 1),
  error_type      TEXT NOT NULL DEFAULT '',
  error_message   TEXT NOT NULL DEFAULT '',
  error_hint      TEXT NOT NULL DEFAULT '',
  created_at      TEXT NOT NULL,
  scheduled_at    TEXT NOT NULL,
  attempted_at    TEXT NOT NULL,
  leased_until    TEXT,
  finalized_at    TEXT,
  CHECK (finalized_at IS NULL OR leased_until IS NULL)
) STRICT;

CREATE UNIQUE INDEX deliveries_pending ON deliveries (channel) WHERE finalized_at IS NULL;

-- What is to be told of an alert on a channel; it waits until a delivery takes it along.
CREATE TABLE notices (
  notice_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  alert_id     INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
  channel      TEXT NOT NULL,
  event        TEXT NOT NULL CHECK (event IN ('raised', 'escalated', 'repeated', 'resolved')),
  delivery_id  INTEGER REFERENCES deliveries,
  created_at   TEXT NOT NULL,
  scheduled_at TEXT NOT NULL
) STRICT;

CREATE INDEX notices_waiting ON notices (channel, scheduled_at) WHERE delivery_id IS NULL;
CREATE INDEX notices_by_alert ON notices (alert_id);
CREATE INDEX notices_by_delivery ON notices (delivery_id) WHERE delivery_id IS NOT NULL;
