-- When a deployment may begin that does not begin at once: its time, its expiry, what it waits for. JSON, NULL for one
-- that was started directly.
ALTER TABLE deployments ADD COLUMN wait TEXT;
-- What is newest in an environment is what began last, and a deployment that waited begins later than its number says.
-- The epoch rises with each beginning, and no two attempts share one.
CREATE UNIQUE INDEX deployments_by_epoch ON deployments (service, environment, epoch);
DROP INDEX deployments_live;
CREATE INDEX deployments_live ON deployments (service, environment, epoch) WHERE state = 'succeeded';
CREATE INDEX deployments_pending ON deployments (id) WHERE state IN ('scheduled', 'waiting');
CREATE INDEX deployments_that_waited ON deployments (claimed_at) WHERE wait IS NOT NULL;
-- Ad hoc holds: who, why, until when.
CREATE TABLE locks (
  id           INTEGER PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('exclusive', 'warning', 'automation')),
  services     TEXT NOT NULL,
  environments TEXT NOT NULL,
  reason       TEXT NOT NULL CHECK (length(reason) > 0),
  by_name      TEXT NOT NULL,
  by_uid       INTEGER NOT NULL,
  by_login     TEXT,
  since        TEXT NOT NULL,
  expires_at   TEXT,
  ended_at     TEXT,
  ended_by     TEXT,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX locks_standing ON locks (id) WHERE ended_at IS NULL;
