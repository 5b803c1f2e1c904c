#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `straggle report`: one file, well-formed, escaped, deterministic, and its numbers are those of
# queries. What a browser makes of it is in tests/browser.sh (`make browser`).

setup() {
  cd "$BATS_TEST_TMPDIR"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
}

train() { # NAME.db [more options]
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=6 "${@:2}" -o "$1"
}

# Tags that must be closed are, in their order; no attribute loads anything; ids are unlike each
# other, and links within the page lead to one.
check_page() {
  LC_ALL=C.UTF-8 awk -v bytes="$(wc -c < "$1")" '
    BEGIN { RS = "<"; void = " meta ! br "; optional = " tr td th " }
    NR > 1 {
      tag = $0; sub(/>.*/, "", tag)
      name = tag; sub(/[ \/\n].*/, "", name)
      if (script && tag !~ /^\/script/) next
      if (tag ~ /^!/) next
      if (tag ~ /(src|href|data|action)="[^#]/) { print "loads: " tag; bad = 1 }
      if (match(tag, / id="[^"]*"/)) { id = substr(tag, RSTART + 5, RLENGTH - 6); if (seen[id]++) { print "twice: " id; bad = 1 } }
      if (match(tag, / href="#[^"]*"/)) want[substr(tag, RSTART + 8, RLENGTH - 9)] = 1
      if (tag ~ /^\//) {
        name = substr(tag, 2)
        if (stack[depth] != name) { print "closes " name " in " stack[depth]; bad = 1 }
        depth--
      } else if (tag !~ /\/$/ && !index(void, " " name " ") && !index(optional, " " name " "))
        stack[++depth] = name
      script = name == "script" && tag !~ /^\//
    }
    END {
      if (depth) { print "open: " stack[depth]; bad = 1 }
      for (id in want) if (!(id in seen)) { print "leads nowhere: " id; bad = 1 }
      if (bytes >= 1000000) { print "large: " bytes; bad = 1 }
      exit bad
    }' "$1"
}

@test "one well-formed file, of the same bytes each time, with the answer first" {
  train train.db --set /output/detail=worker
  run "$STRAGGLE" report train.db -o one.html
  [ "$status" -eq 0 ]
  [[ "$output" == "one.html: "*" kB"* ]]
  "$STRAGGLE" report train.db -o two.html
  cmp one.html two.html
  check_page one.html
  [[ "$(head -c 40 one.html)" == "<!DOCTYPE html>"* ]]
  for id in answer speedup pareto ecdf loss where lateness last origin; do grep -q "<section id=\"$id\">" one.html; done
  [ "$(grep -c '<svg ' one.html)" = 7 ]
  [ "$(grep -c '<summary>Numbers</summary>' one.html)" = 7 ]
  # The words of compare, in its own.
  "$STRAGGLE" compare train.db > compare.txt
  fastest="$(grep -o '← fastest: [^,]*' compare.txt | sed 's/.*: //')"
  grep -q "^<p>Fastest: $fastest, " one.html
  [ "$(grep -n 'class="answer"' one.html | head -1 | cut -d: -f1)" -lt "$(grep -n '<svg ' one.html | head -1 | cut -d: -f1)" ]
  if command -v tidy; then
    # An id of <title> within SVG is none of its business.
    [ -z "$(tidy -q -e one.html 2>&1 | grep -v 'proprietary attribute "id"')" ]
  fi
}

@test "its numbers are those of the plots, and its commands make them" {
  train train.db
  "$STRAGGLE" report train.db -o report.html
  for plot in speedup pareto where; do
    "$STRAGGLE" plot train.db $plot -o p.svg > /dev/null
    # A cell a line: those of the CSV, in their order.
    tail -n +2 p.csv | tr ',' '\n' > want.txt
    sed -n "/<section id=\"$plot\">/,/<\/section>/p" report.html | grep '^<tr>' |
      sed 's/<tr>//; s/^<td[^>]*>//; s/<td[^>]*>/\n/g' > found.txt
    diff want.txt found.txt
  done
  grep -o '<code>straggle plot[^<]*' report.html | sed 's/<code>straggle //' | while read -r line; do
    case "$line" in *lateness | *last) continue ;; esac
    "$STRAGGLE" $line -o again.svg
  done
}

# numbers REPORT DB: every picture of the page is the one that its command draws, number by number
# (of long ones rows are left out), or the command says as well that there is none. Prints how many.
numbers() {
  python3 - "$STRAGGLE" "$1" "$2" << 'PY'
import csv, html, re, shlex, subprocess, sys
straggle, page, db = sys.argv[1:]
drawn = 0
for section in re.findall(r'<section id="\w+">.*?</section>', open(page, encoding="utf-8").read(), re.S):
    command = re.search(r"<code>straggle (plot [^<]*)</code>", section)
    if not command:
        continue
    done = subprocess.run([straggle] + shlex.split(html.unescape(command[1])) + ["-o", "p.svg"], capture_output=True, text=True)
    if "Not here:" in section:
        assert done.returncode == 65, (command[1], done)
        continue
    assert done.returncode == 0, (command[1], done.stderr)
    rows = [[html.unescape(re.sub("<[^>]*>", "", cell)) for cell in re.split("<td[^>]*>", row)[1:]]
            for row in re.findall(r"^<tr>(<td.*)$", section, re.M)]
    with open("p.csv", encoding="utf-8", newline="") as f:
        want = [[" ".join(cell.split()) for cell in row] for row in csv.reader(f)][1:]
    at = iter(want)
    assert rows and all(row in at for row in rows), (command[1], rows[:2], want[:2])
    assert len(rows) == len(want) or "one point in" in section, (command[1], len(rows), len(want))
    drawn += 1
print(drawn)
PY
}

@test "reports of all shipped scenarios: well-formed, the same bytes again, the numbers of the plots" {
  local s drawn=0
  # Of the papers one of a kind: cells, blocks, a tree in a sweep, errors, no barrier, several jobs.
  for s in "$scenarios"/*.json "$scenarios"/papers/{ye-abbe-n8,wang-2022-blocks-n20,reisizadeh-2019-codedreduce,glasgow-2020-petersen,dutta-2018-k-async,krishnan-2023-sequential-n256}.json; do
    [[ "$s" == *schema.json ]] && continue
    "$STRAGGLE" run --quiet "$s" --set /replications=2 --set /stop/iterations=12 --set /output/detail=worker -o one.db
    "$STRAGGLE" report one.db -o one.html
    "$STRAGGLE" report one.db -o two.html
    cmp one.html two.html
    check_page one.html
    found="$(numbers one.html one.db)"
    echo "$s: $found pictures"
    drawn=$((drawn + found))
    rm one.db
  done
  [ "$drawn" -ge 45 ]
}

@test "of a sweep the fastest of each environment, and pictures of the first one" {
  cat > sweep.json <<'JSON'
{"format": 1, "name": "sweep", "cluster": {"workers": 6},
 "delay": {"model": "shifted-exponential", "unit": "subset", "shift_s": 1, "mean_excess_s": 0.5},
 "learning": {"problem": "none", "length": 120}, "stop": {"iterations": 30},
 "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": 1}, {"code": "fractional-repetition", "s": 2}],
 "sweep": [{"name": "n", "path": "/cluster/workers", "values": [6, 12, 18]},
           {"name": "excess", "path": "/delay/mean_excess_s", "values": [0.2, 4]}],
 "baseline": "uncoded", "replications": 6}
JSON
  "$STRAGGLE" run --quiet sweep.json -o sweep.db
  "$STRAGGLE" report sweep.db -o report.html
  check_page report.html
  grep -q '6 environments, 18 points, 108 runs' report.html
  "$STRAGGLE" compare sweep.db --best --format csv > best.csv
  for scheme in uncoded 'fractional-repetition s=2'; do
    wins="$(sqlite3 :memory: ".import --csv best.csv b" "SELECT count(*) FROM b WHERE best_label = '$scheme'")"
    [ "$wins" -gt 0 ]
    grep -q "$scheme is the fastest in $wins" report.html
  done
  grep -q '<code>straggle plot sweep.db ecdf --filter n=6 --filter excess=0.2</code>' report.html
  grep -q '<section id="time">' report.html
  grep -q '<section id="heat">' report.html
}

@test "what is not there is said, with the way to it" {
  train summary.db --set /output/detail=summary
  "$STRAGGLE" report summary.db -o report.html
  check_page report.html
  sed -n '/<section id="loss">/,/<\/section>/p' report.html | grep -q 'Not here: .*/output/detail=iteration'
  sed -n '/<section id="lateness">/,/<\/section>/p' report.html | grep -q 'Not here: .*/output/detail=worker'
  sqlite3 summary.db "DELETE FROM point"
  run "$STRAGGLE" report summary.db -o none.html
  [ "$status" -eq 65 ]
  [[ "$output" == *"no finished runs"* ]]
  [ ! -e none.html ]
  run "$STRAGGLE" report missing.db
  [ "$status" -eq 66 ]
}

@test "one scheme, runs without a target, and runs that diverge" {
  echo '{"format":1,"name":"one","cluster":{"workers":4},"delay":{"model":"exponential","mean_s":1},"stop":{"iterations":30},"learning":{"problem":"none","length":10},"schemes":[{"code":"cyclic-repetition","s":1}],"replications":3}' > one.json
  "$STRAGGLE" run --quiet one.json -o one.db
  "$STRAGGLE" report one.db
  check_page one.html
  grep -q '1 environment, 1 point, 3 runs' one.html
  run "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=2 --set /learning/optimizer/step=1e9 -o wild.db
  "$STRAGGLE" report wild.db
  check_page wild.html
}

@test "names from a database are text, whatever they say" {
  train evil.db --set /output/detail=worker
  sqlite3 evil.db "UPDATE point SET scheme_label = '<script>alert(1)</script>' || char(27) || '&\"''é' WHERE point_id = 2" \
    "UPDATE scenario SET name = '</title><script>alert(2)</script>', text = '</pre><script>alert(3)</script>'" \
    "UPDATE invocation SET argv = '<img src=http://x/y>'"
  "$STRAGGLE" report evil.db -o evil.html --title '<b>"quoted"</b>'
  check_page evil.html
  [ "$(grep -c '<script>' evil.html)" = 1 ]
  [ "$(grep -c '<img' evil.html)" = 0 ]
  grep -q '&lt;script&gt;alert(1)&lt;/script&gt;?&amp;&quot;&#39;é' evil.html
  grep -q '<h1>&lt;b&gt;&quot;quoted&quot;&lt;/b&gt;</h1>' evil.html
  LC_ALL=C.UTF-8 awk '/[\001-\010\016-\037]/ { exit 1 }' evil.html
  mv evil.db "it's.db"
  "$STRAGGLE" report "it's.db" -o quoted.html
  grep -q "straggle compare &#39;it&#39;\\\\&#39;&#39;s.db&#39;" quoted.html
}

@test "below a megabyte, however much there is" {
  echo '{"format":1,"name":"long","cluster":{"workers":40},"delay":{"model":"shifted-exponential","shift_s":1,"mean_excess_s":1},"stop":{"iterations":400},"learning":{"problem":"none","length":10},"output":{"detail":"worker"},"schemes":[{"code":"uncoded"},{"code":"cyclic-repetition","s":{"each":[1,2,3,4,5,6,7,8,9,10,11]}}],"replications":4}' > long.json
  "$STRAGGLE" run --quiet long.json -o long.db
  "$STRAGGLE" report long.db
  check_page long.html
  grep -q 'Of each series one point in ' long.html
  sqlite3 long.db "UPDATE scenario SET text = hex(randomblob(1000000))"
  "$STRAGGLE" report long.db
  check_page long.html
  grep -q 'Its 2000000 bytes are too many' long.html
}
