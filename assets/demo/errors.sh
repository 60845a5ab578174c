#!/bin/sh
# Monitors what is live: 0 is good, 1 is bad, 75 cannot tell. On demand it finds errors:
# touch .relman/demo/errors/SERVICE-ENVIRONMENT
. ./lib.sh
if [ -e "$root/errors/$RELMAN_SERVICE-$RELMAN_ENVIRONMENT" ]; then
    say "12 errors in the last minute, at most $1 are fine" >&2
    exit 1
fi
say "0 errors in the last minute"
