#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What pages show is what commands print: every command of every page is run. STRAGGLE names the
# program.

setup() {
  export LC_ALL=C.UTF-8
  root="$(cd "$BATS_TEST_DIRNAME/.." && pwd)"
  cd "$root"
}

play() {
  python3 tests/play_pages.py "$STRAGGLE" "$@"
}

# Commands that no test of this file runs: page, beginning of the line, and why. Fenced blocks are
# recipes, which cookbook.bats runs, and the ends of adding-a-*.md, which want a code in C that is not
# in the tree.
left_out() {
  cat <<'END'
README.md|make run|it builds the program, and runs what the page goes on to show
README.md|make test|it runs this
docs/many-machines.md|job=$(sbatch|wants a cluster: tests/jobs.bats runs the job scripts where Slurm is installed
docs/many-machines.md|sbatch|the same
docs/many-machines.md|for round in 1 2|wants GNU parallel: tests/jobs.bats runs the script where that is installed
docs/performance.md|build/straggle run tests/scenarios/sweep18.json -o big.db|10,000 points take minutes
docs/performance.md|/usr/bin/time build/straggle compare big.db|of the database before it
END
}

# Lines of code blocks that look like commands and are not played, "page|line".
unplayed() {
  local page
  for page; do
    [ "$page" = docs/commands.md ] && continue # of the tables of commands: its examples are below
    awk -v page="$page" '
      /^```/ { fence = !fence; next }
      !fence && /^    ( *)((build\/)?straggle|make|sqlite3|sbatch|python3|git|job=|for|\/usr\/bin\/time) / ||
      !fence && /^    ( *)job=/ {
        if (!played) { sub(/^ */, ""); print page "|" $0 } }
      /^    \$ / { played = 1 } !/^    / && NF { played = 0 }' "$page"
  done
}

@test "pages show what their commands print, and the pictures that these draw" {
  run play $(grep -lE '^    \$ ' README.md docs/*.md)
  echo "$output"
  [ "$status" -eq 0 ]
  # None is lost by the search for them.
  [ "$(awk '/ commands, 0 faults$/ { n += $2 } END { print n }' <<< "$output")" -ge 100 ]
}

@test "commands that are not run are few, and listed" {
  local page line
  unplayed README.md docs/*.md > "$BATS_TEST_TMPDIR/found"
  while IFS='|' read -r page line; do
    echo "$page: $line"
    left_out | cut -d'|' -f1,2 | while IFS='|' read -r p l; do
      [ "$p" = "$page" ] && [[ "$line" == "$l"* ]] && echo yes
    done | grep -q yes
  done < "$BATS_TEST_TMPDIR/found"
}

@test "examples of all commands run as the help shows them" {
  local folder="$BATS_TEST_TMPDIR/examples" line n=0
  mkdir -p "$folder/bin" "$folder/.local/share/bash-completion/completions"
  cp -r scenarios "$folder"
  ln -s "$STRAGGLE" "$folder/bin/straggle"
  cd "$folder"
  export HOME="$folder" PATH="$folder/bin:$PATH"
  # What examples take for granted, beside what those before them made: measured times, a sweep with
  # axes called n and net, shards, rows of workers in a small database.
  cp scenarios/traces/persistent.csv times.csv
  straggle init my
  sed -i 's/"replications": 20/"replications": 2/' my.json
  straggle run --quiet my.json --set /output/detail=worker
  for i in 1 2; do straggle run --quiet my.json --shard $i/2 -o shards.db; done
  mv shards.shard-1-of-2.db my.shard-1-of-2.db
  mv shards.shard-2-of-2.db my.shard-2-of-2.db
  cp my.db one.db # and for forget one that has more
  cp my.db many.db
  straggle run --quiet scenarios/quickstart.json -o many.db --set /replications=2 --set /cluster/workers=36
  straggle run --quiet "$root/tests/scenarios/sweep18.json" -o sweep.db --set /replications=5
  while IFS= read -r line; do
    n=$((n + 1))
    [ "$line" = "straggle init my" ] && line="straggle init my --force"
    echo "$line"
    [[ "$line" == *" forget "* ]] && cp many.db my.db
    bash -c "${line/&& man */}" > printed 2>&1 < /dev/null || { cat printed; false; }
    [[ "$line" == *" forget "* ]] && cp one.db my.db
  done < <(awk '/^    straggle / && said ~ /:$/ { sub(/^ */, ""); print } NF { said = $0 }' \
    "$root/docs/commands.md")
  echo "$n examples"
  [ "$n" -ge 30 ]
}

@test "what the pages are compared by finds what is wrong" {
  local page="$BATS_TEST_TMPDIR/page.md"
  printf '%s\n' '# A page' '' '    $ straggle version' '    straggle 0' '' 'Text.' '' \
    '    $ straggle nothing' '' '    $ printf "%s\n" a b c "about 3.5 s"' '    a' '    …' \
    '    about 20 min' '    $ printf "%s\n" a b c' '    a' '    …' '    d' '' \
    '    $ echo "a' '    > b" > drawn.svg' '    $ cat \' '      drawn.svg' '    a' '    b' '' \
    '![drawn](drawn.svg)' '![not drawn](none.svg)' > "$page"
  run play "$page"
  echo "$output"
  [ "$status" -eq 1 ]
  [[ "$output" == *"page.md:3: straggle version"*"- straggle 0"* ]]
  [[ "$output" == *"page.md:8: straggle nothing"*"exit status 64"* ]]
  [[ "$output" == *"page.md:14: "* && "$output" != *"page.md:10: "* && "$output" != *"page.md:21: "* ]]
  [[ "$output" == *"page.md: $BATS_TEST_TMPDIR/drawn.svg is not what the commands draw"* ]]
  [[ "$output" == *"page.md: no command draws $BATS_TEST_TMPDIR/none.svg"* ]]
  [[ "${lines[-1]}" == *"6 commands, 5 faults" ]]
  # Mended by what is printed, all but the command that fails and what is shortened.
  run play --write "$page"
  run play "$page"
  [[ "${lines[-1]}" == *"6 commands, 3 faults" ]]
  printf '%s\n' '    straggle run my.json' '    $ straggle version' '    straggle 1' '' 'Text' '' \
    '    make all' > "$page"
  [ "$(unplayed "$page")" = "$page|straggle run my.json
$page|make all" ]
}
