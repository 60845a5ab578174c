#!/bin/sh
# Makes the artifact of a release: one text file with its name in it.
. ./lib.sh
mkdir -p "$root/artifacts"
[ -e "$artifact" ] || put "$RELMAN_SERVICE $RELMAN_VERSION" "$artifact"
say "artifact $artifact"
# Called by deploy.sh it only makes it; run as a build it says what it made, too.
if [ "$RELMAN_KIND" = build ]; then
    echo "::relman artifact ${artifact##*/}"
    echo "::relman digest sha256:$(sha256sum "$artifact" | cut -d' ' -f1)"
fi
