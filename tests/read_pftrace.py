#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a trace of `straggle timeline` and says whether it is sound: an independent reader of
protobuf (for .pftrace) and of Chrome's JSON, with nothing of the program in it.

  read_pftrace.py TRACE [--busy DB RUN]     prints counts; exit status 1 and what is wrong if not

Checked: every field is one of Perfetto's and of its type; names are told before they are used; the
slices of a track nest and do not overlap; times rise in a .pftrace; a flow begins in a slice of a
message's sender and ends where it was used, not earlier; with --busy, the compute slices of each
worker, cut at the decodes, are the compute_s of its stored rows and together the rows' busy_s.
"""
import json
import sqlite3
import struct
import sys

FAULTS = []


def fault(text):
    FAULTS.append(text)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, wire type, value) of a message; raises where it is none."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = data[at:at + 8], at + 8
        elif wire == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError("a field is longer than its message")
        else:
            raise ValueError(f"wire type {wire}")
        yield number, wire, value


# number: (name, wire type, message or None, repeated), from Perfetto's .proto files
DESCRIPTOR = {1: ("uuid", 0), 2: ("name", 2, str), 5: ("parent", 0), 11: ("ordering", 0),
              12: ("rank", 0), 3: ("process", 2, {1: ("pid", 0), 6: ("name", 2, str)})}
NAMED = {1: ("iid", 0), 2: ("name", 2, str)}
INTERNED = {1: ("categories", 2, NAMED, True), 2: ("events", 2, NAMED, True),
            3: ("annotations", 2, NAMED, True)}
ANNOTATION = {1: ("name", 0), 4: ("int", 0), 5: ("double", 1)}
EVENT = {3: ("category", 0), 4: ("annotations", 2, ANNOTATION, True), 9: ("type", 0),
         10: ("name", 0), 11: ("track", 0), 47: ("flows", 1, None, True)}
PACKET = {8: ("timestamp", 0), 10: ("sequence", 0), 11: ("event", 2, EVENT),
          12: ("interned", 2, INTERNED), 13: ("flags", 0), 58: ("clock", 0),
          60: ("descriptor", 2, DESCRIPTOR)}


def decode(data, table):
    out = {}
    for number, wire, value in fields(data):
        if number not in table:
            raise ValueError(f"field {number} is not known")
        name, kind, sub, repeated = (table[number] + (None, False))[:4]
        if wire != kind:
            raise ValueError(f"field {name} has wire type {wire}")
        if sub is str:
            value = value.decode("utf-8")
        elif sub:
            value = decode(value, sub)
        elif wire == 1:
            value = struct.unpack("<d" if name == "double" else "<Q", value)[0]
        if repeated:
            out.setdefault(name, []).append(value)
        else:
            out[name] = value
    return out


class Slice:
    def __init__(self, process, track, name, category, begin, args):
        self.process, self.track, self.name, self.category = process, track, name, category
        self.begin, self.end, self.args = begin, None, args
        self.flows = []


def read_perfetto(data):
    """All slices, and the names of processes by number; times are ns."""
    processes, tracks, slices, open_slices = {}, {}, [], {}
    names = {"categories": {}, "events": {}, "annotations": {}}
    last = -1
    first = True
    for number, wire, value in fields(data):
        if number != 1 or wire != 2:
            raise ValueError("a trace is packets alone")
        packet = decode(value, PACKET)
        if packet["sequence"] != 1 or packet["flags"] != (1 if first else 2):
            fault("the sequence's state is not told once")
        first = False
        for kind, known in names.items():
            for entry in packet.get("interned", {}).get(kind, []):
                if entry["iid"] in known or entry["iid"] == 0:
                    fault(f"{kind} {entry['iid']} told twice")
                known[entry["iid"]] = entry["name"]
        if "descriptor" in packet:
            d = packet["descriptor"]
            if d["uuid"] in processes or d["uuid"] in tracks or d["uuid"] == 0:
                fault("a track is described twice")
            if "process" in d:
                processes[d["uuid"]] = d["process"]["name"]
            else:
                if d["parent"] not in processes:
                    fault(f"track {d['name']} is of no process")
                tracks[d["uuid"]] = (d["parent"], d["name"])
            continue
        if packet["clock"] != 6:
            fault("a clock that the trace is not shown in")
        if packet["timestamp"] < last:
            fault("time goes back")
        last = packet["timestamp"]
        event = packet["event"]
        track = event["track"]
        if track not in tracks:
            fault("an event on no track")
            continue
        stack = open_slices.setdefault(track, [])
        if event["type"] == 2:
            if not stack:
                fault("an end without a beginning")
                continue
            stack.pop().end = last
            continue
        args = {names["annotations"][a["name"]]: a["double"] if "double" in a else a["int"]
                for a in event.get("annotations", [])}
        s = Slice(tracks[track][0], track, names["events"][event["name"]],
                  names["categories"][event["category"]], last, args)
        s.row = tracks[track][1]
        s.flows = event.get("flows", [])
        slices.append(s)
        if event["type"] == 3:
            s.end = last
        elif event["type"] == 1:
            if stack:
                fault(f"{s.name} begins inside of {stack[-1].name} on {s.row}")
            stack.append(s)
        else:
            fault(f"type {event['type']}")
    if any(open_slices.values()):
        fault("slices without an end")
    return slices, processes


def read_chrome(data):
    def reject(pairs):
        if len({k for k, _ in pairs}) != len(pairs):
            fault("a member twice")
        return dict(pairs)
    trace = json.loads(data, object_pairs_hook=reject,
                       parse_constant=lambda x: fault(f"{x} is no JSON"))
    processes, tracks, slices, arrows = {}, {}, [], []
    for e in trace["traceEvents"]:
        if e["ph"] == "M":
            if e["name"] == "process_name":
                processes[e["pid"]] = e["args"]["name"]
            elif e["name"] == "thread_name":
                tracks[e["pid"], e["tid"]] = e["args"]["name"]
            continue
        ns = round(e["ts"] * 1000)
        if e["ph"] == "X":
            s = Slice(e["pid"], (e["pid"], e["tid"]), e["name"], e["cat"], ns, e["args"])
            s.end = ns + round(e["dur"] * 1000)
            s.row = tracks[s.track]
            slices.append(s)
        elif e["ph"] in "stf":
            if e["ph"] != "s" and e["bp"] != "e":
                fault("a flow bound to what follows")
            arrows.append((e["ph"], (e["pid"], e["tid"]), ns, e["id"]))
        else:
            fault(f"phase {e['ph']}")
    by_track = {}
    for s in slices:
        by_track.setdefault(s.track, []).append(s)
    for phase, track, ns, number in arrows:
        around = [s for s in by_track[track] if s.begin <= ns <= s.end and (
            s.args.get("message") == number - 1 if phase != "f" else s.name.startswith("decode"))]
        if not around:
            fault(f"flow {number} ({phase}) is bound to nothing")
            continue
        around[0].flows.append(number)
    for track, list_ in by_track.items():
        end = -1
        for s in sorted(list_, key=lambda s: (s.begin, s.end)):
            if s.begin < end:
                fault(f"{s.name} begins before the end of the slice before it on {tracks[track]}")
            end = max(end, s.end)
    return slices, processes


def check_flows(slices):
    """Flows of messages that the trace has from their link on, and that a decode used."""
    sources, arrivals, uses = {}, {}, {}
    for s in slices:
        for number in s.flows:
            where = sources if s.row == "link" else arrivals if s.row == "receive" else uses
            if where is uses and not s.name.startswith("decode "):
                fault(f"a flow ends in {s.name}")
            if where is not uses and s.args["message"] != number - 1:
                fault("a flow of another message")
            if where is sources and number in sources:
                fault(f"flow {number} begins twice")
            where.setdefault(number, s)
    bound = 0
    for number, use in uses.items():
        if number not in sources:
            continue
        come = arrivals.get(number)
        if come is None or not sources[number].begin <= come.begin <= use.begin + 1:
            fault(f"flow {number} goes back in time")
        if come is not None and come.end > use.begin + 1:
            fault(f"message {number - 1} is used before it is there")
        bound += 1
    for number, come in arrivals.items():
        used = "used by iteration" in come.args
        if number in uses and not used:
            fault(f"message {number - 1} is said not to be used")
    return bound


def check_busy(slices, processes, path, run):
    """Compute seconds of each worker between decodes against worker_iteration; then all."""
    db = sqlite3.connect(path)
    rows = db.execute("SELECT iteration, start_s + wait_s, busy_s, decoded, wasted_s FROM iteration "
                      "WHERE run_id = ? ORDER BY iteration", (run,)).fetchall()
    worst = total_worst = 0.0
    tasks = {}
    for s in slices:
        if s.row == "compute" and s.category == "compute":
            worker = int(processes[s.process].split()[-1])
            tasks.setdefault(worker, []).append((s.args["begin_s"], s.args["end_s"]))
    decodes = sorted(s.args["begin_s"] for s in slices if s.name.startswith("decode "))
    cuts = decodes if all(r[3] for r in rows) else [r[1] for r in rows]
    if len(cuts) != len(rows):
        fault(f"{len(cuts)} decodes, {len(rows)} rows")
        return
    stored = {}
    for worker, iteration, x in db.execute(
            "SELECT worker, iteration, ifnull(compute_s, 0) FROM worker_iteration WHERE run_id = ?",
            (run,)):
        stored[worker, iteration] = x
    if not stored:
        fault("there are no rows of workers")
    for (worker, iteration), x in stored.items():
        low, high = cuts[iteration - 1] if iteration else 0.0, cuts[iteration]
        own = sum(max(0.0, min(end, high) - max(begin, low))
                  for begin, end in tasks.get(worker, []))
        worst = max(worst, abs(own - x))
    busy = sum(r[2] for r in rows)
    # A run that stalls goes on after its last row.
    drawn = sum(max(0.0, min(end, cuts[-1]) - begin)
                for list_ in tasks.values() for begin, end in list_)
    total_worst = abs(busy - drawn)
    if worst > 1e-9 * max(1, max(r[1] for r in rows)):
        fault(f"seconds of a worker and iteration differ by {worst:.3g}")
    if total_worst > 1e-9 * max(1, busy):
        fault(f"busy seconds are {drawn!r}, of the rows {busy!r}")
    wasted = sum(s.args["end_s"] - s.args["begin_s"] for s in slices
                 if s.category == "compute" and not s.args["used"])
    print(f"busy {busy:.9g} wasted {sum(r[4] for r in rows):.9g} marked {wasted:.9g}")


def main():
    path = sys.argv[1]
    with open(path, "rb") as f:
        data = f.read()
    try:
        native = data[:1] == b"\n"
        slices, processes = read_perfetto(data) if native else read_chrome(data)
    except (ValueError, KeyError, IndexError, UnicodeDecodeError) as e:
        print(f"{path}: {type(e).__name__}: {e}")
        return 1
    bound = check_flows(slices)
    if len(sys.argv) > 4 and sys.argv[2] == "--busy":
        check_busy(slices, processes, sys.argv[3], int(sys.argv[4]))
    kinds = {}
    for s in slices:
        kinds[s.name.rstrip("0123456789").strip()] = kinds.get(
            s.name.rstrip("0123456789").strip(), 0) + 1
    print(f"processes {len(processes)}, slices {len(slices)}, flows {bound}")
    for name in sorted(kinds):
        print(f"{name}: {kinds[name]}")
    for text in FAULTS[:20]:
        print("fault:", text)
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
