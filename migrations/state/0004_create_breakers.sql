-- Circuit breakers, shared by every process. Half open is not a state: it is `open` after
-- open_until; whoever holds the unexpired trial lease then may make the one attempt.
CREATE TABLE breakers (
  name        TEXT PRIMARY KEY,
  state       TEXT NOT NULL CHECK (state IN ('closed', 'open')),
  failures    INTEGER NOT NULL CHECK (failures >= 0),
  reason      TEXT NOT NULL,
  opened_at   TEXT,
  open_until  TEXT,
  trial_owner TEXT,
  trial_until TEXT,
  CHECK ((state = 'open') = (opened_at IS NOT NULL)),
  CHECK ((state = 'open') = (open_until IS NOT NULL)),
  CHECK ((trial_owner IS NULL) = (trial_until IS NULL)),
  CHECK (state = 'open' OR trial_owner IS NULL)
) STRICT, WITHOUT ROWID;
