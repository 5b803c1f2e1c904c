/* SPDX-License-Identifier: MIT */
/* The table of columns, and what is made from it: SQL, bindings, reading.
 *
 * Results are rows of columns.def, because a row there is also a member of a record: nothing is
 * said twice. The other tables (who wrote, what a point is, checks of codes) change seldom and have
 * records of their own; their rows are here and find the members by offsetof, their kinds by the
 * members' types. schema.sql keeps what is not a list of columns: indexes, and views that are real
 * queries, with {point} and {summary} where lists of columns go. SQL as text is what people read
 * and try in the sqlite3 shell; made in C it would be neither shorter nor clearer. */
#include "results/columns.h"

#include "results/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An expression of the type, or the type as a compound literal. */
#define KIND(x)                                                                                    \
  _Generic((x),                                                                                    \
      bool: SG_COLUMN_BOOL,                                                                        \
      int: SG_COLUMN_INT,                                                                          \
      int64_t: SG_COLUMN_LONG,                                                                     \
      double: SG_COLUMN_REAL,                                                                      \
      const char *: SG_COLUMN_TEXT,                                                                \
      uint64_t: SG_COLUMN_SEED)
/* The meaning, and what more is said of a column: .meaning = "…", .shown = … */
#define MEMBER(in_table, record, member, called, in_unit, ...)                                     \
  {                                                                                                \
    .table = in_table, .name = called, .unit = in_unit, .kind = KIND(((record *)0)->member),       \
    .place = offsetof(record, member), .meaning = __VA_ARGS__                                      \
  }
#define OTHER(in_table, called, of_kind, where, in_unit, ...)                                      \
  {                                                                                                \
    .table = in_table, .name = called, .unit = in_unit, .kind = SG_COLUMN_##of_kind,               \
    .place = SG_PLACE_##where, .meaning = __VA_ARGS__                                              \
  }

#define INVOCATION(member, unit, ...)                                                              \
  MEMBER("invocation", sg_invocation, member, #member, unit, __VA_ARGS__)
#define SCENARIO(member, unit, meaning)                                                            \
  MEMBER("scenario", sg_scenario_record, member, #member, unit, meaning, ALWAYS)
#define POINT(member, unit, ...)                                                                   \
  MEMBER("point", sg_point_record, member, #member, unit, __VA_ARGS__)
#define AXIS(member, unit, meaning)                                                                \
  MEMBER("point_axis", sg_axis, member, #member, unit, meaning, ALWAYS)
#define RUN(member, unit, meaning)                                                                 \
  MEMBER("run", sg_run_row, member, #member, unit, meaning, .rule = "")
#define TIME_GROUP(member, unit, meaning)                                                          \
  MEMBER("iter_time_group", sg_time_group_record, member, #member, unit, meaning)
#define CALIBRATION(member, unit, meaning)                                                         \
  MEMBER("calibration", sg_calibration_record, member, #member, unit, meaning, ALWAYS)
#define CHECK_AS(member, name, unit, ...)                                                          \
  MEMBER("code_check", sg_code_check_record, member, name, unit, __VA_ARGS__)
#define CHECK(member, unit, ...) CHECK_AS(member, #member, unit, __VA_ARGS__)
#define SETS(member, name, unit, meaning)                                                          \
  MEMBER("code_check_sets", sg_sets_record, member, name, unit, meaning)
#define REFERENCE(in_table, to, meaning)                                                           \
  OTHER(in_table, #to "_id", LONG, KEY, "id", meaning,                                             \
        .rule = "NOT NULL REFERENCES " #to " ON DELETE CASCADE")
#define DOC(member, meaning)                                                                       \
  MEMBER("column_doc", sg_column_doc_record, member, #member, "text", meaning, ALWAYS)
/* A column that views alone have. */
#define VIEW(view, name, kind, unit, ...) OTHER(view, name, kind, NONE, unit, __VA_ARGS__)

#define MISSING  "Missing workers of that pattern"
#define FROM_RUN "NOT NULL REFERENCES run ON DELETE CASCADE ON UPDATE CASCADE"
#define ALWAYS   .rule = "NOT NULL"

static const sg_column column[] = {
    OTHER("invocation", "invocation_id", LONG, NONE, "id", "One command that wrote results",
          .rule = "PRIMARY KEY"),
    OTHER("invocation", "started_utc", TEXT, NONE, "ISO 8601", "When the command began",
          .rule = "NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"),
    INVOCATION(argv, "text", "Command line"),
    INVOCATION(version, "text", "Version of straggle"),
    INVOCATION(git_revision, "text", "Revision it was built from"),
    INVOCATION(compiler, "text", "Compiler it was built with"),
    INVOCATION(blas, "text", "Version of OpenBLAS"),
    INVOCATION(blas_core, "text", "Kernel set that OpenBLAS chose for the processor"),
    INVOCATION(cpu, "text", "Processor"),
    INVOCATION(host, "text", "Host name"),
    INVOCATION(libc, "text", "C library"),
    INVOCATION(shard, "text", "Which shard of how many it was to compute, \"3/8\"; NULL: all"),
    INVOCATION(threads, "count", "Simulating threads"),

    OTHER("scenario", "scenario_id", LONG, NONE, "id", "Scenario that last named the point",
          .rule = "PRIMARY KEY"),
    SCENARIO(name, "text", "Name of the scenario"),
    SCENARIO(path, "text", "Scenario file as named on the command line"),
    SCENARIO(text, "text", "Content of the scenario file"),
    SCENARIO(sha256, "hex", "SHA-256 of the text"),

    OTHER("point", "point_id", LONG, NONE, "id", "One parameter combination with one scheme",
          .rule = "PRIMARY KEY"),
    REFERENCE("point", scenario, "Scenario that last named the point"),
    OTHER("point", "results_version", LONG, KEY, "count",
          "Raised when the program computes other numbers; never compare across versions"),
    POINT(point_sha256, "hex", "Key: hash of all that can change a result row", ALWAYS),
    POINT(env_sha256, "hex", "The same hash without the scheme: equal means comparable", ALWAYS),
    POINT(config_json, "JSON", "Resolved configuration", ALWAYS),
    POINT(scheme_label, "text", "Code and parameters of the scheme", ALWAYS),
    POINT(code, "text", "Name of the gradient code", ALWAYS, .shown = SG_IN_V_POINT),
    POINT(stop_rule, "text", "When the master stops waiting: count, decodable, …", ALWAYS,
          .shown = SG_IN_V_POINT | SG_IN_POINTS),
    POINT(exact, "0/1", "The code recovers the exact sum", .shown = SG_IN_V_POINT | SG_IN_ERRORS),
    POINT(barrier, "0/1",
          "All workers begin an iteration together; 0: gradients may be of older models",
          .shown = SG_IN_V_POINT | SG_IN_ERRORS),
    POINT(timing_only, "0/1", "No learning problem: times are simulated, gradients are not",
          .shown = SG_IN_V_POINT),
    POINT(is_baseline, "0/1", "Others are compared with this scheme", .shown = SG_IN_V_POINT),
    POINT(
        models, "count",
        "Models trained side by side; an iteration updates one of them, and a run has reached the "
        "target when all have",
        .shown = SG_IN_V_POINT),
    POINT(n_workers, "count", "Workers n", .shown = SG_IN_V_POINT | SG_IN_POINTS),
    POINT(n_subsets, "count", "Subsets of the data k", .shown = SG_IN_V_POINT),
    POINT(length, "count", "Coordinates of a gradient l", .shown = SG_IN_V_POINT),
    POINT(load_d, "subsets", "Computation load: subsets per worker", ALWAYS,
          .shown = SG_IN_V_POINT | SG_IN_POINTS),
    POINT(stragglers_s, "count", "Stragglers that are tolerated in every pattern",
          .shown = SG_IN_V_POINT | SG_IN_POINTS),
    POINT(comm_m, "1", "Communication reduction: a message has 1/m of the length of a gradient",
          .shown = SG_IN_V_POINT | SG_IN_POINTS | SG_IN_NETWORK),
    POINT(stored_data_factor, "1", "Data stored at all workers over the size of the data",
          .shown = SG_IN_V_POINT | SG_IN_COSTS),
    POINT(scaling, "text", "How time grows with load"),
    POINT(late_work, "text", "What becomes of work when the iteration ends"),
    POINT(late_messages, "text", "What becomes of messages under way when the iteration ends"),
    POINT(compression, "text", "What messages become: compressor and parameters that were given",
          .shown = SG_IN_V_POINT),
    POINT(compressed, "0/1",
          "Messages or models lose more than a number format that all schemes of the environment "
          "have: iterations are not comparable",
          .shown = SG_IN_V_POINT),
    POINT(problem, "text", "Learning problem"),
    POINT(target_loss, "1", "Training loss at which a run is done; NULL: none",
          .shown = SG_IN_V_POINT),
    POINT(target_grad_norm2, "1",
          "Squared norm of the whole gradient at which a run is done, with target_loss when both "
          "are met; NULL: none",
          .shown = SG_IN_V_POINT),
    POINT(max_iterations, "count", "Most updates of a run"),
    POINT(replicate, "text", "What replications draw anew: delays, delays+code, delays+code+data"),
    POINT(seed, "text", "Seed (a decimal number up to 2^64 - 1)", ALWAYS),

    REFERENCE("point_axis", point, "One parameter combination with one scheme"),
    OTHER("point_axis", "position", LONG, KEY, "count", "Order of the axes, from 0"),
    AXIS(name, "text", "Name of a sweep axis or of an \"each\" member of the scheme"),
    AXIS(value, "JSON", "Its value at this point"),

    OTHER("run", "run_id", LONG, KEY, "id",
          "point_id * 2^24 + replication; below 0 while it replaces an older run",
          .rule = "PRIMARY KEY"),
    REFERENCE("run", point, "One parameter combination with one scheme"),
    REFERENCE("run", invocation, "One command that wrote results"),
    OTHER("run", "replication", LONG, KEY, "count",
          "Number of the replication, from 0; equal numbers share delays"),
    OTHER("run", "detail", TEXT, KEY, "text",
          "What was recorded: summary, iteration, worker (each takes in the former)",
          .rule = "NOT NULL CHECK (detail IN ('summary', 'iteration', 'worker'))"),
    MEMBER("run", sg_run_row, status, "status", "text",
           "running, finished, diverged, stalled, undecodable",
           .rule = "NOT NULL CHECK (status IN"
                   " ('running', 'finished', 'diverged', 'stalled', 'undecodable'))"),
    RUN(stop_reason, "text",
        "iterations, target-loss, target-gradient, targets (both), sim-time, diverged, "
        "stalled, undecodable"),
    RUN(iterations, "count", "Updates of the model"),
    RUN(rounds, "count", "Rounds of the protocol"),
    RUN(events, "count", "Events handled"),
    RUN(sim_time_s, "s", "Simulated time at the end"),
    RUN(wall_s, "s", "Real time that the run took"),

    OTHER("run_summary", "run_id", LONG, KEY, "id", "The run",
          .rule = "PRIMARY KEY REFERENCES run ON DELETE CASCADE ON UPDATE CASCADE"),
#define SG_SUMMARY(type, name, unit, over_runs, ...)                                               \
  MEMBER("run_summary", sg_summary_record, name, #name, unit, __VA_ARGS__,                         \
         .fold = SG_FOLD_##over_runs),
/* Over runs: the largest of largest ones, and otherwise the mean. */
#define SG_FOLDED(type, name, unit, meaning, over_run, kept, ...)                                  \
  MEMBER("run_summary", sg_summary_record, kept, #kept, unit, __VA_ARGS__,                         \
         .fold = SG_FOLD_##over_run == SG_FOLD_MAX ? SG_FOLD_MAX : SG_FOLD_MEAN),
#include "results/columns.def"

    OTHER("iter_time_group", "run_id", LONG, KEY, "id", "The run", .rule = FROM_RUN),
    TIME_GROUP(position, "count", "Order of the groups by time, from 0"),
    TIME_GROUP(iterations, "count", "Iterations of the run that are put together"),
    TIME_GROUP(mean_s, "s", "Their mean time"),

    OTHER("iteration", "run_id", LONG, KEY, "id", "The run", .rule = FROM_RUN),
#define SG_ITERATION(type, name, unit, ...)                                                        \
  MEMBER("iteration", sg_iteration_record, name, #name, unit, __VA_ARGS__),
#define SG_FOLDED(type, name, unit, meaning, over_run, ...)                                        \
  MEMBER("iteration", sg_iteration_record, name, #name, unit, meaning, .fold = SG_FOLD_##over_run),
#include "results/columns.def"

    OTHER("worker_summary", "run_id", LONG, KEY, "id", "The run", .rule = FROM_RUN),
#define SG_WORKER_SUMMARY(type, name, unit, ...)                                                   \
  MEMBER("worker_summary", sg_worker_summary_record, name, #name, unit, __VA_ARGS__),
#include "results/columns.def"

    OTHER("worker_iteration", "run_id", LONG, KEY, "id", "The run", .rule = FROM_RUN),
#define SG_WORKER(type, name, unit, ...)                                                           \
  MEMBER("worker_iteration", sg_worker_record, name, #name, unit, __VA_ARGS__),
#include "results/columns.def"

    OTHER("used_message", "run_id", LONG, KEY, "id", "The run", .rule = FROM_RUN),
#define SG_USED(type, name, unit, ...)                                                             \
  MEMBER("used_message", sg_used_record, name, #name, unit, __VA_ARGS__),
#include "results/columns.def"

    OTHER("calibration", "position", LONG, KEY, "count", "Order of the entries, from 0",
          .rule = "PRIMARY KEY"),
    CALIBRATION(flops, "flop", "Size of a measured decode"),
    CALIBRATION(seconds, "s", "Time that it took on the machine that was calibrated"),

    OTHER("code_check", "check_id", LONG, NONE, "id", "One check of one code",
          .rule = "PRIMARY KEY"),
    REFERENCE("code_check", invocation, "One command that wrote results"),
    CHECK(scheme_label, "text", "Code and parameters of the scheme", ALWAYS),
    CHECK(code, "text", "Name of the gradient code", ALWAYS),
    CHECK(config_json, "JSON", "The code with all its parameters", ALWAYS),
    CHECK(n_workers, "count", "Workers n"),
    CHECK(n_subsets, "count", "Subsets of the data k"),
    CHECK(length, "count", "Coordinates of the random gradients l"),
    CHECK(speeds, "text", "Nominal speeds of the workers, repeated to n", ALWAYS),
    CHECK(seed, "text", "Seed of the code, of the gradients and of samples", ALWAYS),
    CHECK(max_patterns, "count",
          "Patterns that were to be tried one by one; of more, so many were sampled"),
    CHECK(exact, "0/1", "The code recovers the exact sum"),
    CHECK(exhaustive, "0/1", "Every pattern with at most s workers missing was tried"),
    CHECK(patterns, "count", "Sets of at most s missing workers that there are", ALWAYS),
    CHECK(patterns_tried, "count", "Of these tried: all, or a uniform sample"),
    CHECK(patterns_searched, "count", "Tried besides in search of the worst"),
    CHECK(load_d, "1", "Share of the data that the busiest worker holds, times n: promised",
          ALWAYS),
    CHECK(stragglers_s, "count", "Stragglers that are tolerated in every pattern"),
    CHECK(comm_m, "1", "Communication reduction: a message has 1/m of the length of a gradient"),
    CHECK(load_found, "1", "Load d as found in the messages"),
    CHECK(stored_data_factor, "1", "Data stored at all workers over the size of the data"),
    CHECK(stragglers_found, "count",
          "Most workers any of which may be missing, as found; -1: not even none"),
    CHECK(stragglers_proved, "0/1", "stragglers_found rests on all patterns, not on samples"),
    CHECK(comm_found, "1",
          "Communication reduction m as found: what a worker sends is 1/m of a gradient"),
    CHECK(slack, "1",
          "stored_data_factor - (s + m) as found: 0 is the optimal trade-off; NULL: not exact"),
    CHECK(broken_promises, "count", "Patterns that the code promises and its decoder refused"),
    CHECK(broken_missing, "JSON", "Missing workers of the first of them"),
    CHECK(patterns_inaccurate, "count",
          "Patterns tried that an exact code decoded with an error of 1e-6 or more, messages as "
          "float64"),
    CHECK_AS(
        cond2.median, "cond2_median", "1",
        "2-norm condition number of the decode system (rows of the messages that have a weight): "
        "median over patterns"),
    CHECK_AS(cond2.p90, "cond2_p90", "1", "The same: 90 % quantile"),
    CHECK_AS(cond2.worst, "cond2_worst", "1", "The same: largest, searched patterns included"),
    CHECK_AS(cond2.missing, "cond2_worst_missing", "JSON", MISSING),
    CHECK_AS(amp.median, "amp_median", "1", "Amplification, as decode_amp: median over patterns"),
    CHECK_AS(amp.p90, "amp_p90", "1", "The same: 90 % quantile"),
    CHECK_AS(amp.worst, "amp_worst", "1", "The same: largest"),
    CHECK_AS(amp.missing, "amp_worst_missing", "JSON", MISSING),
    CHECK_AS(residual.median, "residual_median", "1",
             "Largest deviation of a decoded coefficient from 1 (or 0): median over patterns"),
    CHECK_AS(residual.worst, "residual_worst", "1", "The same: largest"),
    CHECK_AS(residual.missing, "residual_worst_missing", "JSON", MISSING),
#define PRECISION(name)                                                                            \
  CHECK_AS(err_##name.median, "err_" #name "_median", "1",                                         \
           "Error of the decoded sum over the sum of the norms, messages as " #name                \
           ": median over patterns"),                                                              \
      CHECK_AS(err_##name.p99, "err_" #name "_p99", "1", "The same: 99 % quantile"),               \
      CHECK_AS(err_##name.worst, "err_" #name "_worst", "1",                                       \
               "The same: largest; Inf: a message overflowed"),                                    \
      CHECK_AS(err_##name.missing, "err_" #name "_worst_missing", "JSON", MISSING)
    PRECISION(float64),
    PRECISION(float32),
    PRECISION(bfloat16),
    CHECK(
        norms_ratio, "1",
        "Sum of the norms of the gradients over the norm of their sum: times it, errors are on one "
        "scale for all codes"),
    CHECK(encode_flops, "flop", "Operations of the busiest worker to encode its messages"),
    CHECK(find_flops, "flop", "Operations to find decode weights: most over patterns"),
    CHECK(apply_flops, "flop", "Operations per coordinate to apply them: most over patterns"),
    CHECK(least_messages, "count", "Messages with a weight: least over patterns"),
    CHECK(received_gradients, "1", "Their length in gradients: what the master must receive"),
    CHECK(received_bytes, "byte", "The same in bytes, as float64"),
    CHECK(messages_least, "count",
          "Messages that leave a sender for an update: least over what was played"),
    CHECK(messages_most, "count", "The same: most"),
    CHECK(gradients_least, "1", "Their length in gradients: least"),
    CHECK(gradients_most, "1", "The same: most"),
    CHECK_AS(up_least, "signals_up_least", "count", "Reports to the master for an update: least"),
    CHECK_AS(up_most, "signals_up_most", "count", "The same: most"),
    CHECK_AS(down_least, "signals_down_least", "count", "Signals to workers for an update: least"),
    CHECK_AS(down_most, "signals_down_most", "count", "The same: most"),
    CHECK(straggling, "text",
          "Probabilities with which workers straggle, in turn; NULL: not asked for"),
    CHECK(straggling_tried, "count", "Patterns tried of such straggling"),
    CHECK(straggling_enumerated, "0/1", "1: all of them, with their probabilities"),
    CHECK(bernoulli_err, "1", "Mean of (alpha - 1)^2 over coefficients then; alpha = 0 if refused"),
    CHECK(bernoulli_err_se, "1", "Its standard error"),
    CHECK(bernoulli_kappa, "1", "Mean of alpha"),
    CHECK(bernoulli_debiased, "1", "bernoulli_err of alpha / bernoulli_kappa"),
    CHECK(bernoulli_recovered, "1", "Probability that the sum is exact"),
    CHECK(bernoulli_refused, "1", "Probability that nothing is decoded"),
    CHECK(bernoulli_bound, "1", "What no decoder's bernoulli_err is below, by who holds what"),
    CHECK(bernoulli_unbiased_bound, "1", "The same of decoders without bias"),

    OTHER("code_check_sets", "check_id", LONG, KEY, "id", "One check of one code",
          .rule = "NOT NULL REFERENCES code_check ON DELETE CASCADE"),
    SETS(responders, "responders", "count", "Workers that answer"),
    SETS(sets, "sets", "count", "Sets of so many workers that there are"),
    SETS(tried, "sets_tried", "count", "Of these tried; fewer than sets: a uniform sample"),
    SETS(decodable, "sets_decodable", "count",
         "Of the tried ones those from which the sum is decoded"),
    SETS(mean_err, "err_norm_mean", "1",
         "Codes that are not exact: mean of (alpha - 1)^2 over the sets that decode"),
    SETS(worst_err, "err_norm_worst", "1", "The same: the worst tried"),
    SETS(greedy_err, "err_norm_greedy", "1", "The same: of a set that a greedy adversary finds"),
    SETS(mean_err_bound, "err_norm_mean_bound", "1",
         "What no decoder's mean is below, by who holds what"),
    SETS(worst_err_bound, "err_norm_worst_bound", "1", "What no decoder's worst is below"),

    OTHER("t_quantile", "df", LONG, KEY, "count", "Degrees of freedom", .rule = "PRIMARY KEY"),
    MEMBER("t_quantile", sg_t_quantile_record, t975, "t975", "1", "97.5 % quantile of Student's t",
           ALWAYS),

    DOC(table_name, "Table or view"),
    DOC(column_name, "Column"),
    DOC(unit, "Unit; 1: none"),
    DOC(meaning, "What the column holds"),

    /* What views have of their own; the other columns of a view are those of tables. */
    VIEW("v_point", "axes", TEXT, "text", "Values of the sweep; NULL: none"),
    VIEW("v_point", "replications", LONG, "count", "Runs that ended",
         .shown = SG_IN_POINTS | SG_IN_WHAT_IF),
    VIEW("v_point", "unfinished_runs", LONG, "count",
         "Of these, runs that diverged, stalled or could not be decoded"),
    VIEW("v_point", "iter_mean_ci95_half_s", REAL, "s",
         "Half width of the 95 % confidence interval of iter_mean_s over runs; NULL: they do not "
         "differ",
         .shown = SG_IN_POINTS),
    VIEW("v_point", "n_reached", LONG, "count", "Runs that reached the target"),
    VIEW("v_compare", "baseline_point_id", LONG, "id", "The scheme that is compared with"),
    VIEW("v_compare", "baseline_label", TEXT, "text", "Its label"),
    VIEW("v_compare", "pairs", LONG, "count", "Replications that both schemes finished"),
    VIEW("v_compare", "log_ratio_mean", REAL, "1",
         "Mean over pairs of ln(baseline iter_mean_s / iter_mean_s)"),
    VIEW("v_compare", "log_ratio_sd", REAL, "1", "Standard deviation of the same"),
    VIEW(
        "v_compare", "speedup", REAL, "1",
        "Mean iteration time of the baseline over that of the scheme: geometric mean of the pairs' "
        "ratios"),
    VIEW("v_compare", "speedup_ci95_low", REAL, "1",
         "Lower end of the 95 % confidence interval of speedup; NULL under 5 pairs, or if they do "
         "not differ"),
    VIEW("v_compare", "speedup_ci95_high", REAL, "1", "Upper end of the same"),
    VIEW(
        "v_compare", "iter_time_verdict", TEXT, "text",
        "faster, slower, undecided, approximate (not the exact gradient), compressed, no barrier, "
        "inexact baseline, too few, runs equal (replayed times; `straggle compare` takes blocks of "
        "iterations)"),
    VIEW("v_ecdf", "share", REAL, "1",
         "Share of the iterations of the point that took duration_s or less"),
    VIEW("v_progress", "time_mean_s", REAL, "s", "Mean simulated time at the end of the iteration"),
    VIEW("v_progress", "loss_mean", REAL, "1", "Mean training loss after the iteration"),
    VIEW("v_progress", "test_accuracy_mean", REAL, "1", "Mean test accuracy after the iteration"),
    {0}};

/* What follows the columns of a table; a table that has no rows above must not be named here.
 * One with a key of several columns has no row numbers. */
static const struct {
  const char *name, *rules;
} tables[] = {{"invocation", ""},
              {"scenario", ", UNIQUE (sha256, path)"},
              {"point", ", UNIQUE (point_sha256, results_version)"},
              {"point_axis", ", PRIMARY KEY (point_id, position)"},
              {"run", ""},
              {"run_summary", ""},
              {"iter_time_group", ", PRIMARY KEY (run_id, position)"},
              {"iteration", ", PRIMARY KEY (run_id, iteration)"},
              {"worker_summary", ", PRIMARY KEY (run_id, worker)"},
              {"worker_iteration", ", PRIMARY KEY (run_id, iteration, worker)"},
              {"used_message", ", PRIMARY KEY (run_id, iteration, position)"},
              {"calibration", ""},
              {"code_check",
               ", UNIQUE (config_json, n_workers, n_subsets, length, speeds, seed, max_patterns)"},
              {"code_check_sets", ", PRIMARY KEY (check_id, responders)"},
              {"t_quantile", ""},
              {"column_doc", ", PRIMARY KEY (table_name, column_name)"},
              {0}};

#define BLANK(type) _Generic((type){0}, double : NAN, default : 0)
const sg_iteration_record sg_iteration_blank = {
#define SG_ITERATION(type, name, ...) .name = BLANK(type),
#define SG_FOLDED(type, name, ...)    .name = BLANK(type),
#include "results/columns.def"
};
const sg_summary_record sg_summary_blank = {
#define SG_SUMMARY(type, name, ...)                           .name = BLANK(type),
#define SG_FOLDED(type, name, unit, meaning, fold, kept, ...) .kept = NAN,
#include "results/columns.def"
};

const sg_column *sg_columns_of(const char *table) {
  const sg_column *c = column;
  while (c->table && strcmp(c->table, table) != 0) c++;
  return c->table ? c : NULL;
}

const sg_column *sg_column_after(const sg_column *c) {
  const char *next = c[1].table;
  /* Equal texts are mostly one: rows of results are bound with this. */
  return next && (next == c->table || !strcmp(next, c->table)) ? c + 1 : NULL;
}

const sg_column *sg_members_of(const char *table) {
  const sg_column *c = sg_columns_of(table);
  while (c && c->place < 0) c = sg_column_after(c);
  return c;
}

/* A view may show a column of any table; what is called the same in two tables means the same
 * there, but where the earlier row says it better. */
const sg_column *sg_column_find(const char *table, const char *name) {
  const sg_column *elsewhere = NULL;
  for (const sg_column *c = column; c->name; c++) {
    if (sqlite3_stricmp(c->name, name) != 0) continue;
    if (strcmp(c->table, table) == 0) return c;
    if (!elsewhere) elsewhere = c;
  }
  return elsewhere;
}

/* --- Records ---------------------------------------------------------------------------------- */

double sg_column_number(const sg_column *c, const void *record) {
  const void *at = (const char *)record + c->place;
  switch (c->kind) {
  case SG_COLUMN_BOOL: return *(const bool *)at;
  case SG_COLUMN_INT:
    return c->none_below_0 && *(const int *)at < 0 ? NAN : (double)*(const int *)at;
  case SG_COLUMN_LONG:
    return c->none_below_0 && *(const int64_t *)at < 0 ? NAN : (double)*(const int64_t *)at;
  case SG_COLUMN_REAL: return *(const double *)at;
  case SG_COLUMN_TEXT:
  case SG_COLUMN_SEED: break;
  }
  return NAN;
}

void sg_column_set_number(const sg_column *c, void *record, double x) {
  void *at = (char *)record + c->place;
  double whole = isnan(x) ? (c->none_below_0 ? -1 : 0) : x;
  switch (c->kind) {
  case SG_COLUMN_BOOL: *(bool *)at = whole != 0; break;
  case SG_COLUMN_INT: *(int *)at = (int)whole; break;
  case SG_COLUMN_LONG: *(int64_t *)at = (int64_t)whole; break;
  case SG_COLUMN_REAL: *(double *)at = x; break;
  case SG_COLUMN_TEXT:
  case SG_COLUMN_SEED: break;
  }
}

static bool is_text(const sg_column *c) {
  return c->kind == SG_COLUMN_TEXT || c->kind == SG_COLUMN_SEED;
}

static void bind_integer(sqlite3_stmt *s, int index, const sg_column *c, int64_t x) {
  if (c->none_below_0 && x < 0)
    sqlite3_bind_null(s, index);
  else
    sqlite3_bind_int64(s, index, x);
}

/* SQLite takes NAN, as a text that is not there, for NULL. */
int sg_bind_members(sqlite3_stmt *s, int index, const sg_column *c, const void *record) {
  char digits[24];
  bool kept = true;
  for (; c; c = sg_column_after(c), index++) {
    const void *at = (const char *)record + c->place;
    switch (c->kind) {
    case SG_COLUMN_BOOL: sqlite3_bind_int(s, index, *(const bool *)at); break;
    case SG_COLUMN_INT: bind_integer(s, index, c, *(const int *)at); break;
    case SG_COLUMN_LONG: bind_integer(s, index, c, *(const int64_t *)at); break;
    case SG_COLUMN_REAL: sqlite3_bind_double(s, index, *(const double *)at); break;
    case SG_COLUMN_TEXT:
      sqlite3_bind_text(s, index, *(const char *const *)at, -1, SQLITE_STATIC);
      break;
    case SG_COLUMN_SEED:
      snprintf(digits, sizeof digits, "%llu", (unsigned long long)*(const uint64_t *)at);
      kept &= sqlite3_bind_text(s, index, digits, -1, SQLITE_TRANSIENT) == SQLITE_OK;
      break;
    }
  }
  return kept ? index : 0;
}

bool sg_read_record(sqlite3_stmt *s, int index, const char *table, void *record) {
  bool kept = true;
  for (const sg_column *c = sg_members_of(table); c; c = sg_column_after(c), index++) {
    void *at = (char *)record + c->place;
    const char *text = (const char *)(is_text(c) ? sqlite3_column_text(s, index) : NULL);
    if (!text && c->rule && strncmp(c->rule, "NOT NULL", 8) == 0) text = ""; /* damaged */
    bool null = sqlite3_column_type(s, index) == SQLITE_NULL;
    if (c->kind == SG_COLUMN_TEXT) {
      *(char **)at = text ? strdup(text) : NULL;
      kept &= !text || *(char **)at;
    } else if (c->kind == SG_COLUMN_SEED) {
      *(uint64_t *)at = text ? strtoull(text, NULL, 10) : 0;
    } else {
      sg_column_set_number(c, record, null ? NAN : sqlite3_column_double(s, index));
    }
  }
  return kept;
}

void sg_record_clear(const char *table, void *record) {
  for (const sg_column *c = sg_members_of(table); c; c = sg_column_after(c)) {
    char **text = (char **)((char *)record + c->place);
    if (c->kind != SG_COLUMN_TEXT) continue;
    free(*text);
    *text = NULL;
  }
}

/* --- SQL -------------------------------------------------------------------------------------- */

sg_status sg_db_prepare_insert(sg_db *db, const char *table, const char *suffix, sqlite3_stmt **out,
                               sg_error *e) {
  sg_buffer sql = {0};
  int given = 0;
  sg_putf(&sql, "INSERT INTO %s", table);
  for (const sg_column *c = sg_columns_of(table); c; c = sg_column_after(c))
    if (c->place != SG_PLACE_NONE) sg_putf(&sql, "%s%s", given++ ? ", " : " (", c->name);
  for (int i = 0; i < given; i++) sg_put(&sql, i ? ", ?" : ") VALUES (?");
  sg_putf(&sql, ")%s", suffix);
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, out, e);
  sg_buffer_free(&sql);
  return status;
}

int sg_put_members(const char *table, const char *prefix, sg_buffer *out) {
  int given = 0;
  for (const sg_column *c = sg_members_of(table); c; c = sg_column_after(c))
    sg_putf(out, "%s%s%s", given++ ? ", " : "", prefix, c->name);
  return given;
}

void sg_put_shown(unsigned mask, sg_buffer *out) {
  for (const sg_column *c = column; c->name; c++)
    if (c->shown & mask) sg_putf(out, ", %s", c->name);
}

static void put_table(const char *table, const char *rules, sg_buffer *out) {
  const sg_column *first = sg_columns_of(table);
  sg_putf(out, "CREATE TABLE %s (", table);
  for (const sg_column *c = first; c; c = sg_column_after(c)) {
    bool real = c->kind == SG_COLUMN_REAL, whole = !real && !is_text(c);
    const char *type = whole ? "INTEGER" : real ? "REAL" : "TEXT";
    const char *usual = whole && !c->none_below_0 ? "NOT NULL" : "";
    sg_putf(out, "%s\n  %s %s %s", c == first ? "" : ",", c->name, type, c->rule ? c->rule : usual);
  }
  const char *rows = strstr(rules, "PRIMARY KEY") ? ", WITHOUT ROWID" : "";
  sg_putf(out, "%s) STRICT%s;\n", rules, rows);
}

/* What v_point shows of a point, and of its runs' summaries. */
static void put_point_columns(sg_buffer *out) {
  for (const sg_column *c = sg_columns_of("point"); c; c = sg_column_after(c))
    if (c->shown & SG_IN_V_POINT) sg_putf(out, "p.%s, ", c->name);
}

static void put_summary_columns(sg_buffer *out) {
  static const char *const function[] = {
      [SG_FOLD_MEAN] = "avg", [SG_FOLD_MAX] = "max", [SG_FOLD_SUM] = "sum"};
  for (const sg_column *c = sg_columns_of("run_summary"); c; c = sg_column_after(c))
    if (c->fold == SG_FOLD_POOLED)
      sg_putf(out, "q.%s, ", c->name);
    else if (c->fold)
      sg_putf(out, "%s(s.%s) AS %s, ", function[c->fold], c->name, c->name);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char schema[] =
#include "schema.inc"
    ;
#pragma GCC diagnostic pop

void sg_put_schema(sg_buffer *out) {
  for (int i = 0; tables[i].name; i++) put_table(tables[i].name, tables[i].rules, out);
  const char *at = schema;
  for (const char *brace; (brace = strchr(at, '{')); at = strchr(brace, '}') + 1) {
    sg_put_bytes(out, at, (size_t)(brace - at));
    if (!strncmp(brace, "{point}", 7))
      put_point_columns(out);
    else
      put_summary_columns(out);
  }
  sg_put(out, at);
}
