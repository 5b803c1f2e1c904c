#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A Slurm of one node for tests, all in one folder: `slurm_here.sh start FOLDER [CPUS]` begins munged,
# slurmctld and slurmd and waits until the node is idle, `slurm_here.sh stop FOLDER` ends them.
# Clients find it by SLURM_CONF=FOLDER/slurm.conf. Needs root, as slurmd does.
set -euo pipefail
action=$1 folder=$2 cpus=${3:-2}
case $action in
  start)
    mkdir -p "$folder"/{state,spool}
    chmod 755 "$folder"
    dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 status=none
    chmod 400 "$folder/munge.key"
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.sock" --log-file="$folder/munged.log" \
      --pid-file="$folder/munged.pid" --seed-file="$folder/munge.seed"
    read -r a b < <(shuf -i 20000-30000 -n 2 | xargs)
    host=$(hostname -s)
    cat > "$folder/slurm.conf" <<END
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$a
SlurmdPort=$b
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.sock
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=all Nodes=$host Default=YES State=UP OverSubscribe=NO
END
    export SLURM_CONF=$folder/slurm.conf
    slurmctld -c -f "$SLURM_CONF"
    slurmd -c -f "$SLURM_CONF"
    for _ in $(seq 100); do
      [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && exit 0
      sleep 0.1
    done
    tail -n 5 "$folder"/*.log
    exit 1
    ;;
  stop)
    for program in slurmd slurmctld munged; do
      [ ! -f "$folder/$program.pid" ] || kill "$(cat "$folder/$program.pid")" || true
    done
    ;;
esac
