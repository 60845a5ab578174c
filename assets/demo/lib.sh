# Shared by the demo scripts. An "environment" is a directory, "deploying" is copying an artifact into it.
# DEMO_ROOT  where those directories live (default: .relman/demo beside relman.toml)
# DEMO_PACE  seconds a unit of pretended work takes (default 0.2)
set -eu
root=${DEMO_ROOT:-$(cd ../.. && pwd)/.relman/demo}
pace=${DEMO_PACE:-0.2}
place=$root/$RELMAN_ENVIRONMENT/$RELMAN_SERVICE
artifact=$root/artifacts/$RELMAN_SERVICE-$RELMAN_VERSION.txt
say() { printf '%s\n' "$*"; }
work() { sleep "$pace"; }
progress() { say "::relman progress $1 $2"; }

# Replaces a file in one step, so that a reader never sees half of it.
put() { tmp=$2.$$; printf '%s\n' "$1" > "$tmp" && mv "$tmp" "$2"; }

# Refuses an order that is older than one already carried out here (a supervisor that was paused, for example).
fence() {
    mkdir -p "$place"
    (
        flock 9
        last=$(cat "$place/epoch" 2>/dev/null || echo 0)
        [ "$RELMAN_EPOCH" -ge "$last" ] || { say "epoch $RELMAN_EPOCH is older than $last: refused" >&2; exit 1; }
        put "$RELMAN_EPOCH" "$place/epoch"
    ) 9> "$place/epoch.lock"
}

# On demand, things go wrong: touch .relman/demo/fail/SERVICE-ENVIRONMENT, or release a version that says "broken".
fail_on_demand() {
    if [ -e "$root/fail/$RELMAN_SERVICE-$RELMAN_ENVIRONMENT" ]; then
        say "failing because $root/fail/$RELMAN_SERVICE-$RELMAN_ENVIRONMENT exists" >&2
        exit 1
    fi
}
