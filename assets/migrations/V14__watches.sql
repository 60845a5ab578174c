-- How monitors stand that are still being asked; what they come to is written into the release.
CREATE TABLE watches (
    deployment INTEGER NOT NULL REFERENCES deployments (id),
    monitor    TEXT NOT NULL,
    record     TEXT NOT NULL,
    PRIMARY KEY (deployment, monitor)
) STRICT;
