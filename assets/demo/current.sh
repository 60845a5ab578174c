#!/bin/sh
# Tells what really runs in an environment.
. ./lib.sh
cat "$place/current" 2>/dev/null || say "nothing"
