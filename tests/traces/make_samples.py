#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small samples of timelines in the documented formats, made by hand: make_samples.py FOLDER

Three workers, four steps; worker w computes (10 + w + step / 10) ms in a step."""
import json
import sqlite3
import sys

folder = sys.argv[1]
W, STEPS = 3, 4
ms = lambda w, i: 10 + w + i / 10

# PyTorch: a file per rank, times in µs; each step has a first collective early and the last one when
# the rank is done; all leave together.
for w in range(W):
    events, t = [{"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "python"}}], 1000.0
    for i in range(STEPS):
        length = max(ms(v, i) for v in range(W)) * 1000 + 500
        events += [
            {"ph": "X", "cat": "user_annotation", "name": f"ProfilerStep#{i + 3}", "pid": 1,
             "tid": 1, "ts": t, "dur": length},
            {"ph": "X", "cat": "gpu_user_annotation", "name": f"ProfilerStep#{i + 3}", "pid": 0,
             "tid": 7, "ts": t + 30, "dur": length},
            {"ph": "X", "cat": "kernel", "name": "volta_sgemm", "pid": 0, "tid": 7, "ts": t + 40,
             "dur": ms(w, i) * 900},
            {"ph": "X", "cat": "kernel", "name": "ncclDevKernel_AllReduce_Sum_f32", "pid": 0,
             "tid": 20, "ts": t + 4000, "dur": 100},
            {"ph": "X", "cat": "kernel", "name": "ncclDevKernel_AllReduce_Sum_f32", "pid": 0,
             "tid": 20, "ts": t + ms(w, i) * 1000, "dur": length - ms(w, i) * 1000}]
        t += length
    with open(f"{folder}/rank{w}.json", "w") as f:
        json.dump({"schemaVersion": 1, "distributedInfo": {"backend": "nccl", "rank": w,
                                                          "world_size": W},
                   "traceEvents": events}, f)

# Horovod: two tensors, no closing bracket.
lines, t = ["["], 5000
for pid, name in ((1, "grad.last_layer"), (2, "grad.first_layer")):
    lines.append(json.dumps({"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}}) + ",")
for i in range(STEPS + 1):
    for pid, share in ((1, 0.5), (2, 1)):
        ticks = {w: t + int(share * 1000 * ms(w, i - 1)) for w in range(W)}
        lines.append(json.dumps({"ph": "B", "name": "NEGOTIATE_ALLREDUCE", "ts": min(ticks.values()),
                                 "pid": pid}) + ",")
        for w, at in ticks.items():
            lines.append(json.dumps({"ph": "X", "name": str(w), "ts": at, "pid": pid, "dur": 0}) + ",")
        end = max(ticks.values())
        lines.append(json.dumps({"ph": "E", "ts": end, "pid": pid}) + ",")
        lines.append(json.dumps({"ph": "B", "name": "ALLREDUCE", "ts": end, "pid": pid}) + ",")
        lines.append(json.dumps({"ph": "E", "ts": end + 20, "pid": pid}) + ",")
    t = end
open(f"{folder}/horovod.json", "w").write("\n".join(lines))

# Perfetto: the tables of an exported trace that the query uses; the last step of worker 2 is missing.
db = sqlite3.connect(f"{folder}/perfetto.db")
db.executescript("""CREATE TABLE process(upid INT, pid INT, name TEXT);
CREATE TABLE thread(utid INT, upid INT, tid INT);
CREATE TABLE thread_track(id INT, utid INT);
CREATE TABLE slice(id INT, ts INT, dur INT, track_id INT, name TEXT);""")
for w in range(W):
    db.execute("INSERT INTO process VALUES(?,?,'python')", (10 + w, 4000 + w))
    db.execute("INSERT INTO thread VALUES(?,?,?)", (20 + w, 10 + w, 4000 + w))
    db.execute("INSERT INTO thread_track VALUES(?,?)", (30 + w, 20 + w))
    for i in range(STEPS + (w < 2)):
        db.execute("INSERT INTO slice VALUES(?,?,?,?,'compute')",
                   (0, i * 10**8, round(ms(w, i) * 1e6), 30 + w))
        db.execute("INSERT INTO slice VALUES(?,?,?,?,'all_reduce')", (0, i * 10**8 + 1, 5000, 30 + w))
db.commit()
