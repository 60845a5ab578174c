#!/bin/sh
# Makes the artifact of a release: one text file with its name in it.
. ./lib.sh
mkdir -p "$root/artifacts"
[ -e "$artifact" ] || put "$RELMAN_SERVICE $RELMAN_VERSION" "$artifact"
say "artifact $artifact"
