#!/bin/sh
# Pretends to fetch the pages people ask for most, so that the first visitors do not wait.
. ./lib.sh
for page in home search cart; do
    work
    say "$page is warm"
done
