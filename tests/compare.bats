#!/usr/bin/env bats
# The comparison from scenario files: what it says, and when it warns.

setup() {
  cd "$BATS_TEST_TMPDIR"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
}

@test "quantiles are pooled: compare, v_point and expect agree, and with the exact ones" {
  for detail in summary iteration; do
    "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /output/detail=$detail -o $detail.db
    "$STRAGGLE" compare $detail.db --format json > compare.json
    "$STRAGGLE" expect "$scenarios/quickstart.json" --database $detail.db --format json > expect.json
    # By rows where they are there, by groups where not: runs of 37 iterations are kept whole.
    [ "$(sqlite3 :memory: "SELECT count(*), max(abs(c.value ->> 'iter_p99_s' - e.value ->> 'sim_p99_s') / (e.value ->> 'sim_p99_s')) < 1e-3
        FROM json_each(readfile('compare.json')) c JOIN json_each(readfile('expect.json'), '$.points') e
        ON c.value ->> 'scheme_label' = e.value ->> 'scheme'")" = "9|1" ]
  done
  # A mean of the runs' own quantiles was 5 to 9 % low.
  [ "$(sqlite3 :memory: "SELECT count(*), max(abs(value ->> 'z_p99')) < 3 FROM json_each(readfile('expect.json'), '$.points')")" = "9|1" ]
  [ "$(sqlite3 summary.db "SELECT abs(iter_p99_s - 79.79) < 4 FROM v_point WHERE code = 'uncoded'")" = 1 ]
  diff <(sqlite3 summary.db "SELECT * FROM v_iter_quantile") <(sqlite3 iteration.db "SELECT * FROM v_iter_quantile")
}

@test "replayed times have intervals from blocks of iterations" {
  "$STRAGGLE" run --quiet "$scenarios/trace-replay.json" -o one.db
  "$STRAGGLE" run --quiet "$scenarios/trace-replay.json" --set /replications=8 -o eight.db
  for db in one eight; do
    "$STRAGGLE" compare $db.db --format json > $db.json
    run "$STRAGGLE" compare $db.db
    [[ "$output" == *"compute times are replayed, the same in all replications"* ]]
    [[ "$output" == *"all replications are the same (7 schemes): intervals are from one, by 10 blocks"* ]]
    [[ "$output" != *"too few  "* ]]
  done
  # More of the same is no more certain.
  intervals="SELECT group_concat(printf('%.4g %.4g %s', value ->> 'speedup_ci95_low', value ->> 'speedup_ci95_high', value ->> 'verdict')) FROM json_each(readfile"
  [ "$(sqlite3 :memory: "$intervals('one.json'))")" = "$(sqlite3 :memory: "$intervals('eight.json'))")" ]
  [ "$(sqlite3 :memory: "SELECT count(*) FROM json_each(readfile('eight.json')) WHERE value ->> 'speedup_ci95_high' > 1.001 * (value ->> 'speedup_ci95_low')")" = 7 ]
  [ "$(sqlite3 eight.db "SELECT count(*) FROM v_point WHERE iter_mean_ci95_half_s IS NOT NULL")" = 0 ]
  "$STRAGGLE" run --quiet "$scenarios/trace-replay.json" --set /replications=8 --set /output/detail=summary -o summary.db
  run "$STRAGGLE" compare summary.db
  [[ "$output" == *"runs equal"*"all replications are the same (7 schemes), and there are no iterations"* ]]
}

@test "compare warns of laws without a variance, and of runs as short as what lasts" {
  timing='"learning":{"problem":"none","length":10},"schemes":[{"code":"uncoded"},{"code":"fractional-repetition","s":1}],"replications":10'
  for shape in 1 1.5 2.5; do
    echo '{"format":1,"cluster":{"workers":4},"delay":{"model":"pareto","minimum_s":1,"shape":'$shape'},"stop":{"iterations":50},'"$timing}" > pareto.json
    "$STRAGGLE" run --quiet pareto.json -o pareto-$shape.db
  done
  run "$STRAGGLE" compare pareto-1.db
  [[ "$output" == *"Warning: delay: Pareto times of shape 1 have no mean"* ]]
  run "$STRAGGLE" compare pareto-1.5.db
  [[ "$output" == *"Warning: delay: Pareto times of shape 1.5 have no variance"* ]]
  run "$STRAGGLE" compare pareto-2.5.db
  [[ "$output" != *Warning* ]]
  for stays in 100 1.5; do
    echo '{"format":1,"cluster":{"workers":4},"delay":{"model":"exponential","mean_s":1,"memory":{"slow_share":0.25,"mean_slow_iterations":'$stays',"slowdown":9}},"stop":{"iterations":100},'"$timing}" > memory.json
    "$STRAGGLE" run --quiet memory.json -o memory-$stays.db
  done
  run "$STRAGGLE" compare memory-100.db
  [[ "$output" == *"Warning: iterations hang together: the mean of a run of "* ]]
  run "$STRAGGLE" compare memory-1.5.db
  [[ "$output" != *Warning* ]]
}

@test "one level for all verdicts of a sweep" {
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/small.json" -o small.db --set /replications=6
  each="$("$STRAGGLE" compare small.db --format csv | wc -l)"
  [ "$("$STRAGGLE" compare small.db --simultaneous --format csv | wc -l)" = "$each" ]
  run "$STRAGGLE" compare small.db --simultaneous
  [[ "$output" == *"intervals and verdicts against a baseline hold together at 95 %"* ]]
}

@test "--best is what the raw rows say, in one screen" {
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/sweep18.json" -o sweep.db
  "$STRAGGLE" compare sweep.db --best --json > best.json
  run python3 "$BATS_TEST_DIRNAME/support/best.py" sweep.db best.json
  [ "$status" -eq 0 ]
  [[ "$output" == "18 environments agree, "* ]]
  [[ "$output" != *", 0 with"* ]] && [[ "$output" != *", 18 with"* ]]
  # A screen: 18 lines, their axes, and a legend.
  COLUMNS=80 "$STRAGGLE" compare sweep.db --best > best.txt
  [ "$(LC_ALL=C.UTF-8 wc -L < best.txt)" -le 80 ]
  [ "$(wc -l < best.txt)" -le 34 ]
  grep -Eq '^ n  compute  net  fastest +time' best.txt
  [ "$(grep -Ec '^ *[0-9]+ +[0-9.]+ +[0-9.]+ +[a-z]' best.txt)" -eq 18 ]
  [ "$(grep -c '\*  ' best.txt)" -eq "$(sqlite3 :memory: "SELECT sum(value ->> 'ahead') FROM json_each(readfile('best.json'))")" ]
  grep -q 'of 18 in up' best.txt
  # The first of each environment's table is the same scheme, and marked.
  COLUMNS=80 "$STRAGGLE" compare sweep.db > all.txt
  [ "$(LC_ALL=C.UTF-8 wc -L < all.txt)" -le 80 ]
  [ "$(grep -A3 '^  baseline' all.txt | wc -l)" -gt 18 ]
  diff <(grep -A1 '^─' all.txt | sed -nE 's/  [0-9]+  [0-9]+  [0-9]+ .* ←$//p') \
       <(sqlite3 :memory: "SELECT value ->> 'best_label' FROM json_each(readfile('best.json'))") -b
  [ "$(grep -c '^← fastest: ' all.txt)" -eq 18 ]
  # With one level for all there are no more leaders than without.
  "$STRAGGLE" compare sweep.db --best --simultaneous --format csv > together.csv
  [ "$(sqlite3 -cmd ".import --csv together.csv t" :memory: "SELECT sum(ahead) <= (SELECT sum(value ->> 'ahead') FROM json_each(readfile('best.json'))) AND min(lead_level) > 0.999 FROM t")" = 1 ]
}

@test "columns and orders of one's own" {
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/sweep18.json" -o sweep.db --set /replications=3 --set '/sweep=[]'
  run "$STRAGGLE" compare sweep.db --columns scheme,work,speedup --sort=-work --format csv
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = scheme,work,speedup ]
  [[ "${lines[1]}" == *,4,* ]]
  [ "${lines[8]}" = uncoded,1,1 ]
  run "$STRAGGLE" compare sweep.db --columns scheme,speed-up --sort speed-up
  [[ "$output" == *"1 (baseline)"* ]]
  [[ "$output" == *"× (3 pairs)"* ]]
  # The fastest first, as without --columns; d, s and m are those of all schemes, although some have
  # axes that are called so.
  run "$STRAGGLE" compare sweep.db --columns scheme,d,s,m
  [ "$(grep -E '  [0-9]  [0-9]  [0-9]$' <<< "$output" | tr -s ' ')" = \
    "$("$STRAGGLE" compare sweep.db | grep -E '  [0-9]  [0-9]  [0-9]  ' | sed -E 's/((  [0-9]){3}).*/\1/' | tr -s ' ')" ]
  [ "$(grep -cE '  [0-9]  [0-9]  [0-9]$' <<< "$output")" -eq 8 ]
  run "$STRAGGLE" compare sweep.db --sort d
  [ "$(grep -E '^[a-z].*  [0-9]  ' <<< "$output" | head -1 | cut -d' ' -f1)" = uncoded ]
  run "$STRAGGLE" compare sweep.db --columns all
  [[ "$output" == *grad_common_err_max* ]]
  run "$STRAGGLE" compare sweep.db --best --columns best_label,lead --sort lead
  [[ "${lines[0]}" == best_label* ]]
  run "$STRAGGLE" compare sweep.db --columns scheme,wrok,iter_maen_s
  [ "$status" -eq 64 ]
  [[ "$output" == *'no column is called "wrok"; did you mean "work"?'* ]]
  [[ "$output" == *'no column is called "iter_maen_s"; did you mean "iter_mean_s"?'* ]]
  run "$STRAGGLE" compare sweep.db --sort speedpu
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "speedup"?'* ]]
  # For papers: the shown columns, one table an environment.
  run "$STRAGGLE" compare sweep.db --format markdown
  [ "${lines[0]}" = "| scheme | d | s | m | work× | iter (s) | speed-up [95 %] | verdict |" ]
  [[ "$output" != *sha256* ]]
  run "$STRAGGLE" compare sweep.db --latex
  [ "${lines[0]}" = '\begin{tabular}{lrrrrrll}' ]
  [ "${lines[-1]}" = '\end{tabular}' ]
  [ "$(grep -c ' & .* \\\\$' <<< "$output")" -eq 9 ]
}

@test "environments of one name say in what they differ, and headings what is not usual" {
  scenario="$BATS_TEST_DIRNAME/scenarios/small.json"
  "$STRAGGLE" run --quiet "$scenario" -o two.db --set '/sweep=[]'
  "$STRAGGLE" run --quiet "$scenario" -o two.db --set '/sweep=[]' --set /random/seed=9 --set /network/signal_latency_s=0.5
  run "$STRAGGLE" compare two.db
  [[ "${lines[0]}" == "Environment 1: small, network/signal_latency_s 0, random/seed 1" ]]
  [[ "$output" == *"Environment 2: small, network/signal_latency_s 0.5, random/seed 9"* ]]
  [ "$(grep -c 'signals take 0.5 s' <<< "$output")" -eq 1 ]
  COLUMNS=160 run "$STRAGGLE" compare two.db --best
  [[ "$output" == *"small, network/signal_latency_s 0.5, random/seed 9"* ]]
  "$STRAGGLE" run --quiet "$scenario" -o instant.db --set /network/cancel=instant
  run "$STRAGGLE" compare instant.db
  [[ "$output" == *", cancel instant"* ]]
  # An axis of one value tells nothing apart; one of several does.
  "$STRAGGLE" run --quiet "$scenario" -o axis.db --set '/sweep=[{"name":"seed of all","path":"/random/seed","values":[1,2]},{"name":"n","path":"/cluster/workers","values":[6]}]' --set /delay/unit=subset
  run "$STRAGGLE" compare axis.db
  [ "${lines[0]}" = "Environment 1: small, seed of all = 1" ]
  run "$STRAGGLE" compare missing.db
  [ "$status" -eq 66 ]
  [ "$output" = "straggle compare: missing.db: cannot open the database: No such file or directory" ]
  run "$STRAGGLE" query missing.db @
  [ "$output" = "straggle query: missing.db: cannot open the database: No such file or directory" ]
}

@test "names from a scenario do no harm in any format" {
  bad=$'<b>&"x"|\e[31m é_%'
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/small.json" -o bad.db \
    --set '/sweep=[{"name":"<a>_%","path":"/random/seed","values":[1,2]}]'
  sqlite3 bad.db "UPDATE scenario SET name = '$bad'; UPDATE point SET scheme_label = '$bad' || point_id WHERE NOT is_baseline"
  for format in text csv json markdown latex; do
    for best in "" --best; do
      "$STRAGGLE" compare bad.db --format $format $best > out.txt
      [ "$(grep -c $'\e' out.txt || true)" -eq 0 ]
      [ -s out.txt ]
    done
  done
  "$STRAGGLE" compare bad.db --latex > out.tex
  grep -q '\\textless{}b\\textgreater{}\\&"x"\\textbar{} {\[}31m é\\_\\%' out.tex
  "$STRAGGLE" compare bad.db --json > out.json
  [ "$(sqlite3 :memory: "SELECT json_valid(readfile('out.json'))")" = 1 ]
}
