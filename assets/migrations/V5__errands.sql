-- What a deployment does that deploys nothing, beside a plan: the toggle it switches and which way, such as
-- `new-checkout off`.
ALTER TABLE deployments ADD COLUMN toggle TEXT;
-- Names of the steps that who started it left out. JSON.
ALTER TABLE deployments ADD COLUMN left_out TEXT;
CREATE INDEX deployments_toggles ON deployments (service, environment, epoch) WHERE toggle IS NOT NULL;
