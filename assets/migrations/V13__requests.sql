-- What is asked for before anybody knows which version brings it.
CREATE TABLE requests (
    id     INTEGER PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
