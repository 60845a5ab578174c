-- What was found when somebody last looked what really runs somewhere; who looks again writes over it.
CREATE TABLE observations (
    service     TEXT NOT NULL,
    environment TEXT NOT NULL,
    record      TEXT NOT NULL,
    PRIMARY KEY (service, environment)
) STRICT;
