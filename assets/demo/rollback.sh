#!/bin/sh
# Goes back: the same as deploying an artifact that is still there, without building anything.
. ./lib.sh
[ -e "$artifact" ] || { say "the artifact of $RELMAN_VERSION is gone: $artifact" >&2; exit 1; }
say "rolling back because: $RELMAN_REASON"
exec sh ./deploy.sh
