-- The retry queue and the dead letters (state discarded) in one table.
-- attempt counts failed tries, the first one included; max_attempts of them make a dead letter.
CREATE TABLE jobs (
  job_id        INTEGER PRIMARY KEY AUTOINCREMENT,
  stage         TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('available', 'scheduled', 'running', 'retryable',
                                               'completed', 'discarded', 'cancelled')),
  event_seq     INTEGER,
  org_id        TEXT,
  source        TEXT,
  account_id    TEXT,
  stream        TEXT,
  window_start  TEXT,
  window_end    TEXT,
  attempt       INTEGER NOT NULL CHECK (attempt >= 0),
  max_attempts  INTEGER NOT NULL CHECK (max_attempts >= 1),
  error_type    TEXT NOT NULL,
  error_message TEXT NOT NULL,
  error_hint    TEXT NOT NULL,
  transient     INTEGER NOT NULL CHECK (transient IN (0, 1)),
  errors        TEXT NOT NULL,
  created_at    TEXT NOT NULL,
  scheduled_at  TEXT NOT NULL,
  attempted_at  TEXT,
  leased_until  TEXT,
  finalized_at  TEXT,
  payload_bytes INTEGER NOT NULL,
  payload       BLOB,
  CHECK ((state IN ('completed', 'discarded', 'cancelled')) = (finalized_at IS NOT NULL)),
  CHECK ((state = 'running') = (leased_until IS NOT NULL))
) STRICT;

CREATE INDEX jobs_waiting ON jobs (stage, scheduled_at) WHERE finalized_at IS NULL;
CREATE INDEX jobs_discarded ON jobs (finalized_at) WHERE state = 'discarded';
CREATE INDEX jobs_by_event ON jobs (event_seq) WHERE event_seq IS NOT NULL;
