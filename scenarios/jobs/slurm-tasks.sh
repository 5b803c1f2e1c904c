#!/bin/bash
#SBATCH --job-name=straggle
#SBATCH --ntasks=8
#SBATCH --cpus-per-task=1
#SBATCH --output=straggle-%j.log
# One job of Slurm with many tasks, which are the shards, and the merge:
#
#   sbatch slurm-tasks.sh my.json my.db
set -eu
scenario=$1 database=$2
srun --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" --kill-on-bad-exit=0 "${STRAGGLE:-straggle}" run "$scenario" -o "$database" --shard auto \
  -j "${SLURM_CPUS_PER_TASK:-1}" --quiet
exec "${STRAGGLE:-straggle}" merge "$database" "${database%.db}".shard-*.db
