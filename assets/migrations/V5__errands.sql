-- What a deployment does that deploys nothing, beside a plan: the toggle it switches and which way, such as
-- `new-checkout off`.
ALTER TABLE deployments ADD COLUMN toggle TEXT;
-- Names of the steps that who started it left out. JSON.
ALTER TABLE deployments ADD COLUMN left_out TEXT;
-- What a failed step leads to, where who started it said so.
ALTER TABLE deployments ADD COLUMN on_failure TEXT CHECK (on_failure IN ('fail', 'ask', 'rollback'));
CREATE INDEX deployments_toggles ON deployments (service, environment, epoch) WHERE toggle IS NOT NULL;
