#!/bin/bash
# Processes that mpirun starts, of Open MPI or MPICH, which are the shards, and the merge:
#
#   mpirun.sh my.json my.db -n 8 --hostfile hosts
#
# straggle is no MPI program: mpirun starts it and says which rank of how many it is. All hosts see
# the folder of the database.
set -eu
scenario=$1 database=$2
shift 2
"${MPIRUN:-mpirun}" "$@" "${STRAGGLE:-straggle}" run "$scenario" -o "$database" --shard auto -j 1 --quiet
exec "${STRAGGLE:-straggle}" merge "$database" "${database%.db}".shard-*.db
