#!/bin/bash
# SPDX-License-Identifier: MIT
# The report in a real browser: Debian's chromium, headless, with and without JavaScript, 400 and
# 1400 pixels wide, light and dark. `make browser` installs it; it is too large for `make test`.
#
#   tests/browser.sh STRAGGLE [FOLDER]    screenshots go to FOLDER, "browser" in the build if absent
set -u
straggle="$(realpath "$1")"
scenarios="$(realpath "$(dirname "$0")/../scenarios")"
out="${2:-$(dirname "$1")/browser}"
mkdir -p "$out" && out="$(realpath "$out")" && cd "$out" || exit 2
command -v chromium > /dev/null || { echo "chromium is not installed: make browser"; exit 2; }
failed=0
fail() { echo "FAILED: $*"; failed=1; }

cat > sweep.json <<'JSON'
{"format": 1, "name": "sweep <b>", "cluster": {"workers": 6},
 "delay": {"model": "shifted-exponential", "unit": "subset", "shift_s": 1, "mean_excess_s": 1},
 "learning": {"problem": "none", "length": 120}, "stop": {"iterations": 50},
 "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": {"each": [1, 2]}},
             {"code": "fractional-repetition", "s": 2}],
 "sweep": [{"name": "n", "path": "/cluster/workers", "values": [6, 12, 18, 24]},
           {"name": "excess", "path": "/delay/mean_excess_s", "values": [0.3, 1, 3]}],
 "baseline": "uncoded", "replications": 8}
JSON
rm -f ./*.db ./*.html ./*.png
"$straggle" run --quiet "$scenarios/quickstart.json" --set /output/detail=worker --set /replications=8 -o quickstart.db &&
  "$straggle" run --quiet sweep.json -o sweep.db &&
  "$straggle" report quickstart.db && "$straggle" report sweep.db || exit 1

browse() { # arguments of chromium; its messages go to messages.txt
  timeout 120 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars \
    --user-data-dir="$out/profile" --enable-logging=stderr "$@" 2> messages.txt
  local code=$?
  grep 'CONSOLE' messages.txt | grep -v 'Blocked script execution' && fail "the console has messages: $*"
  return $code
}

# What a page is asked with JavaScript, by a script of the test: the answer becomes its title.
ask() { # PAGE EXPRESSION WANTED
  sed 's|</body>|<script>document.title=String('"$(sed 's/[&|\\]/\\&/g' <<< "$2")"')</script></body>|' "$1.html" > asked.html
  local found
  found="$(browse --dump-dom "file://$out/asked.html" | grep -o '<title>[^<]*' | head -1)"
  [ "$found" = "<title>$3" ] || fail "$1: $2 is ${found#<title>}, expected $3"
}

for page in quickstart sweep; do
  for width in 400 1400; do
    # A window is at least 500 wide: narrow pages stand in a frame.
    printf '<!DOCTYPE html><body style="margin:0"><iframe id="f" src="%s.html" style="border:0;width:%dpx;height:4000px"></iframe>' $page $width > frame.html
    for dark in 0 1; do # 0 is dark
      shot="$page-$width-$([ $dark = 0 ] && echo dark || echo light).png"
      browse --blink-settings=preferredColorScheme=$dark --window-size=$width,4000 \
        --screenshot="$out/$shot" "file://$out/$([ $width = 400 ] && echo frame || echo $page).html"
      [ -s "$shot" ] || fail "no $shot"
    done
    # Nothing is wider than the page.
    sed -i 's|</iframe>|</iframe><script>onload=()=>{const d=document.getElementById("f").contentDocument.documentElement;document.title=d.scrollWidth<=d.clientWidth?"fits":d.scrollWidth+" of "+d.clientWidth}</script>|' frame.html
    found="$(browse --allow-file-access-from-files --virtual-time-budget=5000 --dump-dom "file://$out/frame.html" | grep -o '<title>[^<]*' | head -1)"
    [ "$found" = "<title>fits" ] || fail "$page at $width: it is ${found#<title>} wide"
  done
  # Without JavaScript the page is what the file says: the script makes buttons, and nothing else.
  # (Chromium takes no screenshots where it has scripts turned off; a sandbox turns them off, too, and
  # says so on the console.)
  printf '<!DOCTYPE html><body style="margin:0"><iframe sandbox src="%s.html" style="border:0;width:1400px;height:4000px"></iframe>' $page > frame.html
  browse --window-size=1400,4000 --screenshot="$out/$page-no-script.png" "file://$out/frame.html"
  [ -s "$page-no-script.png" ] || fail "no $page-no-script.png"
  browse --dump-dom "file://$out/$page.html" > with.txt
  for what in '<svg' '<table' '<td' '<section' '<details' '<pre'; do
    [ "$(grep -o "$what" "$page.html" | wc -l)" = "$(grep -o "$what" with.txt | wc -l)" ] ||
      fail "$page: $what differs with JavaScript"
  done
  sed '/<script>/,$d' "$page.html" | grep -q '<button' && fail "$page: buttons that do nothing"
  tables="$(grep -o 'class="table"' "$page.html" | wc -l)"
  ask $page 'document.querySelectorAll(".copy").length' "$tables"
  # The mime type and the policy let nothing be loaded.
  ask $page 'performance.getEntriesByType("resource").length' 0
done
# Sorted by "work×", down: the first click goes up, the second down.
ask quickstart '(()=>{const t=document.querySelector("table"),b=t.querySelectorAll("th button")[4];b.click();const up=t.tBodies[0].rows[0].cells[4].textContent;b.click();return up+" "+t.tBodies[0].rows[0].cells[4].textContent+" "+t.tBodies[0].rows.length})()' '1 4 9'
# A figure's table as CSV is what plot writes.
"$straggle" plot quickstart.db speedup -o p.svg > /dev/null
sum="$(tail -n +2 p.csv | awk -F, '{ s += $2 } END { printf "%.6f", s }')"
ask quickstart '[...document.querySelector("#speedup table").tBodies[0].rows].reduce((s,r)=>s+Number(r.cells[1].textContent),0).toFixed(6)' "$sum"
rm -rf profile asked.html frame.html with.txt messages.txt
[ $failed = 0 ] && echo "browser: all is well; screenshots in $out"
exit $failed
