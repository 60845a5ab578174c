-- Why a deployment waits (for a time or for a person) and what a person decided about it: JSON, NULL while it does not wait.
ALTER TABLE deployments ADD COLUMN hold TEXT;
ALTER TABLE deployments ADD COLUMN guidance TEXT;
-- Whether a person had to help it on: its success counts as a failure in the figures.
ALTER TABLE deployments ADD COLUMN guided INTEGER NOT NULL DEFAULT 0 CHECK (guided IN (0, 1));
-- The rollback that is to follow its end, with what became of it: JSON.
ALTER TABLE deployments ADD COLUMN follow_up TEXT;
-- Each attempt at a step is a row of its own.
CREATE TABLE step_attempts (
  deployment_id INTEGER NOT NULL REFERENCES deployments (id),
  position      INTEGER NOT NULL,
  attempt       INTEGER NOT NULL,
  plan          TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('pending', 'waiting', 'running', 'succeeded', 'failed', 'skipped')),
  started_at    TEXT,
  finished_at   TEXT,
  log_from      INTEGER,
  log_to        INTEGER,
  cause         TEXT,
  PRIMARY KEY (deployment_id, position, attempt)
) STRICT;
INSERT INTO step_attempts (deployment_id, position, attempt, plan, state, started_at, finished_at, log_from, log_to, cause)
  SELECT deployment_id, position, attempt, plan, state, started_at, finished_at, log_from, log_to, cause
  FROM deployment_steps;
DROP TABLE deployment_steps;
ALTER TABLE step_attempts RENAME TO deployment_steps;
