#!/bin/bash
# Shards by GNU parallel, on this machine or on those of a file, and the merge:
#
#   gnu-parallel.sh my.json my.db 64 --sshloginfile hosts --workdir .
#
# More shards than processors even out what was not known of their cost. All hosts see the folder.
set -eu
scenario=$1 database=$2 shards=$3
shift 3
seq "$shards" | parallel "$@" "${STRAGGLE:-straggle}" run "$scenario" -o "$database" \
  --shard "{}/$shards" -j 1 --quiet
exec "${STRAGGLE:-straggle}" merge "$database" "${database%.db}".shard-*.db
