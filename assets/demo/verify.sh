#!/bin/sh
# Checks that what was deployed is really there and whole.
. ./lib.sh
say "verifying $RELMAN_SERVICE $RELMAN_VERSION in $RELMAN_ENVIRONMENT"
work
case $RELMAN_VERSION in
*broken*) say "health check: 500 Internal Server Error" >&2; exit 1 ;;
esac
found=$(cat "$place/current" 2>/dev/null || echo nothing)
if [ "$found" != "$RELMAN_VERSION" ]; then
    say "expected $RELMAN_VERSION, found $found" >&2
    exit 1
fi
for target in "$place"/*/; do
    [ -e "$target/version" ] || continue
    [ -n "$RELMAN_COLOR" ] && [ "$(basename "$target")" != "$RELMAN_COLOR" ] && continue
    cmp -s "$artifact" "$target/artifact.txt" || { say "$target holds another artifact" >&2; exit 1; }
done
say "health check: 200 OK, version $found"
