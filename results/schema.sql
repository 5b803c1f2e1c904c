-- SPDX-License-Identifier: MIT
-- What is not a list of columns in the result database: indexes, and views that are real queries.
-- Compiled into the program; run once, after the tables (columns.c), in one transaction, on a new
-- file. Columns of tables are rows of columns.def and columns.c; {point} and {summary} are the lists
-- of those of point and run_summary that v_point shows. v_axes is made by axes.c.
-- Change it only together with SG_SCHEMA_VERSION.

CREATE INDEX point_by_environment ON point (env_sha256, results_version);
CREATE INDEX point_by_scenario ON point (scenario_id);
CREATE INDEX run_by_point ON run (point_id, replication);
CREATE INDEX run_by_invocation ON run (invocation_id);
CREATE INDEX code_check_by_invocation ON code_check (invocation_id);
CREATE INDEX point_axis_by_name ON point_axis (name);

-- Quantiles of the iteration times of all runs of a point that ended, pooled: linear between order
-- statistics (type 7). A group stands at the middle of its ranks, a step below the next.
CREATE VIEW v_iter_quantile AS
WITH ranked AS (
  SELECT r.point_id, g.mean_s AS x, lead(g.mean_s, 1, g.mean_s) OVER times AS next_x,
         sum(g.iterations) OVER times - (g.iterations + 1) / 2.0 AS rank,
         (g.iterations + lead(g.iterations, 1, g.iterations) OVER times) / 2.0 AS step
  FROM iter_time_group g JOIN run r USING (run_id) WHERE r.status <> 'running'
  WINDOW times AS (PARTITION BY r.point_id ORDER BY g.mean_s, g.run_id, g.position
                   ROWS UNBOUNDED PRECEDING)),
total AS (
  SELECT r.point_id, sum(g.iterations) - 1 AS last
  FROM iter_time_group g JOIN run r USING (run_id) WHERE r.status <> 'running' GROUP BY point_id),
share AS (
  SELECT point_id, p, x + (p * last - rank) / step * (next_x - x) AS quantile
  FROM ranked JOIN total USING (point_id)
  JOIN (SELECT 0.5 AS p UNION ALL SELECT 0.9 UNION ALL SELECT 0.99)
  ON p * last >= rank AND p * last < rank + step)
SELECT point_id, max(quantile) FILTER (WHERE p = 0.5) AS iter_p50_s,
       max(quantile) FILTER (WHERE p = 0.9) AS iter_p90_s,
       max(quantile) FILTER (WHERE p = 0.99) AS iter_p99_s
FROM share GROUP BY point_id;

-- One row per point: means over its finished runs, quantiles over their iterations, and the axes. Times to target only of points of
-- which every run reached it.
CREATE VIEW v_point AS
SELECT * FROM (
SELECT p.point_id, p.env_sha256, p.results_version, p.scheme_label,
       -- What all schemes of the environment have in common: the sweep, without each.
       (SELECT group_concat(name || ' = ' || value, ', ')
        FROM (SELECT name, value FROM point_axis a
              WHERE a.point_id = p.point_id
                AND NOT EXISTS (SELECT 1 FROM point o
                                WHERE o.env_sha256 = p.env_sha256
                                  AND o.results_version = p.results_version
                                  AND NOT EXISTS (SELECT 1 FROM point_axis b
                                                  WHERE b.point_id = o.point_id AND b.name = a.name
                                                    AND b.value = a.value))
              ORDER BY position)) AS axes,
       {point}
       count(*) AS replications, sum(r.status <> 'finished') AS unfinished_runs,
       {summary}
       -- The variance by squared deviations from the mean, not as a difference of large numbers.
       -- Runs that do not differ (replayed times) say nothing of it.
       CASE WHEN min(s.iter_mean_s) < max(s.iter_mean_s)
            THEN coalesce(t.t975, 1.959963984540054)
                 * sqrt(sum((s.iter_mean_s - s.mean) * (s.iter_mean_s - s.mean))
                        / (count(s.iter_mean_s) - 1) / count(s.iter_mean_s)) END
         AS iter_mean_ci95_half_s,
       count(s.time_to_target_s) AS n_reached,
       CASE WHEN count(s.time_to_target_s) = count(*) THEN avg(s.time_to_target_s) END
         AS time_to_target_s
FROM point p
JOIN run r USING (point_id)
JOIN (SELECT s1.*, avg(s1.iter_mean_s) OVER point_runs AS mean,
             count(s1.iter_mean_s) OVER point_runs AS runs
      FROM run_summary s1 JOIN run r1 USING (run_id) WHERE r1.status <> 'running'
      WINDOW point_runs AS (PARTITION BY r1.point_id)) s USING (run_id)
LEFT JOIN t_quantile t ON t.df = s.runs - 1
LEFT JOIN v_iter_quantile q USING (point_id)
GROUP BY p.point_id) JOIN v_axes USING (point_id);

-- Every scheme against the baseline of its environment, paired by replication: mean iteration time.
-- `straggle compare` also judges times to target.
CREATE VIEW v_compare AS
WITH base AS (
  SELECT env_sha256, results_version, min(point_id) AS baseline_point_id
  FROM point WHERE is_baseline GROUP BY env_sha256, results_version),
pair AS (
  SELECT p.point_id, b.baseline_point_id, ln(bs.iter_mean_s / s.iter_mean_s) AS x,
         s.iter_mean_s
  FROM point p
  JOIN base b USING (env_sha256, results_version)
  JOIN run r ON r.point_id = p.point_id AND r.status = 'finished'
  JOIN run_summary s ON s.run_id = r.run_id AND s.iter_mean_s > 0
  JOIN run br ON br.point_id = b.baseline_point_id AND br.replication = r.replication
             AND br.status = 'finished'
  JOIN run_summary bs ON bs.run_id = br.run_id AND bs.iter_mean_s > 0
  WHERE p.point_id <> b.baseline_point_id),
centred AS (
  SELECT point_id, baseline_point_id, x, iter_mean_s,
         avg(x) OVER (PARTITION BY point_id) AS mean FROM pair),
stat AS (
  SELECT point_id, baseline_point_id, count(*) AS pairs, mean AS log_ratio_mean,
         min(iter_mean_s) < max(iter_mean_s) OR min(x) < max(x) AS runs_differ,
         CASE WHEN count(*) > 1
              THEN sqrt(sum((x - mean) * (x - mean)) / (count(*) - 1)) END AS log_ratio_sd
  FROM centred GROUP BY point_id),
-- Why iteration times are not comparable (as in judge.c); NULL: they are.
why AS (
  SELECT point_id,
         CASE WHEN NOT barrier THEN 'no barrier'
              WHEN exact AND compressed THEN 'compressed'
              WHEN NOT exact OR coalesce(sum(s.undecodable_iters), 0) > 0
                   OR coalesce(max(s.grad_scaled_err_max), 0) >= 1e-6 THEN 'approximate'
         END AS reason
  FROM point LEFT JOIN run USING (point_id) LEFT JOIN run_summary s USING (run_id)
  GROUP BY point_id),
half AS (
  SELECT *, coalesce((SELECT t975 FROM t_quantile WHERE df = pairs - 1), 1.959963984540054)
            * log_ratio_sd / sqrt(pairs) AS half
  FROM stat WHERE pairs >= 5 AND runs_differ
  UNION ALL SELECT *, NULL FROM stat WHERE pairs < 5 OR NOT runs_differ)
SELECT p.env_sha256, p.results_version, p.point_id, h.baseline_point_id, p.scheme_label,
       b.scheme_label AS baseline_label, h.pairs, h.log_ratio_mean, h.log_ratio_sd,
       exp(h.log_ratio_mean) AS speedup, exp(h.log_ratio_mean - h.half) AS speedup_ci95_low,
       exp(h.log_ratio_mean + h.half) AS speedup_ci95_high,
       CASE WHEN h.pairs < 5 THEN 'too few'
            WHEN h.half IS NULL THEN 'runs equal'
            WHEN why.reason IS NOT NULL THEN why.reason
            WHEN of_base.reason IS NOT NULL THEN 'inexact baseline'
            WHEN h.log_ratio_mean > h.half THEN 'faster'
            WHEN h.log_ratio_mean < -h.half THEN 'slower'
            ELSE 'undecided' END AS iter_time_verdict
FROM half h JOIN point p USING (point_id) JOIN point b ON b.point_id = h.baseline_point_id
JOIN why USING (point_id) JOIN why of_base ON of_base.point_id = h.baseline_point_id;

-- The master's link in every iteration. Its seconds are those from decode to decode.
CREATE VIEW v_ingress AS
SELECT p.point_id, p.scheme_label, i.run_id, i.iteration, i.duration_s,
       i.ingress_busy_s
         / (i.start_s + i.wait_s
            - lag(i.start_s + i.wait_s, 1, 0) OVER (PARTITION BY i.run_id ORDER BY i.iteration))
         AS ingress_busy_share,
       i.ingress_messages, i.queued_s / nullif(i.ingress_messages, 0) AS queued_per_message_s
FROM point p JOIN run r USING (point_id) JOIN iteration i USING (run_id)
WHERE r.status <> 'running';

CREATE VIEW v_ecdf AS
SELECT p.point_id, p.scheme_label, i.duration_s,
       cume_dist() OVER (PARTITION BY p.point_id ORDER BY i.duration_s) AS share
FROM point p JOIN run r USING (point_id) JOIN iteration i USING (run_id)
WHERE r.status <> 'running';

-- The models of a scheme apart: each row of `iteration` is of one of them.
CREATE VIEW v_progress AS
SELECT p.point_id, p.scheme_label, i.model, i.iteration, count(*) AS replications,
       avg(i.start_s + i.duration_s) AS time_mean_s, avg(i.loss) AS loss_mean,
       avg(i.test_accuracy) AS test_accuracy_mean
FROM point p JOIN run r USING (point_id) JOIN iteration i USING (run_id)
WHERE r.status <> 'running'
GROUP BY p.point_id, i.model, i.iteration;
