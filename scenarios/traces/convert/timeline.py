# SPDX-License-Identifier: MIT
"""Events of timelines in the Chrome trace format as profilers really leave them: compressed or not,
cut by a kill or a full disk, with bytes, escapes and words in them that JSON has not."""
import json
import re
import sys
import zlib


def warn(path, text):
    print(f"{path}: {text}", file=sys.stderr)


def fail(path, text):
    sys.exit(f"{path}: {text}")


def content(path):
    """The text of a file, and whether the end of a compressed one is missing."""
    try:
        with open(path, "rb") as f:
            data = f.read()
        if data[:2] != b"\x1f\x8b":
            return data.decode("utf-8-sig", "replace"), False
        unzip = zlib.decompressobj(31)
        data = unzip.decompress(data)
    except (OSError, zlib.error) as e:
        fail(path, getattr(e, "strerror", None) or e)
    return data.decode("utf-8-sig", "replace"), not unzip.eof


def mended(text):
    """Escapes that JSON has not stand for themselves, and words for values that are missing are
    null."""
    text = re.sub(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})|\\', lambda m: m[0] if m[1] else "\\\\", text)
    return re.sub(r'(":\s*)(?:N/A|-?nan|-?inf)(?=\s*[,}\]])', r"\1null", text)


def is_whole(text, at):
    """Whether the value that begins here has its closing bracket."""
    depth = 0
    for m in re.finditer(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', text[at:], re.DOTALL):
        depth += (m[0] in "[{") - (m[0] in "]}")
        if depth <= 0:
            return True
    return False


def parsed(path, text):
    """The value and whether it is all of it. Of what is cut: the list of events up to there."""
    decoder = json.JSONDecoder(strict=False)
    try:
        return decoder.raw_decode(text, len(text) - len(text.lstrip()))[0], True
    except json.JSONDecodeError as e:
        fault = e
    start = re.match(r'\s*(?:\{.*?"traceEvents"\s*:\s*)?\[', text, re.DOTALL)
    events, at = [], start.end() if start else len(text)
    while start:
        at += len(re.match(r"[\s,]*", text[at:at + 1000])[0])
        if at == len(text):
            break
        if text[at] == "]":  # the list is whole, what follows is not
            break
        try:
            event, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as e:
            if is_whole(text, at):
                fault, start = e, None
            break
        events.append(event)
    if not start:
        fail(path, f"{fault.lineno}:{fault.colno}: no JSON: {fault.msg}")
    return events, False


def read(path):
    """The list of events (those that are objects) and what stands beside it."""
    text, cut = content(path)
    if not text.strip():
        fail(path, "the file is empty")
    whole = True
    try:
        value, whole = json.loads(text), True
    except (json.JSONDecodeError, RecursionError):
        value, whole = parsed(path, mended(text))
    about = value if isinstance(value, dict) else {}
    events = about.get("traceEvents") if about else value
    if not isinstance(events, list):
        fail(path, "no list of events: expected a timeline in the Chrome trace format")
    events = [e for e in events if isinstance(e, dict)]
    if not events:
        fail(path, "no events")
    if cut or not whole:
        warn(path, f"the end is missing; {len(events)} events before it are taken")
    return events, about


def number(event, name):
    """A number, or None."""
    try:
        x = float(event.get(name))
    except (TypeError, ValueError):
        return None
    return x if abs(x) < float("inf") else None


def text(event, name):
    x = event.get(name)
    return x if isinstance(x, str) else ""
