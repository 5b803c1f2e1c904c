-- SPDX-License-Identifier: MIT
-- A Perfetto trace with one slice "compute" per step, in one process per worker, to a trace.
--
--   trace_processor_shell -e timeline.db trace.perfetto-trace
--   sqlite3 timeline.db < perfetto.sql > trace.csv
--
-- Workers are the processes in the order of their pids, iterations the slices in the order of time;
-- iterations that not every worker has are left out. Change the name of the slice where it is marked.
.mode list
SELECT '# source: Perfetto, slices of computation'
UNION ALL SELECT '# unit: s'
UNION ALL SELECT 'iteration,worker,compute_s';
WITH computed AS (
  SELECT p.pid, s.dur,
         row_number() OVER (PARTITION BY p.upid ORDER BY s.ts) - 1 AS iteration
  FROM slice AS s
  JOIN thread_track AS k ON k.id = s.track_id
  JOIN thread AS t USING (utid)
  JOIN process AS p USING (upid)
  WHERE s.name = 'compute' AND s.dur > 0          -- the name of the slice
), numbered AS (
  SELECT *, dense_rank() OVER (ORDER BY pid) - 1 AS worker,
         count(*) OVER (PARTITION BY iteration) AS present,
         (SELECT count(DISTINCT pid) FROM computed) AS workers
  FROM computed
)
SELECT printf('%d,%d,%.9f', iteration, worker, dur / 1e9)
FROM numbered WHERE present = workers ORDER BY iteration, worker;
