#!/bin/sh
# Judges a share of the traffic: 0 is good, 1 is bad, 75 leaves it to a person.
# On demand it cannot tell: touch .relman/demo/unsure/SERVICE-ENVIRONMENT
. ./lib.sh
say "comparing $RELMAN_PERCENT% of the traffic of $RELMAN_SERVICE with the rest"
work
if [ -e "$root/unsure/$RELMAN_SERVICE-$RELMAN_ENVIRONMENT" ]; then
    say "too little traffic to tell"
    exit 75
fi
case $RELMAN_VERSION in
*broken*) say "error rate 7.3% against 0.2%" >&2; exit 1 ;;
esac
say "error rate 0.2%, as before"
