#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sparse data from scenario files into databases: losses against plain Python on the same file, codes
# and widths against each other. The arithmetic alone is in tests/test_sparse_pass.c.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# $1: learning members, $2: schemes, $3: other members; into run.db
run_schemes() {
  printf '{"format":1,"cluster":{"workers":6},"delay":{"model":"shifted-exponential","shift_s":1,
    "mean_excess_s":1},"learning":{%s},"schemes":[%s],"random":{"seed":1},
    "output":{"detail":"iteration"}%s}' "$1" "$2" "$3" > run.json
  rm -f run.db
  "$STRAGGLE" run run.json --quiet -o run.db
}

query() {
  sqlite3 run.db "$1"
}

# A LIBSVM file of $1 rows, 30 features, labels of $2 kinds (0: numbers).
write_file() {
  awk -v rows="$1" -v classes="$2" 'BEGIN {
    srand(7)
    for (i = 0; i < rows; i++) {
      line = ""; score = 0
      for (j = 1; j <= 30; j++)
        if (rand() < 0.15) { v = int(200 * rand() - 100) / 64; line = line " " j ":" v; score += v * ((j * 7) % 5 - 2) }
      if (classes == 0) label = score / 4
      else if (classes == 2) label = score + rand() > 0 ? 1 : -1
      else label = i < classes ? i : int(rand() * classes)
      print label line
    }
  }' > data.svm
}

codes='{"code":"uncoded"},{"code":"cyclic-repetition","s":2},
  {"code":"group","d":3,"m":2,"linear_code":"vandermonde"}'

@test "losses, test losses and accuracies are those of plain Python" {
  local problem classes width l2
  for problem in logistic-regression:2:0.02 softmax:3:0.02 least-squares:0:0 hinge:2:0.01; do
    IFS=: read -r problem classes l2 <<< "$problem"
    write_file 90 "$classes"
    for width in 1 3; do
      run_schemes '"problem":"'"$problem"'","block_width":'"$width"',"l2":'"$l2"',
        "data":{"source":"libsvm","path":"data.svm","test_share":0.2,"shuffle":false,
                "standardize":false},
        "optimizer":{"method":"gradient-descent","step":0.07}' \
        "$codes" ',"replications":2,"stop":{"iterations":12}'
      run python3 "$BATS_TEST_DIRNAME/recompute_sparse.py" data.svm run.db "$problem" 72 0.07 "$l2"
      echo "$problem, width $width: $output"
      [ "$status" -eq 0 ]
      if [ "$problem" = least-squares ]; then [ "$output" = "72 72 0" ]; else [ "$output" = "72 72 72" ]; fi
    done
  done
}

@test "exact codes decode to rounding on generated rows, and all descend alike" {
  local width
  for width in 1 4; do
    run_schemes '"problem":"logistic-regression","block_width":'"$width"',"l2":0.001,
      "data":{"source":"sparse-text","rows":600,"features":500,"density":0.02},
      "optimizer":{"method":"nesterov","step":"auto"}' \
      "$codes"',{"code":"reed-solomon","s":2}' ',"replications":3,"stop":{"iterations":20}'
    [ "$(query 'SELECT count(*) FROM iteration')" -eq 240 ]
    [ "$(query 'SELECT max(grad_scaled_err) < 1e-13 FROM iteration')" -eq 1 ]
    # Of an iteration, among codes and replications.
    [ "$(query 'SELECT max(spread) < 1e-11 FROM
      (SELECT (max(loss) - min(loss)) / min(loss) AS spread FROM iteration GROUP BY iteration)')" -eq 1 ]
    [ "$(query 'SELECT max(loss) < 0.7 AND min(loss) < 0.65 FROM iteration')" -eq 1 ]
    query 'SELECT iteration, printf("%.17g", loss) FROM iteration ORDER BY run_id, iteration' > "loss.$width"
  done
  # A loss has the same bits in both widths, and so have gradients.
  cmp loss.1 loss.4
}

@test "mini-batches, local steps, coded data and asynchronous schemes take sparse rows" {
  run_schemes '"problem":"least-squares","batch_rows":5,
    "data":{"source":"sparse-text","rows":300,"features":60,"density":0.1,"test_share":0},
    "optimizer":{"method":"gradient-descent","step":0.1}' \
    '{"code":"k-async","k":2},{"code":"backup-workers","b":1},{"code":"local-sgd","period":3}' \
    ',"stop":{"iterations":30}'
  [ "$(query 'SELECT min(loss) > 0.2 FROM iteration WHERE iteration = 0')" -eq 1 ]
  [ "$(query 'SELECT count(*) FROM v_point WHERE final_loss < 0.05')" -eq 3 ]
  run_schemes '"problem":"least-squares",
    "data":{"source":"sparse-text","rows":300,"features":60,"density":0.1,"test_share":0},
    "optimizer":{"method":"gradient-descent","step":0.1}' \
    '{"code":"uncoded"},{"code":"lcc-mmc","r":4}' ',"stop":{"iterations":10}'
  [ "$(query 'SELECT count(*), max(grad_scaled_err) < 1e-9 FROM iteration')" = "20|1" ]
}
