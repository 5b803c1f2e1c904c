/* SPDX-License-Identifier: MIT */
/* The command blame: who makes the others wait, of a trace or of a database with rows of workers.
 */
#include "models/times/trace.h"
#include "results/answers/blame.h"
#include "results/pictures/svg.h"
#include "sim/cli/command.h"
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { SHOWN = 20, ESSENTIAL = 7, DIGITS = 4 }; /* rows on a terminal, columns at least */
/* Of a block: with fewer, intervals were found to be too narrow. */
static const double FEW_ITERATIONS = 10, LEAST_WAIT = 0.005;

/* What is asked about, and the answer. */
typedef struct blaming {
  sg_trace *trace; /* NULL: a database */
  sg_blame_source source;
  sg_arrivals arrivals;
  sg_blame found;
  const char *unit; /* "s"; NULL: the trace's own */
  const char *path;
} blaming;

static void clear(blaming *b) {
  sg_blame_clear(&b->found);
  sg_blame_source_clear(&b->source);
  free(b->arrivals.time);
  sg_trace_free(b->trace);
}

static long long name_of(const blaming *b, int worker) {
  return b->arrivals.name ? b->arrivals.name[worker] : worker;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* A result is there when it is computed and sent. */
static sg_status take_trace(blaming *b, sg_error *e) {
  const sg_trace *t = b->trace;
  size_t n = (size_t)t->iterations * (size_t)t->workers;
  b->arrivals =
      (sg_arrivals){.workers = t->workers, .iterations = t->iterations, .name = t->worker_name};
  b->unit = t->seconds ? "s" : NULL;
  if (!(b->arrivals.time = malloc(n * sizeof *b->arrivals.time))) return sg_fail_memory(e);
  for (size_t i = 0; i < n; i++) b->arrivals.time[i] = t->compute[i] + (t->send ? t->send[i] : 0);
  return SG_OK;
}

static sg_status read_trace(const char *path, const sg_args *a, blaming *b, sg_error *e) {
  static const char *const of_databases[] = {"scheme", "filter"};
  const char *workers = sg_args_text(a, "workers");
  for (int i = 0; i < 2; i++)
    if (sg_args_given(a, of_databases[i]))
      return sg_fail(e, SG_USAGE, NULL, "--%s chooses in a result database; %s is a trace",
                     of_databases[i], path);
  SG_OWNED char *text = NULL;
  size_t length;
  sg_status status = SG_OK;
  if (strcmp(path, "-") != 0)
    status = sg_trace_read(path, &b->trace, e);
  else if (!(status = sg_read_input(path, &text, &length, e)))
    status = sg_trace_parse(path, text, length, &b->trace, e);
  if (!status && workers) status = sg_trace_select(b->trace, workers, e);
  return status ? status : take_trace(b, e);
}

static sg_status read_database(const char *path, const sg_args *a, blaming *b, sg_error *e) {
  const sg_arg *filter = sg_args_find(a, "filter");
  const sg_figure_request r = {
      .scheme = sg_args_text(a, "scheme"), .n_filters = filter->count, .filter = filter->item};
  sg_db *db = NULL;
  if (sg_args_given(a, "workers"))
    return sg_fail(e, SG_USAGE, NULL, "--workers chooses in a trace; %s is a result database",
                   path);
  sg_status status = sg_db_open(path, SG_OPEN_READ, &db, e);
  if (!status) status = sg_blame_read(db, &r, &b->source, &b->arrivals, e);
  if (db) sg_db_close(db, NULL);
  b->unit = "s";
  return status;
}

/* Files of SQLite say so in their first bytes. */
static bool is_database(const char *path) {
  static const char magic[] = "SQLite format 3";
  char head[sizeof magic];
  FILE *f = strcmp(path, "-") != 0 ? fopen(path, "rb") : NULL;
  bool is = f && fread(head, 1, sizeof head, f) == sizeof head && !memcmp(head, magic, sizeof head);
  if (f) fclose(f);
  return is;
}

/* --- The table -------------------------------------------------------------------------------- */

static const char *const verdicts[] = {"undecided", "keep", "evict", "–"};

static void put_pace(const blaming *b, const sg_blamed *w, sg_table *t) {
  double bound = b->found.n / (b->found.n - 1.0);
  sg_buffer cell = {0};
  if (!isnan(w->evict.low))
    sg_putf(&cell, "%.3g [%.3g, %.3g]", w->evict.ratio / bound, w->evict.low / bound,
            w->evict.high / bound);
  sg_table_buffer(t, &cell);
}

static double pct_last(const blaming *b, const sg_blamed *w) {
  return 100 * (double)w->times_last / (double)b->found.iterations;
}

static void put_row_of_people(const blaming *b, const sg_blamed *w, sg_table *t) {
  bool complete = b->found.complete;
  sg_table_integer(sg_table_at(t, "worker"), name_of(b, w->worker));
  sg_table_integer(sg_table_at(t, "last"), w->times_last);
  sg_table_number(sg_table_at(t, "last %"), pct_last(b, w), 3);
  sg_table_number(sg_table_at(t, b->unit ? "wait (s)" : "wait"), w->wait_s, DIGITS);
  if (!complete) sg_table_integer(sg_table_at(t, "not waited for"), w->times_missing);
  if (!complete) return;
  sg_table_number(sg_table_at(t, "slowdown"), w->slowdown, DIGITS);
  sg_table_number(sg_table_at(t, "blame %"), 100 * w->score, 3);
  sg_table_text(sg_table_at(t, "verdict"), verdicts[w->keep]);
  put_pace(b, w, sg_table_at(t, "evicted × [95 %]"));
  sg_table_number(sg_table_at(t, "mended %"), 100 * w->recovered, 3);
}

static void put_row_of_data(const blaming *b, const sg_blamed *w, sg_table *t) {
  const double bound = b->found.n / (b->found.n - 1.0);
  sg_table_integer(sg_table_at(t, "worker"), name_of(b, w->worker));
  sg_table_integer(sg_table_at(t, "times_arrived_last"), w->times_last);
  sg_table_number(sg_table_at(t, "pct_arrived_last"), pct_last(b, w), DIGITS);
  sg_table_number(sg_table_at(t, b->unit ? "wait_caused_s" : "wait_caused"), w->wait_s, DIGITS);
  sg_table_integer(sg_table_at(t, "times_not_waited_for"), w->times_missing);
  sg_table_number(sg_table_at(t, "slowdown"), w->slowdown, DIGITS);
  sg_table_number(sg_table_at(t, "pct_recovered"), 100 * w->recovered, DIGITS);
  sg_table_number(sg_table_at(t, "pct_blame"), 100 * w->score, DIGITS);
  sg_table_number(sg_table_at(t, "time_over_without"), w->evict.ratio, DIGITS);
  sg_table_number(sg_table_at(t, "time_over_without_low"), w->evict.low, DIGITS);
  sg_table_number(sg_table_at(t, "time_over_without_high"), w->evict.high, DIGITS);
  sg_table_number(sg_table_at(t, "evict_above"), bound, DIGITS);
  sg_table_text(sg_table_at(t, "verdict"), w->keep == SG_BLAME_UNKNOWN ? NULL : verdicts[w->keep]);
}

static sg_table *make_table(const blaming *b, sg_format format, int rows) {
  sg_table *t = sg_table_new(0, NULL);
  for (int i = 0; t && i < rows; i++)
    (format == SG_FORMAT_TEXT ? put_row_of_people : put_row_of_data)(b, &b->found.worker[i], t);
  return t;
}

/* --- Words ------------------------------------------------------------------------------------ */

static const char *plural(long n) {
  return n == 1 ? "" : "s";
}

static void put_head(const blaming *b, sg_buffer *out) {
  const sg_blame *f = &b->found;
  if (b->trace)
    sg_putf(out, "%s: ", b->path);
  else
    sg_putf(out, "%s%s%s: ", b->source.label, *b->source.panel ? ", " : "", b->source.panel);
  sg_putf(out, "%d workers × %ld iteration%s", f->n, f->iterations, plural(f->iterations));
  if (!b->trace && b->source.replay)
    sg_put(out, " of one run (replayed times: all are the same)");
  else if (!b->trace)
    sg_putf(out, " of %d run%s", b->source.runs, plural(b->source.runs));
  if (!b->trace && b->source.of > 1)
    sg_putf(out, "; %d more scheme%s rows of workers (--scheme, --filter)", b->source.of - 1,
            b->source.of == 2 ? " has" : "s have");
}

static void put_time(const blaming *b, double seconds, sg_buffer *out) {
  sg_putf(out, "%.4g%s", seconds / (double)b->found.iterations, b->unit ? " s" : "");
}

static void put_names(const blaming *b, sg_eviction keep, sg_buffer *out) {
  enum { NAMED = 12 };
  int n = 0;
  for (int i = 0; i < b->found.n; i++) {
    const sg_blamed *w = &b->found.worker[i];
    if (w->keep != keep) continue;
    if (n < NAMED) sg_putf(out, "%s%lld", n ? ", " : "", name_of(b, w->worker));
    n++;
  }
  if (n > NAMED) sg_putf(out, " and %d more", n - NAMED);
}

static int count(const sg_blame *f, sg_eviction keep) {
  int n = 0;
  for (int i = 0; i < f->n; i++) n += f->worker[i].keep == keep;
  return n;
}

static void put_waiting(const blaming *b, sg_buffer *out) {
  const sg_blame *f = &b->found;
  double late = f->whole_s - f->median_s;
  sg_put(out, "The last worker comes after ");
  put_time(b, f->whole_s, out);
  sg_put(out, " on average, the median one after ");
  put_time(b, f->median_s, out);
  if (late < LEAST_WAIT * f->whole_s) {
    sg_put(out, ": nobody waits long. Times that were taken behind a barrier, which hides who was "
                "late, look like this (`straggle fit` knows more).");
    return;
  }
  sg_putf(out,
          ". Of the time between, worker %lld is to blame for %.3g %% (an even share is %.3g %%). "
          "Were the slowest 3 %% (worker%s",
          name_of(b, f->worker[0].worker), 100 * f->worker[0].score, 100.0 / f->n,
          plural(f->n_slowest));
  for (int k = 0; k < f->n_slowest && k < 5; k++)
    sg_putf(out, "%s %lld", k ? "," : "", name_of(b, f->slowest[k]));
  if (f->n_slowest > 5) sg_putf(out, " and %d more", f->n_slowest - 5);
  sg_putf(out, ") median workers, %.3g %% of it would be saved: ", 100 * f->recovered);
  put_time(b, f->whole_s - f->recovered * late, out);
  sg_putf(out, " an iteration instead of ");
  put_time(b, f->whole_s, out);
  sg_put(out, ".");
}

static void put_verdict(const blaming *b, sg_buffer *out) {
  const sg_blame *f = &b->found;
  int evict = count(f, SG_BLAME_EVICT), undecided = count(f, SG_BLAME_UNDECIDED);
  if (count(f, SG_BLAME_UNKNOWN)) {
    sg_putf(out, "Keep or evict: not known from fewer than %d iterations.", 2 * SG_BLOCKS);
    return;
  }
  if (evict) {
    sg_put(out, "Evict ");
    put_names(b, SG_BLAME_EVICT, out);
    sg_putf(out,
            ": without %s the others would be done sooner, although they had %d/%d of the "
            "work%s.",
            evict > 1 ? "each of them, by itself," : "it", f->n, f->n - 1,
            evict > 1 ? " (evict one, and look again)" : "");
  } else {
    sg_putf(out, "Evict none: ");
    sg_put(out, undecided ? "of none is it certain that" : "without");
    sg_putf(out, "%s the others, with %d/%d of the work, would be done %s.",
            undecided ? " without it" : " any of them", f->n, f->n - 1,
            undecided ? "sooner" : "later");
  }
  if (undecided) {
    sg_put(out, " Undecided: ");
    put_names(b, SG_BLAME_UNDECIDED, out);
    sg_put(out, ".");
  }
  if (f->alpha < 0.05)
    sg_putf(out, " All %d intervals hold together at 95 %%.", f->n);
  else
    sg_putf(out,
            " Each verdict is wrong in up to 2.5 %% of cases by itself: of %d up to about %.2g; "
            "--simultaneous holds all together.",
            f->n, 0.025 * f->n);
}

static void put_loads(const blaming *b, sg_buffer *out) {
  const sg_trace *t = b->trace;
  bool differ = false;
  for (size_t i = 1; t && t->load && i < (size_t)t->iterations * (size_t)t->workers; i++)
    differ |= t->load[i] != t->load[0];
  if (differ)
    sg_put(out, "Warning: the loads of the trace differ, and with them the times: a worker is "
                "blamed for what it was given.");
}

static void put_memory(const blaming *b, sg_buffer *out) {
  if (b->found.effective < FEW_ITERATIONS)
    sg_putf(
        out,
        "Warning: intervals are from %d blocks, and one of them is worth %.2g independent "
        "iterations: they may be too narrow, and up to about 5 %% of \"keep\" false where there "
        "are 5, more where fewer (docs/blame.md). Longer series help.",
        SG_BLOCKS, b->found.effective);
}

static void put_missing(const blaming *b, sg_buffer *out) {
  long missing = 0;
  for (int i = 0; i < b->found.n; i++) missing += b->found.worker[i].times_missing;
  sg_putf(out,
          "%s does not wait for all: %.3g %% of the arrivals were not waited for. What a worker "
          "costs those who wait for it is known only of schemes that "
          "wait for all, such as uncoded; equal environments have equal delays.",
          b->source.label, 100.0 * (double)missing / ((double)b->found.iterations * b->found.n));
}

static void put_legend(const blaming *b, sg_buffer *out) {
  sg_put(out,
         "last: iterations in which nobody came later; wait: from the arrival before it to its "
         "own, where it was last");
  if (b->found.complete)
    sg_put(out,
           "; slowdown: of all, were every other worker a median one; blame: share of the time "
           "after the median worker (Shapley value); evicted: how much faster the others "
           "would be without it, with its work; mended: share of that time saved, were it a "
           "median worker");
  sg_put(out, ".");
}

typedef void sentence(const blaming *b, sg_buffer *out);

/* In lines of the terminal, without what may not reach one. */
static void put_paragraph(sentence *says, const blaming *b, sg_buffer *out) {
  int width = sg_terminal_width();
  sg_buffer text = {0}, clean = {0};
  says(b, &text);
  if (text.length) sg_put_clean(&clean, text.data, text.length, "", '?');
  if (clean.length) sg_put_wrapped(out, "", "", clean.data, width < 100 ? width : 100);
  out->failed |= text.failed || clean.failed;
  sg_buffer_free(&text);
  sg_buffer_free(&clean);
}

static void put_text(const blaming *b, sg_buffer *out) {
  int rows = isatty(STDOUT_FILENO) && b->found.n > SHOWN ? SHOWN : b->found.n;
  sg_table *t = make_table(b, SG_FORMAT_TEXT, rows);
  put_paragraph(put_head, b, out);
  sg_put(out, "\n");
  if (t) sg_table_narrow(t, sg_terminal_width(), ESSENTIAL);
  sg_put_table(t, SG_FORMAT_TEXT, out);
  if (rows < b->found.n) sg_putf(out, "… %d more\n", b->found.n - rows);
  sg_put(out, "\n");
  if (b->found.complete) put_paragraph(put_waiting, b, out);
  put_paragraph(b->found.complete ? put_verdict : put_missing, b, out);
  put_paragraph(put_loads, b, out);
  put_paragraph(put_memory, b, out);
  sg_put(out, "\n");
  put_paragraph(put_legend, b, out);
}

/* What is true of all workers, and an array of them. */
static void put_json(const blaming *b, sg_buffer *out) {
  const sg_blame *f = &b->found;
  sg_put(out, "{");
  if (!b->trace) sg_put_json_text_member(out, "scheme_label", b->source.label);
  if (!b->trace) sg_put_json_number_member(out, "point_id", (double)b->source.point_id);
  sg_put_json_text_member(out, "unit", b->unit ? b->unit : b->trace->unit);
  SG_PUT_NUMBERS(out, {"n_workers", f->n}, {"iterations", (double)f->iterations},
                 {"last_arrival_sum", f->whole_s}, {"median_arrival_sum", f->median_s},
                 {"pct_recovered_slowest", 100 * f->recovered}, {"alpha", f->alpha},
                 {"effective_iterations", f->effective});
  sg_put_json_raw_member(out, "slowest_workers", "[");
  for (int k = 0; k < f->n_slowest; k++)
    sg_putf(out, "%s%lld", k ? ", " : "", name_of(b, f->slowest[k]));
  sg_put(out, "]");
  sg_put_json_raw_member(out, "workers", "");
  sg_put_table(make_table(b, SG_FORMAT_JSON, f->n), SG_FORMAT_JSON, out);
  sg_put(out, "}\n");
}

/* --- The command ------------------------------------------------------------------------------ */

static sg_status draw(const blaming *b, const char *path, sg_error *e) {
  sg_chart c = {0};
  sg_buffer svg = {0};
  sg_status status = sg_blame_chart(&b->arrivals, &b->found, b->unit, &c, e);
  if (!status) sg_put_chart_svg(&c, NULL, &svg);
  if (!status) status = svg.failed ? sg_fail_memory(e) : sg_write_file(path, &svg, e);
  sg_buffer_free(&svg);
  sg_chart_clear(&c);
  return status;
}

static int run(const sg_call *call) {
  const sg_args *a = call->args;
  const char *path = a->word[0], *svg = sg_args_text(a, "svg");
  sg_format format = sg_args_format(a);
  sg_error e = {0};
  sg_buffer out = {0};
  blaming b = {.path = path};
  sg_status status = (is_database(path) ? read_database : read_trace)(path, a, &b, &e);
  if (!status) status = sg_blame_find(&b.arrivals, sg_args_given(a, "simultaneous"), &b.found, &e);
  if (!status && svg) status = draw(&b, svg, &e);
  if (!status && format == SG_FORMAT_TEXT)
    put_text(&b, &out);
  else if (!status && format == SG_FORMAT_JSON)
    put_json(&b, &out);
  else if (!status)
    sg_put_table(make_table(&b, format, b.found.n), format, &out);
  int code = status ? sg_say_faults(call->command->name, status, &e) : sg_print(&out);
  sg_buffer_free(&out);
  sg_error_clear(&e);
  clear(&b);
  return code;
}

const sg_command sg_cmd_blame = {
    .name = "blame",
    .summary = "Say which workers make the others wait.",
    .operands = {SG_OPERAND_FILE("DB | TRACE", "a result database or a trace")},
    .options = {SG_OPTION_ROW("scheme", 0, TEXT, "NAME",
                              "of a database: a scheme by its code or label; one that waits for "
                              "all, if there is one"),
                SG_OPTION_ROW("filter", 0, LIST, "CONDITION",
                              "of a database: only points like this, such as \"n = 20\"; may be "
                              "repeated"),
                SG_OPTION_ROW("workers", 0, TEXT, "LIST",
                              "of a trace: only these workers, such as 0-7,12"),
                SG_OPTION_ROW_FLAG("simultaneous", 's',
                                   "95 % for the intervals of all workers together (Bonferroni)"),
                SG_OPTION_ROW("svg", 0, FILE, "FILE.svg",
                              "draws how late each worker was in each iteration"),
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed")},
    .text = {"Of measured times, or of a run with rows of workers (\"output\": {\"detail\": "
             "\"worker\"}): who arrives last and makes the others wait, what it would help to mend "
             "or evict a worker. A worker is evicted if the others would be faster without it, "
             "although each has n/(n - 1) of the work then. The trace - is standard input."},
    .examples = {{"blame scenarios/traces/persistent.csv",
                  "Who is slow in these measurements, and whom to do without"},
                 {"blame my.db --scheme uncoded --svg lateness.svg",
                  "A picture, worker by iteration, of a run with rows of workers"}},
    .run = run};
