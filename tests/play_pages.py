#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the commands that pages show, and compares what they print with what the pages show.

    play_pages.py [--write] PROGRAM PAGE...

A command is a line "    $ ..." of an indented block; it goes on in the next line after a backslash,
or where that begins with "> ". The lines up to the next command, or to the end of the block, are what it prints, both
streams together; a line "..." (the one character) stands for any number of lines. Under a command
may also stand nothing: it must succeed, and what it prints is no matter. Blank lines do not count,
nor do wall-clock times. In the tables of TABLES every `straggle ...` is a command, too. Pictures of a page must be those that its commands draw, byte by byte.

The commands of a page are run in their order in one empty folder, which has a copy of scenarios/
and the program as `straggle` and build/straggle. With --write the page, and its pictures, are made
to show what was printed; what is shortened by "..." is left alone. The exit status is 1 if a page
shows something else.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

WIDTH = 80  # of the terminal for which pages are written
WIDTHS = {"papers.md": 120, "pictures.md": 100, "validation.md": 100}
TABLES = ("how-do-i.md",)
SECONDS = 300  # for one command, on a busy machine

DURATION = r"\d[\d.]* (?:ns|µs|ms|s|min|h)(?: \d+ s| \d+ min)?\b"
MASKS = [
    # On a busy machine no run that plan tries may reach its target: "at most".
    (re.compile(r"(runs computed in|codes checked in|(?:at most )?about) " + DURATION),
     lambda m: m[1].replace("at most ", "") + " (time)"),
    (re.compile(r"with \d+ threads?, [\d.]+ [kMG]?B\b"), "with (threads and size)"),
    (re.compile(r"\(revision [^)]*\)"), "(revision)"),
]


class Command:
    def __init__(self, number, text):
        self.number, self.text, self.shown, self.last = number, text, [], number


def commands(lines, tables):
    """The commands of a page with the lines that it shows under them; numbers are from 1."""
    found, inside, going_on, fence = [], False, False, False
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            fence, inside = not fence, False
        elif fence:
            continue
        elif going_on:
            found[-1].text += "\n" + line[4:]
            found[-1].last = number
            going_on = line.endswith("\\")
        elif line.startswith("    > ") and inside and not found[-1].shown:
            found[-1].text += "\n" + line[6:]
            found[-1].last = number
        elif line.startswith("    $ "):
            found.append(Command(number, line[6:]))
            inside, going_on = True, line.endswith("\\")
        elif inside and (line.startswith("    ") or not line.strip()):
            found[-1].shown.append((number, line[4:]))
        else:
            inside = False
            if tables and line.startswith("|"):
                found += [Command(number, text) for text in re.findall(r"`(straggle [^`]*)`", line)]
    for command in found:
        while command.shown and not command.shown[-1][1].strip():
            command.shown.pop()
        if command.shown:
            command.last = command.shown[-1][0]
    return found


def masked(line):
    for pattern, instead in MASKS:
        line = pattern.sub(instead, line)
    return line.rstrip()


def alike(shown, printed):
    """Whether the shown lines are the printed ones, "…" being any number of lines."""
    # reach: the numbers of printed lines that the shown ones so far can stand for
    reach = {0}
    for line in shown:
        if line.strip() == "…":
            reach = set(range(min(reach), len(printed) + 1)) if reach else reach
        else:
            reach = {i + 1 for i in reach if i < len(printed) and printed[i] == line}
    return len(printed) in reach


def solid(lines):
    return [masked(line) for line in lines if line.strip()]


def folder(program, root):
    path = tempfile.mkdtemp(prefix="page-")
    for place in ("scenarios", "tests/scenarios"):
        shutil.copytree(f"{root}/{place}", f"{path}/{place}",
                        ignore=shutil.ignore_patterns("*.db*"))
    for place in ("build", ".bin"):
        os.mkdir(f"{path}/{place}")
        os.symlink(program, f"{path}/{place}/straggle")
    return path


def pictures(page, lines):
    for line in lines:
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+\.svg)\)", line):
            yield os.path.join(os.path.dirname(page), name)


def play(program, page, write):
    with open(page, encoding="utf-8") as file:
        lines = file.read().split("\n")
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    path = folder(program, root)
    environment = dict(os.environ, HOME=path, LC_ALL="C.UTF-8",
                       COLUMNS=str(WIDTHS.get(os.path.basename(page), WIDTH)),
                       PATH=f"{path}/.bin:{os.environ['PATH']}")
    faults, edits = 0, []
    found = commands(lines, os.path.basename(page) in TABLES)
    for command in found:
        try:
            run = subprocess.run(["bash", "-c", command.text], cwd=path, env=environment,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
            status, printed = run.returncode, run.stdout.decode("utf-8", "replace").split("\n")
        except subprocess.TimeoutExpired:
            status, printed = f"none after {SECONDS} s", []
        shown = [text for _, text in command.shown]
        if status != 0:
            faults += 1
            print(f"{page}:{command.number}: {command.text}\n  exit status {status}")
            print("\n".join("  | " + line for line in printed))
        elif shown and not alike(solid(shown), solid(printed)):
            if write and "…" not in [text.strip() for text in shown]:
                edits.append((command, printed))
                continue
            faults += 1
            print(f"{page}:{command.number}: {command.text}\n  shows\n" +
                  "\n".join("  - " + line for line in solid(shown)) + "\n  prints\n" +
                  "\n".join("  + " + line for line in solid(printed)))
    for picture in pictures(page, lines):
        drawn = os.path.join(path, os.path.basename(picture))
        if not os.path.exists(drawn):
            faults += 1
            print(f"{page}: no command draws {picture}")
        elif write:
            os.makedirs(os.path.dirname(picture), exist_ok=True)
            shutil.copyfile(drawn, picture)
        elif not os.path.exists(picture) or open(drawn, "rb").read() != open(picture, "rb").read():
            faults += 1
            print(f"{page}: {picture} is not what the commands draw")
    for command, printed in reversed(edits):
        first = command.shown[0][0] - 1
        while printed and not printed[-1].strip():
            printed.pop()
        lines[first:command.last] = [("    " + line).rstrip() for line in printed]
    if edits:
        with open(page, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
    shutil.rmtree(path)
    print(f"{page}: {len(found)} commands, {faults} faults")
    return faults


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    arguments = [a for a in arguments if a != "--write"]
    if len(arguments) < 2:
        sys.exit(__doc__)
    program = os.path.abspath(arguments[0])
    sys.exit(1 if sum([play(program, page, write) for page in arguments[1:]]) else 0)


if __name__ == "__main__":
    main()
