#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the tables of commands yield: help, faults, completion, manual. STRAGGLE names the program.

# Commands with their options, written by hand: none of these may get lost.
commands() {
  cat <<'END'
init|--from -l --list --force
run|-o --output -j --threads --set --shard --known --what-if -f --format --json --force -q --quiet
check|--set -v --verbose -f --format --json
plan|-o --output -j --threads --set --shard --known --suggest -f --format --json
expect|-d --database --set -f --format --json -q --quiet
merge|-f --format --json -q --quiet
forget|-e --environment --scenario --scheme -w --where --dry-run -f --format --json
compare|-b --baseline -s --simultaneous --best --equal --per-code --across --columns --sort -f --format --json --latex
query|-f --format --json
timeline|--run --scheme --replication -e --environment -i --iterations -o --output --json --set
codes|--bib -f --format --json
codes show|-n --workers --seed --bib -f --format --json
codes check|--all -n --workers -k --subsets --speeds --straggling -l --length -p --patterns --seed -j --threads --database -f --format --json -q --quiet
codes design|-n --workers -p --straggling -k --blocks --entries -d --load --most --objective --below --deadline --first --moves --patterns --signs --seed --set -o --output -f --format --json -q --quiet
fit|--workers --seed --replicates -f --format --json
papers|-l --list -b --brief --seed -o --output -j --threads -f --format --json -q --quiet
schema|-r --reference
help|
completion|
man|-o --output -f --format
version|
END
}

all_commands() { # one a line
  "$STRAGGLE" help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  +[A-Z].*\.$/\1/p'
}

setup() {
  root="$BATS_TEST_DIRNAME/.."
  cd "$BATS_TEST_TMPDIR"
}

long_options() { # the long ones of $1, one a line
  tr ' ' '\n' <<< "$1" | grep '^--'
}

# Completes the last of the words as bash would; the candidates stand in $found, one a line.
complete_words() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _straggle || true # compgen fails where nothing fits
  found=$(printf '%s\n' "${COMPREPLY[@]}")
}

@test "straggle alone and straggle help list every command in 80 columns" {
  run "$STRAGGLE"
  [ "$status" -eq 64 ]
  [ "$output" = "$("$STRAGGLE" help)" ]
  [ "$output" = "$("$STRAGGLE" --help)" ]
  while IFS='|' read -r command options; do
    grep -Eq "^  $command +[A-Z].*\.$" <<< "$output"
  done < <(commands)
  [ "$(grep -c '^  [a-z]' <<< "$output")" -eq "$(all_commands | wc -l)" ]
  [ "$(LC_ALL=C.UTF-8 wc -L <<< "$output")" -le 80 ]
}

@test "help of every command lists its options, and only those" {
  while IFS='|' read -r command options; do
    help="$("$STRAGGLE" help $command)"
    [ "$help" = "$("$STRAGGLE" $command --help)" ]
    [ "$help" = "$("$STRAGGLE" $command -h)" ]
    [[ "${help%%$'\n'*}" == "straggle $command"* ]]
    # The first list of options: that of the command itself.
    listed="$(awk '/^Options:/ { n++; next } /^$/ { if (n) exit } n' <<< "$help")"
    for option in $options --help; do grep -Eq -- "(^ +|, )$option(,| |$)" <<< "$listed"; done
    [ "$(grep -Ec -- "^ +(-[a-z], )?--[a-z-]+" <<< "$listed")" -eq "$(long_options "$options --help" | wc -l)" ]
  done < <(commands)
  [[ "$("$STRAGGLE" help codes)" == *"straggle codes check [NAME]"* ]]
  run "$STRAGGLE" help codes nothing
  [ "$status" -eq 64 ]
}

@test "an unknown option names the nearest, and all faults are told at once" {
  run "$STRAGGLE" run small.json --quite --threads 0
  [ "$status" -eq 64 ]
  [[ "$output" == *"there is no option --quite; did you mean --quiet?"* ]]
  [[ "$output" == *'--threads: expected a whole number from 1 to 1024, found "0"'* ]]
  [[ "$output" == *"Usage: straggle run SCENARIO... [OPTIONS]"* ]]
  run "$STRAGGLE" compare a.db b.db --format jsno
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "json"?'* ]]
  [[ "$output" == *'expected nothing behind "a.db", found "b.db"'* ]]
  # What another command takes is unknown here.
  run "$STRAGGLE" query a.db @points --threads 3
  [ "$status" -eq 64 ]
  [[ "$output" == *"there is no option --threads"* ]]
  [[ "$output" != *"found \"3\""* ]] # it may be the value
  run "$STRAGGLE" codes shwo group
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "codes show"?'* ]]
  run "$STRAGGLE" completion bsh
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "bash"?'* ]]
}

@test "the command line is kept as it was typed" {
  cat > tiny.json <<'END'
{ "format": 1, "cluster": { "workers": 2 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "none", "length": 4 }, "schemes": [{ "code": "uncoded" }],
  "stop": { "iterations": 2 } }
END
  "$STRAGGLE" run tiny.json -q --set /replications=1 -o tiny.db
  [ "$(sqlite3 tiny.db 'SELECT argv FROM invocation')" = \
    "straggle run tiny.json -q --set /replications=1 -o tiny.db" ]
}

@test "the completion for bash is valid and completes what stands in the tables" {
  "$STRAGGLE" completion bash > straggle.bash
  bash -n straggle.bash
  source ./straggle.bash
  straggle() { "$STRAGGLE" "$@"; }
  complete_words straggle com
  [ "$found" = $'compare\ncompletion' ]
  complete_words straggle codes ''
  [ "$found" = $'show\ncheck\ndesign' ]
  complete_words straggle codes show gro
  [ "$found" = group ]
  complete_words straggle codes check cyclic-r
  [ "$found" = cyclic-repetition ]
  complete_words straggle compare x.db --format m
  [ "$found" = markdown ]
  complete_words straggle compare x.db --format = j
  [ "$found" = json ]
  complete_words straggle run --what-if st
  [ "$found" = stalls ]
  complete_words straggle help sch
  [ "$found" = schema ]
  complete_words straggle completion z
  [ "$found" = zsh ]
  touch 'my scenario.json' other.db
  complete_words straggle check my
  [ "$found" = 'my scenario.json' ]
  complete_words straggle run x.json --output oth
  [ "$found" = other.db ]
  complete_words straggle run x.json --threads ''
  [ -z "$found" ]
  while IFS='|' read -r command options; do
    complete_words straggle $command --
    [ "$(sort <<< "$found")" = "$(long_options "$options --help" | sort)" ]
  done < <(commands)
}

@test "the completion for zsh offers candidates with what they are" {
  "$STRAGGLE" completion zsh > _straggle
  [ "$(head -1 _straggle)" = "#compdef straggle" ]
  if ! command -v zsh > /dev/null; then skip "no zsh"; fi
  zsh -n _straggle
  cat > ask.zsh <<'END'
straggle() { "$STRAGGLE" "$@"; }
compdef() { :; }
compset() { :; }
_files() { print files; }
_describe() { print -l -- "${(@)found}"; }
source ./_straggle
words=("$@") CURRENT=$#
_straggle
END
  [ "$(zsh -f ask.zsh straggle codes s)" = "show:$("$STRAGGLE" help | sed -n 's/^  codes show  *//p')" ]
  [ "$(zsh -f ask.zsh straggle codes check --length --fo)" = "" ]
  [[ "$(zsh -f ask.zsh straggle query --js)" == "--json:short for --format=json" ]]
  [ "$(zsh -f ask.zsh straggle compare x.db --format=m)" = markdown ]
  [ "$(zsh -f ask.zsh straggle run --output '' | head -1)" = files ]
  while IFS='|' read -r command options; do
    offered="$(zsh -f ask.zsh straggle $command -- | sed 's/:.*//')"
    [ "$(sort <<< "$offered")" = "$(long_options "$options --help" | sort)" ]
  done < <(commands)
}

@test "the manual page renders and holds every option" {
  "$STRAGGLE" man > straggle.1
  # No line is a request that the page does not mean.
  ! grep -E "^[.']" straggle.1 | grep -Ev '^\.(\\"|TH|SH|SS|PP|TP|in)( |$)'
  if command -v groff > /dev/null && groff -man -Tutf8 -k straggle.1 > /dev/null 2>&1; then
    [ -z "$(groff -man -Tutf8 -k -ww straggle.1 2>&1 > page.txt)" ]
    sed -e 's/\x1b\[[0-9;]*m//g' -e 's/.\x08//g' page.txt > straggle.txt
  else
    sed -e '/^\./d' -e 's/\\f[BIR]//g' -e 's/\\-/-/g' straggle.1 > straggle.txt
  fi
  while IFS='|' read -r command options; do
    grep -q "^.SS straggle $command" straggle.1
    for option in $options; do grep -Eq -- "(^|[ ,])$option(,| |\$)" straggle.txt; done
  done < <(commands)
}

@test "docs/commands.md and the README are those of the tables" {
  "$STRAGGLE" man --format markdown > commands.md
  cmp commands.md "$root/docs/commands.md"
  while IFS='|' read -r command options; do
    section="$(awk -v head="## $command" '/^## / { n = $0 == head } n' commands.md)"
    for option in $options; do grep -Eq -- "^\| .*\`$option[ \`]" <<< "$section"; done
    summary="$(sed -n "s/^  $command  *\([A-Z].*\)/\1/p" <<< "$("$STRAGGLE" help)")"
    grep -qF "| \`$command\` | $summary |" "$root/README.md"
  done < <(commands)
  # A new command: make docs.
  [ "$(grep -c '^| `' <<< "$(sed -n '/^| command/,/^$/p' "$root/README.md")")" -eq "$(all_commands | wc -l)" ]
}

@test "straggle codes cuts nothing: at 80 columns cells are wrapped, in a pipe they are whole" {
  COLUMNS=80 "$STRAGGLE" codes > codes.txt
  [ "$(LC_ALL=C.UTF-8 wc -L < codes.txt)" -le 80 ]
  ! grep -q '…' codes.txt
  [ "$(tail -n +3 codes.txt | wc -l)" -ge 13 ]
  "$STRAGGLE" codes > whole.txt
  # Each kind has a title, two lines of heads and an empty line, but for the last.
  "$STRAGGLE" codes --format csv > codes.csv
  kinds=$(grep -c '^code ' whole.txt)
  [ "$kinds" -gt 5 ]
  [ "$(wc -l < whole.txt)" -eq $(($(wc -l < codes.csv) - 1 + 4 * kinds - 1)) ]
  # The words are the same.
  [ "$(grep -v ─ codes.txt | tr -s ' \n' '\n\n' | sort)" = "$(grep -v ─ whole.txt | tr -s ' \n' '\n\n' | sort)" ]
}

@test "every command has a manual page that renders, and make uninstall leaves nothing" {
  plain() { env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" BUILD="$(dirname "$STRAGGLE")" PREFIX=/usr DESTDIR="$PWD/stage" "$@"; }
  mkdir man
  "$STRAGGLE" man -o man
  [ "$(ls man | wc -l)" -eq $(($(all_commands | wc -l) + 1)) ]
  for page in man/*.1; do
    [ -z "$(man --warnings -l -Tutf8 "$page" 2>&1 >/dev/null)" ]
  done
  "$STRAGGLE" man codes check | cmp - man/straggle-codes-check.1
  man -l -Tutf8 man/straggle-run.1 | grep -q -- 'what.if'
  plain install >/dev/null
  cmp man/straggle-run.1 stage/usr/share/man/man1/straggle-run.1
  [ -e stage/usr/share/doc/straggle/docs/cookbook.md ] && [ -e stage/usr/share/doc/straggle/LICENSE ]
  touch stage/usr/share/straggle/scenarios/mine.json
  plain uninstall >/dev/null
  [ "$(find stage -type f)" = stage/usr/share/straggle/scenarios/mine.json ]
}

@test "papers of codes as BibTeX: every arXiv number that a code or a collective names, once" {
  "$STRAGGLE" codes --bib > all.bib
  { "$STRAGGLE" codes --format csv; "$STRAGGLE" schema --reference | grep '"algorithm": '; } |
    grep -oE 'arXiv:[0-9.]+[0-9]' | sed 's/arXiv://' | sort -u > named
  grep -oE 'eprint = \{[0-9.]+' all.bib | sed 's/.*{//' | sort | cmp - named
  [ "$(grep -c '^@' all.bib)" -eq "$(grep -oE '^@[a-z]+\{[a-z0-9]+' all.bib | sort -u | wc -l)" ]
  [ "$("$STRAGGLE" codes show streamed-group --bib | grep -c '^@')" -eq 1 ]
  [ "$("$STRAGGLE" codes show arbitrary-placement --bib | grep -c '^@')" -eq 2 ]
}

@test "CITATION.cff has the version of the program" {
  [ "$(sed -n 's/^version: //p' "$root/CITATION.cff")" = "$("$STRAGGLE" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -1)" ]
}

@test "every command has an example" { # guide.bats runs them
  for command in $(all_commands | tr ' ' '_'); do
    echo "$command"
    "$STRAGGLE" help ${command/_/ } | awk 'NR > 1 && /^straggle/ { exit } /^Examples:/ { n++ } END { exit !n }'
  done
}
