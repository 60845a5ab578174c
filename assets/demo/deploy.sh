#!/bin/sh
# Puts a release into an environment: copies the artifact and notes the version that is current there.
. ./lib.sh
say "$RELMAN_STEP: $RELMAN_SERVICE $RELMAN_VERSION to $RELMAN_ENVIRONMENT (was ${RELMAN_PREVIOUS_VERSION:-nothing})"
[ -z "${DEMO_TOKEN:-}" ] || say "signing in with token $DEMO_TOKEN"
fence
case $RELMAN_STEP in
switch*)
    put "$RELMAN_COLOR" "$place/live-color"
    say "traffic now goes to the $RELMAN_COLOR side"
    exit 0
    ;;
esac
[ -e "$artifact" ] || sh ./build.sh
for target in ${RELMAN_TARGETS:-${RELMAN_COLOR:-main}}; do
    mkdir -p "$place/$target"
    progress 20 "copying to $target"
    work
    cp "$artifact" "$place/$target/artifact.txt"
    progress 60 "starting on $target"
    work
    put "$RELMAN_VERSION" "$place/$target/version"
    say "$target runs $RELMAN_VERSION"
done
fail_on_demand
[ -z "$RELMAN_PERCENT" ] || { put "$RELMAN_PERCENT" "$place/percent"; say "$RELMAN_PERCENT% of the traffic goes to $RELMAN_VERSION"; }
put "$RELMAN_VERSION" "$place/current"
progress 100 "done"
