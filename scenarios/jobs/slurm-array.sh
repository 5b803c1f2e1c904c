#!/bin/bash
#SBATCH --job-name=straggle
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --output=straggle-%A-%a.log
# An array job of Slurm: every task computes one shard. From the folder of the scenario:
#
#   job=$(sbatch --parsable slurm-array.sh my.json my.db)
#   sbatch --dependency=afterok:$job --wrap 'straggle merge my.db my.shard-*.db'
#
# To repeat tasks 3 and 7 of 8, which go on where they were: SHARDS=8 sbatch --array=3,7 …
set -eu
scenario=$1 database=$2 shard=auto
[ -z "${SHARDS:-}" ] || shard=$SLURM_ARRAY_TASK_ID/$SHARDS
exec "${STRAGGLE:-straggle}" run "$scenario" -o "$database" --shard "$shard" \
  -j "${SLURM_CPUS_PER_TASK:-1}" --quiet
