-- Whether it only shows what a deployment would do: it takes the environment, changes nothing there and proves nothing.
ALTER TABLE deployments ADD COLUMN noop INTEGER NOT NULL DEFAULT 0 CHECK (noop IN (0, 1));
-- When a deployment may begin that does not begin at once: its time, its expiry, what it waits for. JSON, NULL for one
-- that was started directly.
ALTER TABLE deployments ADD COLUMN wait TEXT;
-- What is newest in an environment is what began last, and a deployment that waited begins later than its number says.
-- The epoch rises with each beginning, and no two attempts share one.
CREATE UNIQUE INDEX deployments_by_epoch ON deployments (service, environment, epoch);
DROP INDEX deployments_live;
CREATE INDEX deployments_live ON deployments (service, environment, epoch)
  WHERE state = 'succeeded' AND noop = 0;
DROP INDEX deployments_active;
CREATE INDEX deployments_unfinished ON deployments (id)
  WHERE state IN ('scheduled', 'waiting', 'launching', 'running', 'paused', 'lost');
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
-- What was answered to the questions a service asks of who deploys: JSON, names of secret ones without their values.
ALTER TABLE deployments ADD COLUMN answers TEXT;
-- What a release train did at each of its departures.
CREATE TABLE train_departures (
  train      TEXT NOT NULL,
  departs_at TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('departed', 'skipped', 'halted', 'missed')),
  by_name    TEXT NOT NULL,
  at         TEXT NOT NULL,
  reason     TEXT,
  items      TEXT NOT NULL,
  PRIMARY KEY (train, departs_at)
) STRICT;
-- That somebody has looked at a failed departure: the train may go on.
CREATE TABLE train_resumptions (
  train   TEXT NOT NULL,
  at      TEXT NOT NULL,
  by_name TEXT NOT NULL,
  reason  TEXT NOT NULL,
  PRIMARY KEY (train, at)
) STRICT;
-- What people wrote beside the output, and where.
CREATE TABLE deployment_notes (
  id            INTEGER PRIMARY KEY,
  deployment_id INTEGER NOT NULL REFERENCES deployments (id),
  at            TEXT NOT NULL,
  by_name       TEXT NOT NULL,
  by_uid        INTEGER NOT NULL,
  by_login      TEXT,
  log_offset    INTEGER NOT NULL CHECK (log_offset >= 0),
  text          TEXT NOT NULL CHECK (length(text) > 0)
) STRICT;
CREATE INDEX notes_of_deployment ON deployment_notes (deployment_id, id);
