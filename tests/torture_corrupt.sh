#!/bin/bash
# SPDX-License-Identifier: MIT
# Damaged databases under the commands that read and write them: bits, bytes, sectors, headers, ends
# cut off, pages exchanged. Readers answer or refuse with a message, never with exit code 70 or a
# signal, and change nothing; `run` refuses, or goes on with what is there.
#
#   tests/torture_corrupt.sh PROGRAM [FILES]
#
# The same damage every time. Prints a line and each offence; exit status 1 if there is one.
program=$(realpath "$1") files=${2:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export OPENBLAS_NUM_THREADS=1 LC_ALL=C
cat > small.json << 'END'
{"format": 1, "cluster": {"workers": 4}, "delay": {"model": "exponential", "mean_s": 1},
 "learning": {"problem": "none"}, "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": {"each": [0, 1]}}],
 "baseline": "uncoded", "replications": 4, "stop": {"iterations": 20}, "output": {"detail": "worker"}}
END
"$program" run -q small.json -o whole.db || exit 2
size=$(stat -c %s whole.db) page=4096
pages=$((size / page))

state=1
draw() { # below: a number from a generator of its own, in $drawn
  state=$(((state * 1103515245 + 12345) % 2147483648))
  drawn=$(((state / 8) % $1))
}
put() { # offset, byte
  printf "\\x$(printf %02x "$2")" | dd of=bad.db bs=1 seek="$1" conv=notrunc status=none
}
damage() { # number of the file
  local at byte a b
  cp whole.db bad.db
  case $(($1 % 6)) in
    0) # a bit
      draw $size; at=$drawn
      byte=$(od -An -tu1 -j $at -N 1 bad.db)
      draw 8; put $at $((byte ^ (1 << drawn))) ;;
    1) # some bytes anywhere
      for _ in 1 2 3 4 5; do draw $size; at=$drawn; draw 256; put $at $drawn; done ;;
    2) # a sector of zeros
      draw $((size / 512)); dd if=/dev/zero of=bad.db bs=512 seek="$drawn" count=1 conv=notrunc status=none ;;
    3) # a header: the file's or a page's
      for _ in 1 2; do draw $pages; a=$drawn; draw 100; at=$drawn; draw 256; put $((a % 3 * page * (a % 2) + at)) $drawn; done ;;
    4) draw $size; truncate -s $drawn bad.db ;;
    5) # two pages exchanged
      draw $pages; a=$drawn; draw $pages; b=$drawn
      dd if=whole.db of=bad.db bs=$page skip=$a seek=$b count=1 conv=notrunc status=none
      dd if=whole.db of=bad.db bs=$page skip=$b seek=$a count=1 conv=notrunc status=none ;;
  esac
}

offences=0 answered=0 refused=0
for ((i = 0; i < files; i++)); do
  damage $i
  before=$(sha256sum < bad.db)
  for command in "compare bad.db" "query bad.db @runs" "query bad.db @errors" "query bad.db @columns" \
    "plan small.json -o bad.db" "expect small.json --database bad.db" "run -q small.json -o bad.db"; do
    timeout -s KILL 60 "$program" $command > out 2> err
    code=$?
    case $code in
      0) answered=$((answered + 1)) ;;
      65 | 66 | 71 | 73 | 74 | 75) refused=$((refused + 1)); [ -s err ] || { echo "  file $i, $command: exit code $code without a word"; offences=$((offences + 1)); } ;;
      *) echo "  file $i, $command: exit code $code: $(tail -n 1 err | head -c 200)"; offences=$((offences + 1)) ;;
    esac
    [[ $command = run* ]] || [ "$(sha256sum < bad.db)" = "$before" ] || { echo "  file $i, $command: changed the file"; offences=$((offences + 1)); }
  done
  rm -f bad.db*
done
echo "damaged databases: $files files, $answered answers, $refused refusals, $offences offences"
[ $offences = 0 ]
