-- Whose failure counted last: what several connections share opens only when two of them fail.
ALTER TABLE breakers ADD COLUMN failed_by TEXT NOT NULL DEFAULT '';
