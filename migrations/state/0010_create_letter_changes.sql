-- What a person put in the place of a payload counts from then on; NULL: it is as it came.
ALTER TABLE jobs ADD COLUMN edited_at TEXT;

-- What people did to dead letters, and what those were before. A row outlives its job. payload is
-- what an edit has replaced; its checksum stays when a purge takes the payload.
CREATE TABLE letter_changes (
  change_id      INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id         INTEGER NOT NULL,
  action         TEXT NOT NULL CHECK (action IN ('retry', 'edit', 'purge')),
  user_name      TEXT NOT NULL,
  host           TEXT NOT NULL,
  changed_at     TEXT NOT NULL,
  stage          TEXT NOT NULL,
  org_id         TEXT,
  source         TEXT,
  account_id     TEXT,
  stream         TEXT,
  error_type     TEXT NOT NULL,
  error_message  TEXT NOT NULL,
  scheduled_at   TEXT,
  payload_bytes  INTEGER,
  payload_sha256 TEXT,
  new_sha256     TEXT,
  payload        BLOB,
  CHECK ((action = 'retry') = (scheduled_at IS NOT NULL)),
  CHECK ((action = 'edit') = (new_sha256 IS NOT NULL)),
  CHECK ((payload_sha256 IS NULL) = (payload_bytes IS NULL))
) STRICT;

CREATE INDEX letter_changes_by_job ON letter_changes (job_id);
