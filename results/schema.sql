-- SPDX-License-Identifier: MIT
-- The result database. Compiled into the program; run once, in one transaction, on a new file.
-- Units are part of the column names. Change it only together with SG_SCHEMA_VERSION.

CREATE TABLE invocation (
  invocation_id INTEGER PRIMARY KEY,
  started_utc   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  argv TEXT, version TEXT, git_revision TEXT, compiler TEXT, blas TEXT, blas_core TEXT,
  cpu TEXT, host TEXT, libc TEXT,
  threads INTEGER NOT NULL
) STRICT;

CREATE TABLE scenario (
  scenario_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL, path TEXT NOT NULL, text TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  UNIQUE (sha256, path)
) STRICT;

CREATE TABLE point (
  point_id     INTEGER PRIMARY KEY,
  scenario_id  INTEGER NOT NULL REFERENCES scenario ON DELETE CASCADE,
  point_sha256 TEXT NOT NULL, env_sha256 TEXT NOT NULL,
  results_version INTEGER NOT NULL,
  config_json  TEXT NOT NULL,
  scheme_label TEXT NOT NULL, code TEXT NOT NULL, stop_rule TEXT NOT NULL,
  exact INTEGER NOT NULL, timing_only INTEGER NOT NULL, is_baseline INTEGER NOT NULL,
  n_workers INTEGER NOT NULL, n_subsets INTEGER NOT NULL, length INTEGER NOT NULL,
  load_d REAL NOT NULL, stragglers_s INTEGER NOT NULL, comm_m INTEGER NOT NULL,
  stored_data_factor REAL,
  scaling TEXT, late_work TEXT, late_messages TEXT, problem TEXT,
  target_loss REAL,
  max_iterations INTEGER NOT NULL,
  seed TEXT NOT NULL,
  UNIQUE (point_sha256, results_version)
) STRICT;
CREATE INDEX point_by_environment ON point (env_sha256, results_version);
CREATE INDEX point_by_scenario ON point (scenario_id);

CREATE TABLE point_axis (
  point_id INTEGER NOT NULL REFERENCES point ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (point_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
  run_id        INTEGER PRIMARY KEY,
  point_id      INTEGER NOT NULL REFERENCES point ON DELETE CASCADE,
  invocation_id INTEGER NOT NULL REFERENCES invocation ON DELETE CASCADE,
  replication   INTEGER NOT NULL,
  detail        TEXT NOT NULL CHECK (detail IN ('summary', 'iteration', 'worker')),
  status        TEXT NOT NULL
                CHECK (status IN ('running', 'finished', 'diverged', 'stalled', 'undecodable')),
  stop_reason   TEXT,
  iterations INTEGER, rounds INTEGER, events INTEGER,
  sim_time_s REAL, wall_s REAL
) STRICT;
CREATE INDEX run_by_point ON run (point_id, replication);
CREATE INDEX run_by_invocation ON run (invocation_id);

CREATE TABLE run_summary (
  run_id INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE ON UPDATE CASCADE,
  iter_mean_s REAL, iter_sd_s REAL, iter_min_s REAL, iter_p50_s REAL, iter_p90_s REAL,
  iter_p99_s REAL, iter_max_s REAL, wait_mean_s REAL, decode_mean_s REAL,
  time_to_target_s REAL, iterations_to_target INTEGER,
  final_loss REAL, final_test_loss REAL, final_accuracy REAL, final_auc REAL,
  grad_rel_err_max REAL, grad_scaled_err_max REAL, decoding_err_mean REAL,
  cond1_max REAL, decode_amp_max REAL,
  undecodable_iters INTEGER NOT NULL,
  n_used_mean REAL, bytes_received_mean REAL, bytes_sent_mean REAL,
  worker_busy_share REAL, wasted_work_share REAL, worker_seconds_per_iter REAL,
  decode_cache_hit_rate REAL, ingress_busy_share REAL, queued_mean_s REAL, queued_per_message_s REAL
) STRICT;

CREATE TABLE iteration (
  run_id    INTEGER NOT NULL REFERENCES run ON DELETE CASCADE ON UPDATE CASCADE,
  iteration INTEGER NOT NULL,
  round     INTEGER NOT NULL,
  start_s REAL, duration_s REAL, wait_s REAL, decode_s REAL, update_s REAL,
  decoded INTEGER NOT NULL, n_used INTEGER NOT NULL, n_received INTEGER NOT NULL,
  last_worker INTEGER,
  bytes_received REAL, bytes_sent REAL, bytes_broadcast REAL,
  busy_s REAL, wasted_s REAL, ingress_busy_s REAL, queued_s REAL,
  ingress_messages INTEGER NOT NULL,
  loss REAL, test_loss REAL, test_accuracy REAL, test_auc REAL,
  grad_norm REAL, grad_rel_err REAL, grad_scaled_err REAL, decoding_err REAL,
  cond1_est REAL, decode_amp REAL,
  PRIMARY KEY (run_id, iteration)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker_summary (
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE ON UPDATE CASCADE,
  worker INTEGER NOT NULL,
  speed REAL, compute_mean_s REAL, arrival_mean_s REAL, used_share REAL, cancelled_share REAL,
  PRIMARY KEY (run_id, worker)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker_iteration (
  run_id    INTEGER NOT NULL REFERENCES run ON DELETE CASCADE ON UPDATE CASCADE,
  iteration INTEGER NOT NULL,
  worker    INTEGER NOT NULL,
  compute_s REAL, arrival_s REAL,
  tasks INTEGER NOT NULL, messages INTEGER NOT NULL,
  used INTEGER NOT NULL, cancelled INTEGER NOT NULL,
  PRIMARY KEY (run_id, iteration, worker)
) STRICT, WITHOUT ROWID;

CREATE TABLE calibration (
  position INTEGER PRIMARY KEY,
  flops REAL NOT NULL, seconds REAL NOT NULL
) STRICT;

-- `straggle codes check`: a code, its size and the seed; made again, the row is replaced.
CREATE TABLE code_check (
  check_id INTEGER PRIMARY KEY,
  invocation_id INTEGER NOT NULL REFERENCES invocation ON DELETE CASCADE,
  scheme_label TEXT NOT NULL, code TEXT NOT NULL, config_json TEXT NOT NULL,
  n_workers INTEGER NOT NULL, n_subsets INTEGER NOT NULL, length INTEGER NOT NULL,
  speeds TEXT NOT NULL, seed TEXT NOT NULL, max_patterns INTEGER NOT NULL,
  exact INTEGER NOT NULL, exhaustive INTEGER NOT NULL,
  patterns REAL NOT NULL, patterns_tried INTEGER NOT NULL, patterns_searched INTEGER NOT NULL,
  load_d REAL NOT NULL, stragglers_s INTEGER NOT NULL, comm_m INTEGER NOT NULL,
  load_found REAL, stored_data_factor REAL, stragglers_found INTEGER, stragglers_proved INTEGER NOT NULL, comm_found REAL,
  slack REAL,
  broken_promises INTEGER NOT NULL, broken_missing TEXT, patterns_inaccurate INTEGER NOT NULL,
  cond2_median REAL, cond2_p90 REAL, cond2_worst REAL, cond2_worst_missing TEXT,
  amp_median REAL, amp_p90 REAL, amp_worst REAL, amp_worst_missing TEXT,
  residual_median REAL, residual_worst REAL, residual_worst_missing TEXT,
  err_float64_median REAL, err_float64_p99 REAL, err_float64_worst REAL,
  err_float64_worst_missing TEXT,
  err_float32_median REAL, err_float32_p99 REAL, err_float32_worst REAL,
  err_float32_worst_missing TEXT,
  err_bfloat16_median REAL, err_bfloat16_p99 REAL, err_bfloat16_worst REAL,
  err_bfloat16_worst_missing TEXT,
  encode_flops REAL, find_flops REAL, apply_flops REAL,
  least_messages REAL, received_gradients REAL, received_bytes REAL,
  UNIQUE (config_json, n_workers, n_subsets, length, speeds, seed, max_patterns)
) STRICT;
CREATE INDEX code_check_by_invocation ON code_check (invocation_id);

CREATE TABLE code_check_sets (
  check_id INTEGER NOT NULL REFERENCES code_check ON DELETE CASCADE,
  responders INTEGER NOT NULL,
  sets REAL NOT NULL, sets_tried INTEGER NOT NULL, sets_decodable INTEGER NOT NULL,
  PRIMARY KEY (check_id, responders)
) STRICT, WITHOUT ROWID;

-- Filled when the database is made: SQLite has no quantile of Student's t.
CREATE TABLE t_quantile (
  df INTEGER PRIMARY KEY,
  t975 REAL NOT NULL
) STRICT;

CREATE TABLE column_doc (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  unit TEXT NOT NULL, meaning TEXT NOT NULL,
  PRIMARY KEY (table_name, column_name)
) STRICT, WITHOUT ROWID;

-- One row per point: means over its finished runs. Times to target only of runs that reached it.
CREATE VIEW v_point AS
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
       p.code, p.stop_rule, p.exact, p.timing_only, p.is_baseline, p.n_workers, p.n_subsets, p.length, p.load_d, p.stragglers_s,
       p.comm_m, p.target_loss, count(*) AS replications,
       sum(r.status <> 'finished') AS unfinished_runs,
       avg(s.iter_mean_s) AS iter_mean_s,
       -- The variance by squared deviations from the mean, not as a difference of large numbers.
       coalesce(t.t975, 1.959963984540054)
         * sqrt(sum((s.iter_mean_s - s.mean) * (s.iter_mean_s - s.mean))
                / (count(s.iter_mean_s) - 1) / count(s.iter_mean_s)) AS iter_mean_ci95_half_s,
       avg(s.iter_p50_s) AS iter_p50_s, avg(s.iter_p90_s) AS iter_p90_s,
       avg(s.iter_p99_s) AS iter_p99_s, max(s.iter_max_s) AS iter_max_s,
       avg(s.wait_mean_s) AS wait_mean_s, avg(s.decode_mean_s) AS decode_mean_s,
       count(s.time_to_target_s) AS n_reached,
       CASE WHEN count(s.time_to_target_s) = count(*) THEN avg(s.time_to_target_s) END
         AS time_to_target_s,
       avg(s.final_loss) AS final_loss, avg(s.final_test_loss) AS final_test_loss,
       avg(s.final_accuracy) AS final_accuracy, avg(s.final_auc) AS final_auc,
       max(s.grad_rel_err_max) AS grad_rel_err_max,
       max(s.grad_scaled_err_max) AS grad_scaled_err_max,
       avg(s.decoding_err_mean) AS decoding_err_mean, max(s.cond1_max) AS cond1_max,
       max(s.decode_amp_max) AS decode_amp_max, sum(s.undecodable_iters) AS undecodable_iters,
       avg(s.n_used_mean) AS n_used_mean, avg(s.bytes_received_mean) AS bytes_received_mean,
       avg(s.bytes_sent_mean) AS bytes_sent_mean, avg(s.worker_busy_share) AS worker_busy_share,
       avg(s.wasted_work_share) AS wasted_work_share,
       avg(s.worker_seconds_per_iter) AS worker_seconds_per_iter,
       avg(s.ingress_busy_share) AS ingress_busy_share, avg(s.queued_mean_s) AS queued_mean_s,
       avg(s.queued_per_message_s) AS queued_per_message_s,
       avg(s.decode_cache_hit_rate) AS decode_cache_hit_rate, p.stored_data_factor
FROM point p
JOIN run r USING (point_id)
JOIN (SELECT s1.*, avg(s1.iter_mean_s) OVER point_runs AS mean,
             count(s1.iter_mean_s) OVER point_runs AS runs
      FROM run_summary s1 JOIN run r1 USING (run_id) WHERE r1.status <> 'running'
      WINDOW point_runs AS (PARTITION BY r1.point_id)) s USING (run_id)
LEFT JOIN t_quantile t ON t.df = s.runs - 1
GROUP BY p.point_id;

-- Every scheme against the baseline of its environment, paired by replication: mean iteration time.
-- `straggle compare` also judges times to target.
CREATE VIEW v_compare AS
WITH base AS (
  SELECT env_sha256, results_version, min(point_id) AS baseline_point_id
  FROM point WHERE is_baseline GROUP BY env_sha256, results_version),
pair AS (
  SELECT p.point_id, b.baseline_point_id, ln(bs.iter_mean_s / s.iter_mean_s) AS x
  FROM point p
  JOIN base b USING (env_sha256, results_version)
  JOIN run r ON r.point_id = p.point_id AND r.status = 'finished'
  JOIN run_summary s ON s.run_id = r.run_id AND s.iter_mean_s > 0
  JOIN run br ON br.point_id = b.baseline_point_id AND br.replication = r.replication
             AND br.status = 'finished'
  JOIN run_summary bs ON bs.run_id = br.run_id AND bs.iter_mean_s > 0
  WHERE p.point_id <> b.baseline_point_id),
centred AS (
  SELECT point_id, baseline_point_id, x, avg(x) OVER (PARTITION BY point_id) AS mean FROM pair),
stat AS (
  SELECT point_id, baseline_point_id, count(*) AS pairs, mean AS log_ratio_mean,
         CASE WHEN count(*) > 1
              THEN sqrt(sum((x - mean) * (x - mean)) / (count(*) - 1)) END AS log_ratio_sd
  FROM centred GROUP BY point_id),
half AS (
  SELECT *, coalesce((SELECT t975 FROM t_quantile WHERE df = pairs - 1), 1.959963984540054)
            * log_ratio_sd / sqrt(pairs) AS half
  FROM stat WHERE pairs >= 5
  UNION ALL SELECT *, NULL FROM stat WHERE pairs < 5)
SELECT p.env_sha256, p.results_version, p.point_id, h.baseline_point_id, p.scheme_label,
       b.scheme_label AS baseline_label, h.pairs, h.log_ratio_mean, h.log_ratio_sd,
       exp(h.log_ratio_mean) AS speedup, exp(h.log_ratio_mean - h.half) AS speedup_ci95_low,
       exp(h.log_ratio_mean + h.half) AS speedup_ci95_high,
       CASE WHEN h.half IS NULL THEN 'too few'
            WHEN p.timing_only AND NOT p.exact THEN 'approximate'
            WHEN NOT p.timing_only AND coalesce(
                   (SELECT max(grad_scaled_err_max) FROM run_summary JOIN run r USING (run_id)
                    WHERE r.point_id = p.point_id), 1 - p.exact) >= 1e-6 THEN 'approximate'
            WHEN h.log_ratio_mean > h.half THEN 'faster'
            WHEN h.log_ratio_mean < -h.half THEN 'slower'
            ELSE 'undecided' END AS iter_time_verdict
FROM half h JOIN point p USING (point_id) JOIN point b ON b.point_id = h.baseline_point_id;

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

CREATE VIEW v_progress AS
SELECT p.point_id, p.scheme_label, i.iteration, count(*) AS replications,
       avg(i.start_s + i.duration_s) AS time_mean_s, avg(i.loss) AS loss_mean,
       avg(i.test_accuracy) AS test_accuracy_mean
FROM point p JOIN run r USING (point_id) JOIN iteration i USING (run_id)
WHERE r.status <> 'running'
GROUP BY p.point_id, i.iteration;

-- What columns mean. Names mean the same wherever they occur, so a name is described once, under
-- '*'; the few that differ come first, under their table.
INSERT INTO column_doc VALUES
('scenario','name','text','Name of the scenario'),
('scenario','path','text','Scenario file as named on the command line'),
('scenario','text','text','Content of the scenario file'),
('scenario','sha256','hex','SHA-256 of the text'),
('point_axis','name','text','Name of a sweep axis or of an "each" member of the scheme'),
('point_axis','value','JSON','Its value at this point'),
('point_axis','position','count','Order of the axes, from 0'),
('calibration','position','count','Order of the entries, from 0'),
('calibration','flops','flop','Size of a measured decode'),
('calibration','seconds','s','Time that it took on the machine that was calibrated'),
('run','iterations','count','Updates of the model'),
('run','detail','text','What was recorded: summary, iteration, worker (each takes in the former)'),
('code_check','load_d','1','Share of the data that the busiest worker holds, times n: promised'),
('code_check','length','count','Coordinates of the random gradients l'),
('code_check','config_json','JSON','The code with all its parameters'),
('code_check','seed','text','Seed of the code, of the gradients and of samples'),
('v_ecdf','share','1','Share of the iterations of the point that took duration_s or less'),
('*','invocation_id','id','One command that wrote results'),
('*','started_utc','ISO 8601','When the command began'),
('*','argv','text','Command line'),
('*','version','text','Version of straggle'),
('*','git_revision','text','Revision it was built from'),
('*','compiler','text','Compiler it was built with'),
('*','blas','text','Version of OpenBLAS'),
('*','blas_core','text','Kernel set that OpenBLAS chose for the processor'),
('*','cpu','text','Processor'),
('*','host','text','Host name'),
('*','libc','text','C library'),
('*','threads','count','Simulating threads'),
('*','scenario_id','id','Scenario that last named the point'),
('*','point_id','id','One parameter combination with one scheme'),
('*','point_sha256','hex','Key: hash of all that can change a result row'),
('*','env_sha256','hex','The same hash without the scheme: equal means comparable'),
('*','results_version','count','Raised when the program computes other numbers; never compare across versions'),
('*','config_json','JSON','Resolved configuration'),
('*','scheme_label','text','Code and parameters of the scheme'),
('*','code','text','Name of the gradient code'),
('*','stop_rule','text','When the master stops waiting: count, decodable, …'),
('*','exact','0/1','The code recovers the exact sum'),
('*','timing_only','0/1','No learning problem: times are simulated, gradients are not'),
('*','is_baseline','0/1','Others are compared with this scheme'),
('*','n_workers','count','Workers n'),
('*','n_subsets','count','Subsets of the data k'),
('*','length','count','Coordinates of a gradient l'),
('*','load_d','subsets','Computation load: subsets per worker'),
('*','stragglers_s','count','Stragglers that are tolerated in every pattern'),
('*','comm_m','1','Communication reduction: a message has 1/m of the length of a gradient'),
('*','stored_data_factor','1','Data stored at all workers over the size of the data'),
('*','scaling','text','How time grows with load'),
('*','late_work','text','What becomes of work when the iteration ends'),
('*','late_messages','text','What becomes of messages under way when the iteration ends'),
('*','problem','text','Learning problem'),
('*','target_loss','1','Training loss at which a run is done; NULL: none'),
('*','max_iterations','count','Most updates of a run'),
('*','seed','text','Seed (a decimal number up to 2^64 - 1)'),
('*','run_id','id','point_id * 2^24 + replication; below 0 while it replaces an older run'),
('*','replication','count','Number of the replication, from 0; equal numbers share delays'),
('*','status','text','running, finished, diverged, stalled, undecodable'),
('*','stop_reason','text','iterations, target-loss, sim-time, diverged, stalled, undecodable'),
('*','rounds','count','Rounds of the protocol'),
('*','events','count','Events handled'),
('*','sim_time_s','s','Simulated time at the end'),
('*','wall_s','s','Real time that the run took'),
('*','iter_mean_s','s','Mean time of an iteration (v_point: mean over runs)'),
('*','iter_mean_ci95_half_s','s','Half width of the 95 % confidence interval of iter_mean_s over runs'),
('*','iter_sd_s','s','Standard deviation of the iteration time within a run'),
('*','iter_min_s','s','Shortest iteration'),
('*','iter_p50_s','s','Median iteration time (v_point: mean over runs)'),
('*','iter_p90_s','s','90 % quantile of the iteration time (v_point: mean over runs)'),
('*','iter_p99_s','s','99 % quantile of the iteration time (v_point: mean over runs)'),
('*','iter_max_s','s','Longest iteration'),
('*','wait_mean_s','s','Mean time until the master could decode'),
('*','decode_mean_s','s','Mean simulated decode time'),
('*','time_to_target_s','s','Simulated time to the target loss; NULL: not reached (v_point: not by all runs)'),
('*','iterations_to_target','count','Updates to the target loss; NULL: not reached'),
('*','n_reached','count','Runs that reached the target loss'),
('*','final_loss','1','Training loss at the end'),
('*','final_test_loss','1','Test loss at the end'),
('*','final_accuracy','1','Test accuracy at the end'),
('*','final_auc','1','Area under the ROC curve of the test data at the end'),
('*','grad_rel_err_max','1','Largest relative error of a decoded gradient'),
('*','grad_scaled_err_max','1','Largest scaled error of a decoded gradient: judges the arithmetic'),
('*','decoding_err_mean','1','Mean decoding error of codes that are not exact'),
('*','cond1_max','1','Largest condition estimate of a decode'),
('*','decode_amp_max','1','Largest size of decode weights'),
('*','undecodable_iters','count','Rounds skipped because the messages did not determine the sum'),
('*','n_used_mean','count','Messages decoded per iteration'),
('*','bytes_received_mean','byte','Bytes delivered to the master per iteration'),
('*','bytes_sent_mean','byte','Bytes put on any uplink per iteration'),
('*','worker_busy_share','1','Share of the workers'' time spent computing'),
('*','wasted_work_share','1','Share of computing whose result was not used'),
('*','worker_seconds_per_iter','s','Workers times mean iteration time: what is paid for'),
('*','decode_cache_hit_rate','1','Share of decodes whose weights were known from an earlier round'),
('*','ingress_busy_share','1','Share of the time that the master''s link was busy (v_ingress: from decode to decode)'),
('*','queued_mean_s','s','Mean seconds per iteration that messages waited for the master''s link'),
('*','queued_per_message_s','s','Mean seconds that a message waited for the master''s link; NULL: none used it'),
('*','ingress_messages','count','Messages delivered by the master''s link, late ones that are dropped too; 0: unlimited'),
('*','iteration','count','Update of the model, from 0'),
('*','round','count','Round of the protocol'),
('*','start_s','s','Simulated time at which the round began'),
('*','duration_s','s','From there, or from the previous update without a barrier, to the end of the update'),
('*','wait_s','s','Time until the master could decode'),
('*','decode_s','s','Simulated decode time'),
('*','update_s','s','Time of the model update'),
('*','decoded','0/1','0: the round was skipped as undecodable'),
('*','n_used','count','Messages decoded'),
('*','n_received','count','Messages delivered to the master, used or not'),
('*','last_worker','worker','Worker that was waited for last; NULL: none'),
('*','bytes_received','byte','Delivered to the master'),
('*','bytes_sent','byte','Put on any uplink, delivered or not'),
('*','bytes_broadcast','byte','Sent from the master to the workers'),
('*','busy_s','s','Sum over workers of seconds spent computing'),
('*','wasted_s','s','Part of busy_s whose result was not used'),
('*','ingress_busy_s','s','Seconds that the master''s link was busy, from decode to decode'),
('*','queued_s','s','Seconds that the messages it delivered waited for the master''s link'),
('*','loss','1','Training loss after the update'),
('*','test_loss','1','Test loss after the update'),
('*','test_accuracy','1','Test accuracy after the update'),
('*','test_auc','1','Area under the ROC curve of the test data'),
('*','grad_norm','1','2-norm of the decoded gradient'),
('*','grad_rel_err','1','Error of the decoded gradient over the norm of the sum; NULL near the optimum'),
('*','grad_scaled_err','1','Error of the decoded gradient over the sum of the norms of the parts'),
('*','decoding_err','1','Squared deviation of the decoded coefficients from 1; codes that are not exact'),
('*','cond1_est','1','1-norm condition estimate of the system that was solved'),
('*','decode_amp','1','Size of the decode weights'),
('*','worker','worker','Number of the worker, from 0'),
('*','speed','1','Nominal speed; 1: as the delay law says'),
('*','compute_mean_s','s','Mean seconds of computing per iteration'),
('*','arrival_mean_s','s','Mean time of the last delivery, from the start of the round'),
('*','used_share','1','Share of iterations in which a message of the worker was decoded'),
('*','cancelled_share','1','Share of iterations in which its work was cut short'),
('*','compute_s','s','Seconds of computing, cancelled work included; NULL: never began'),
('*','arrival_s','s','Delivery of its last message, from the start of the round; NULL: never'),
('*','tasks','count','Tasks finished'),
('*','messages','count','Messages delivered'),
('*','used','0/1','A message of the worker was decoded'),
('*','cancelled','0/1','It was still computing or sending when the round ended'),
('*','check_id','id','One check of one code'),
('*','max_patterns','count','Patterns that were to be tried one by one; of more, so many were sampled'),
('*','speeds','text','Nominal speeds of the workers, repeated to n'),
('*','exhaustive','0/1','Every pattern with at most s workers missing was tried'),
('*','patterns','count','Sets of at most s missing workers that there are'),
('*','patterns_tried','count','Of these tried: all, or a uniform sample'),
('*','patterns_searched','count','Tried besides in search of the worst'),
('*','load_found','1','Load d as found in the messages'),
('*','stragglers_found','count','Most workers any of which may be missing, as found; -1: not even none'),
('*','stragglers_proved','0/1','stragglers_found rests on all patterns, not on samples'),
('*','comm_found','1','Communication reduction m as found: what a worker sends is 1/m of a gradient'),
('*','slack','1','stored_data_factor - (s + m) as found: 0 is the optimal trade-off; NULL: not exact'),
('*','broken_promises','count','Patterns that the code promises and its decoder refused'),
('*','broken_missing','JSON','Missing workers of the first of them'),
('*','patterns_inaccurate','count','Patterns tried that an exact code decoded with an error of 1e-6 or more, messages as float64'),
('*','cond2_median','1','2-norm condition number of the decode system (rows of the messages that have a weight): median over patterns'),
('*','cond2_p90','1','The same: 90 % quantile'),
('*','cond2_worst','1','The same: largest, searched patterns included'),
('*','cond2_worst_missing','JSON','Missing workers of that pattern'),
('*','amp_median','1','Size of the decode weights, as decode_amp: median over patterns'),
('*','amp_p90','1','The same: 90 % quantile'),
('*','amp_worst','1','The same: largest'),
('*','amp_worst_missing','JSON','Missing workers of that pattern'),
('*','residual_median','1','Largest deviation of a decoded coefficient from 1 (or 0): median over patterns'),
('*','residual_worst','1','The same: largest'),
('*','residual_worst_missing','JSON','Missing workers of that pattern'),
('*','err_float64_median','1','Error of the decoded sum over the sum of the norms, messages as float64: median over patterns'),
('*','err_float64_p99','1','The same: 99 % quantile'),
('*','err_float64_worst','1','The same: largest; Inf: a message overflowed'),
('*','err_float64_worst_missing','JSON','Missing workers of that pattern'),
('*','err_float32_median','1','Error of the decoded sum over the sum of the norms, messages as float32: median over patterns'),
('*','err_float32_p99','1','The same: 99 % quantile'),
('*','err_float32_worst','1','The same: largest; Inf: a message overflowed'),
('*','err_float32_worst_missing','JSON','Missing workers of that pattern'),
('*','err_bfloat16_median','1','Error of the decoded sum over the sum of the norms, messages as bfloat16: median over patterns'),
('*','err_bfloat16_p99','1','The same: 99 % quantile'),
('*','err_bfloat16_worst','1','The same: largest; Inf: a message overflowed'),
('*','err_bfloat16_worst_missing','JSON','Missing workers of that pattern'),
('*','encode_flops','flop','Operations of the busiest worker to encode its messages'),
('*','find_flops','flop','Operations to find decode weights: most over patterns'),
('*','apply_flops','flop','Operations per coordinate to apply them: most over patterns'),
('*','least_messages','count','Messages with a weight: least over patterns'),
('*','received_gradients','1','Their length in gradients: what the master must receive'),
('*','received_bytes','byte','The same in bytes, as float64'),
('*','responders','count','Workers that answer'),
('*','sets','count','Sets of so many workers that there are'),
('*','sets_tried','count','Of these tried; fewer than sets: a uniform sample'),
('*','sets_decodable','count','Of the tried ones those from which the sum is decoded'),
('*','df','count','Degrees of freedom'),
('*','t975','1','97.5 % quantile of Student''s t'),
('*','table_name','text','Table or view'),
('*','column_name','text','Column'),
('*','unit','text','Unit; 1: none'),
('*','meaning','text','What the column holds'),
('*','axes','text','Values of the sweep; NULL: none'),
('*','replications','count','Runs that ended'),
('*','unfinished_runs','count','Of these, runs that diverged, stalled or could not be decoded'),
('*','baseline_point_id','id','The scheme that is compared with'),
('*','baseline_label','text','Its label'),
('*','pairs','count','Replications that both schemes finished'),
('*','log_ratio_mean','1','Mean over pairs of ln(baseline iter_mean_s / iter_mean_s)'),
('*','log_ratio_sd','1','Standard deviation of the same'),
('*','speedup','1','Mean iteration time of the baseline over that of the scheme (geometric mean of pairs)'),
('*','speedup_ci95_low','1','Lower end of the 95 % confidence interval of speedup; NULL under 5 pairs'),
('*','speedup_ci95_high','1','Upper end of the same'),
('*','iter_time_verdict','text','faster, slower, undecided, approximate (not the exact gradient), too few'),
('*','time_mean_s','s','Mean simulated time at the end of the iteration'),
('*','loss_mean','1','Mean training loss after the iteration'),
('*','test_accuracy_mean','1','Mean test accuracy after the iteration');

INSERT OR IGNORE INTO column_doc
SELECT m.name, c.name, d.unit, d.meaning
FROM sqlite_schema m JOIN pragma_table_info(m.name) c
JOIN column_doc d ON d.table_name = '*' AND d.column_name = c.name
WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%';
DELETE FROM column_doc WHERE table_name = '*';
