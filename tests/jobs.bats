#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shipped job scripts, each run as it is on this machine where its scheduler is installed: Debian's
# slurm-wlm (or slurmctld, slurmd, slurm-client) with munge, openmpi-bin, mpich, parallel. Kubernetes
# has no cluster here: its file is read by kubectl, and its command run once for each index.

setup() {
  jobs="$(realpath "$BATS_TEST_DIRNAME/../scenarios/jobs")"
  export STRAGGLE
  cd "$BATS_TEST_TMPDIR"
  cat > my.json <<'END'
{
  "format": 1,
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 1 },
  "learning": {
    "problem": "logistic-regression",
    "data": { "source": "gaussian-mixture", "rows": 120, "features": 5 }
  },
  "schemes": [ { "code": "uncoded" }, { "code": "cyclic-repetition", "s": { "each": [1, 2] } } ],
  "baseline": "uncoded",
  "replications": 7,
  "stop": { "iterations": 20 }
}
END
  "$STRAGGLE" run my.json -o whole.db -q
}

teardown() {
  [ ! -e "$BATS_TEST_TMPDIR/slurm" ] || "$BATS_TEST_DIRNAME/slurm_here.sh" stop "$BATS_TEST_TMPDIR/slurm"
}

needs() { # programs
  local program
  for program; do
    command -v "$program" > /dev/null || skip "$program is not installed"
  done
}

# my.db has all runs, from so many shards, each of which computed some, and is the same as whole.db.
complete() {
  [ "$(sqlite3 my.db "SELECT count(*) FROM run")" = 21 ]
  [ "$(sqlite3 my.db "SELECT count(DISTINCT shard) FROM invocation JOIN run USING (invocation_id)
    WHERE shard LIKE '%/$1'")" = "$1" ]
  run "$STRAGGLE" merge whole.db my.db
  echo "$output"
  [ "$status" -eq 0 ]
  [[ "$output" == *"0 runs added"*"21 were there already"* ]]
}

start_slurm() {
  needs slurmctld slurmd munged sbatch srun
  [ "$(id -u)" -eq 0 ] || skip "slurmd needs root"
  "$BATS_TEST_DIRNAME/slurm_here.sh" start "$PWD/slurm" || skip "Slurm of one node does not start here"
  export SLURM_CONF="$PWD/slurm/slurm.conf"
}

@test "Slurm: an array job, a part of it again, tasks of one job, tasks within an array" {
  start_slurm
  # As shipped but for its size.
  sbatch --wait --array=1-4 --cpus-per-task=1 "$jobs/slurm-array.sh" my.json my.db
  rm my.shard-2-of-4.db my.shard-4-of-4.db
  run sbatch --wait --array=2,4 --cpus-per-task=1 "$jobs/slurm-array.sh" my.json my.db
  [ "$status" -ne 0 ] # a part of an array says that it is one
  SHARDS=4 sbatch --wait --array=2,4 --cpus-per-task=1 "$jobs/slurm-array.sh" my.json my.db
  "$STRAGGLE" merge my.db my.shard-*.db
  complete 4
  rm my.*db
  sbatch --wait --ntasks=2 "$jobs/slurm-tasks.sh" my.json my.db
  complete 2
  rm my.*db
  sbatch --wait --array=0-1 --ntasks=2 --wrap "srun '$STRAGGLE' run my.json -o my.db --shard auto -j 1 -q"
  "$STRAGGLE" merge my.db my.shard-*.db
  complete 4
}

@test "Open MPI" {
  needs mpirun.openmpi
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  MPIRUN=mpirun.openmpi "$jobs/mpirun.sh" my.json my.db -n 3 --oversubscribe
  complete 3
}

@test "MPICH" {
  needs mpirun.mpich
  MPIRUN=mpirun.mpich "$jobs/mpirun.sh" my.json my.db -n 3
  complete 3
}

@test "GNU parallel" {
  needs parallel
  "$jobs/gnu-parallel.sh" my.json my.db 5 --jobs 2
  complete 5
}

@test "Kubernetes: the Job's command with each completion index" {
  # The list in its line is JSON.
  sed -n 's/^ *command: //p' "$jobs/kubernetes.yaml" > command.json
  n=$(sed -n 's/^ *completions: //p' "$jobs/kubernetes.yaml")
  grep -q '^  completionMode: Indexed$' "$jobs/kubernetes.yaml"
  if command -v kubectl > /dev/null; then # what Kubernetes reads of the file, without a cluster
    kubectl annotate --local -f "$jobs/kubernetes.yaml" a=b -o json > job.json
    [ "$(sqlite3 :memory: "SELECT json_extract(j, '$.kind', '$.spec.completionMode', '$.spec.completions')
      FROM (SELECT readfile('job.json') AS j)")" = "[\"Job\",\"Indexed\",$n]" ]
    [ "$(sqlite3 :memory: "SELECT json_extract(readfile('job.json'), '$.spec.template.spec.containers[0].command')")" = \
      "$(sqlite3 :memory: "SELECT json(readfile('command.json'))")" ]
  fi
  readarray -t command < <(sqlite3 :memory: "SELECT value FROM json_each(CAST(readfile('command.json') AS TEXT))")
  [ "${command[0]}" = straggle ]
  for ((i = 0; i < n; i++)); do
    JOB_COMPLETION_INDEX=$i "$STRAGGLE" "${command[@]:1}"
  done
  "$STRAGGLE" merge my.db my.shard-*.db
  complete $n
}
