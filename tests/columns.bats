#!/usr/bin/env bats
# The table of columns and what people read of it.

setup() {
  cd "$BATS_TEST_TMPDIR"
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/columns.json" -o columns.db
}

@test "docs/database.md describes the columns that there are (make docs)" {
  sed '1,/^## All columns/d' "$BATS_TEST_DIRNAME/../docs/database.md" | grep '^| ' | grep -v '^| column |' | sort > page.txt
  sqlite3 columns.db "SELECT '| ' || column_name || ' | ' || unit || ' | ' || meaning || ' |'
                      FROM column_doc WHERE table_name <> 'v_axes'" | sort > program.txt
  diff page.txt program.txt
}

@test "axes of a sweep are columns of what is written" {
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/columns.json" -o sweep.db --set \
    '/sweep=[{"name":"n","path":"/cluster/workers","values":[2,3]},{"name":"a\"b; --","path":"/random/seed","values":[1]},{"name":"seed","path":"/delay/mean_s","values":[1]}]'
  [ "$(sqlite3 sweep.db 'SELECT n, "a""b; --", axis_seed, n_workers FROM v_point ORDER BY n')" = $'2|1|1|2\n3|1|1|3' ]
  run "$STRAGGLE" query sweep.db @points --format csv
  [[ "${lines[0]}" == 'point_id,n,"a""b; --",axis_seed,'* ]]
  [[ "${lines[2]}" == '2,3,1,1,'* ]]
  run "$STRAGGLE" compare sweep.db --format csv
  [[ "${lines[0]}" == *',point_id,n,"a""b; --",axis_seed,scheme_label,'* ]]
}
