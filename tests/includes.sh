#!/bin/bash
# SPDX-License-Identifier: MIT
# The order of the house: which folder may include which, circles, guards, lengths.
#
#   tests/includes.sh [ROOT]     prints every offence, one a line; exit status 1 if there is one
#
# Ranks, from the ground floor up; a file includes its own rank and those below. Of the first floor
# (codes, models, results) each folder knows itself and the ground floor only.
cd "${1:-$(dirname "$0")/..}" || exit 2
most=700

files=$(find codes models results sim -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
[ -n "$files" ] || { echo "no source files in $PWD"; exit 2; }
pairs=$(grep -H '^ *# *include *"' $files | sed -E 's/^([^:]*): *# *include *"([^"]*)".*/\1 \2/')
offences=$(mktemp)
trap 'rm -f "$offences"' EXIT

# Upward includes.
awk '
  function folder(path) { # of files: codes, models, results, sim/core, …; sim/kernel.c is in sim
    if (path ~ /^sim\/[^\/]*\//) { split(path, part, "/"); return "sim/" part[2] }
    sub(/\/.*/, "", path)
    return path
  }
  BEGIN {
    split("sim/core 0 codes 1 models 1 results 1 sim 2 sim/scenario 2 sim/engine 2 sim/check 2 " \
          "sim/design 2 sim/experiment 3 sim/fit 4 sim/expect 4 sim/timeline 4 sim/papers 4 " \
          "sim/cli 5", word, " ")
    for (i = 1; i in word; i += 2) rank[word[i]] = word[i + 1]
  }
  $2 !~ /\// { next } # made by the build
  {
    from = folder($1); to = folder($2)
    if (!(from in rank)) print $1 ": " from "/ has no rank in tests/includes.sh"
    else if (!(to in rank)) print $1 ": includes " $2 ", which is no product code"
    else if (rank[to] > rank[from] || (rank[to] == rank[from] && rank[to] == 1 && to != from))
      print $1 ": includes " $2 ", which is above or beside it"
  }' <<< "$pairs" >> "$offences"

# Circles of files, and of folders: tsort names the members of a loop.
circle() {
  LC_ALL=C tsort 2>&1 >/dev/null | sed -n 's/^tsort: \([^-].*\)/\1/p' | tr '\n' ' ' | sed "s/ \$//;s/^\(..*\)/circle of $1: \1\n/"
}
circle files <<< "$pairs" >> "$offences"
awk '
  function folder(path) {
    if (path ~ /^(sim|models)\/[^\/]*\//) { split(path, part, "/"); return part[1] "/" part[2] }
    sub(/\/.*/, "", path)
    return path
  }
  $2 ~ /\// && folder($1) != folder($2) { print folder($1), folder($2) }' <<< "$pairs" |
  LC_ALL=C sort -u | circle folders >> "$offences"

# Every header has a guard of its own.
for f in $files; do
  [[ $f == *.h ]] && echo "$(sed -n '/^#ifndef/{s/^#ifndef *//p;q}' "$f") $f"
done | LC_ALL=C sort | awk '
  NF == 1 { print $1 ": has no include guard"; next }
  $1 == last { print $2 ": has the include guard " $1 " of " file }
  { last = $1; file = $2 }' >> "$offences"

# Long files say why. The reason may be broken over lines.
for f in $files; do
  lines=$(wc -l < "$f")
  if [ "$lines" -gt "$most" ] && ! head -n 40 "$f" | tr -s ' *\n' ' ' | grep -q 'This file is long because'; then
    echo "$f: has $lines lines and no \"This file is long because …\" in its head"
  fi
done >> "$offences"

cat "$offences"
[ ! -s "$offences" ]
