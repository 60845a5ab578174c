#!/bin/sh
# Switches a feature of what is deployed: flag.sh NAME on|off
. ./lib.sh
fence
mkdir -p "$place/flags"
put "$2" "$place/flags/$1"
say "$1 is $2 in $RELMAN_ENVIRONMENT"
