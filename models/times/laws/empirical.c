/* SPDX-License-Identifier: MIT */
/* Measured times, each equally likely: a list in the scenario, or a column of a CSV file.
 *
 * Their order is not used. Times that belong together in iterations are a trace (../times.h). */
#include "models/times/laws/laws.h"
#include "sim/core/array.h"
#include "sim/core/csv.h"
#include "sim/core/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct empirical {
  long count;
  double mean, variance;
  double *time; /* count values, ascending */
} empirical;
FITS(empirical);

static const sg_param value_item[] = {SG_ROW_REAL("value", 0, SG_UNBOUNDED, "A time, in seconds."),
                                      {0}};

static const sg_param params[] = {
    SG_ROW_LIST("values_s", value_item, 1, 10000000, "The times, in seconds; or path.",
                .flags = SG_OPTIONAL),
    SG_ROW("path", SG_TEXT,
           "A CSV file with the times, in seconds, in a column; relative to the scenario file. "
           "Lines that begin with # are passed over.",
           .flags = SG_OPTIONAL | SG_IS_PATH),
    SG_ROW("column", SG_TEXT,
           "With path: the name of the column in the file's first line; absent: the file has one "
           "column of times (seconds), with or without a name.",
           .flags = SG_OPTIONAL),
    {0}};

static bool add(empirical *x, size_t *room, double t) {
  if (!SG_ROOM(x->time, *room, x->count + 1)) return false;
  x->time[x->count++] = t;
  return true;
}

/* Whether a text that is no number stands in the place of one ("1000 s", "1,5", "NA"). */
static bool like_number(sg_csv_field f) {
  static const char *const missing[] = {"NA", "N/A", "#N/A", "n/a", "null", "NULL", "None", "?"};
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
    if (sg_csv_is(f, missing[i])) return true;
  return f.length == 0 || memchr("0123456789+-.", *f.text, 13);
}

/* The field with a name; −1 with a fault if there is none, or more than one. */
static int find_column(sg_csv *r, const char *name) {
  int found = -1;
  for (int i = 0; i < r->count; i++) {
    if (!sg_csv_is(r->field[i], name)) continue;
    if (found >= 0) {
      sg_csv_fault(r, i, "two columns are named \"%s\"", name);
      return -1;
    }
    found = i;
  }
  if (found < 0) {
    sg_buffer list = {0};
    sg_csv_put_columns(r, name, &list);
    sg_csv_fault(r, -1, "expected a header with the column \"%s\" that \"column\" names%s", name,
                 list.failed ? "" : list.data);
    sg_buffer_free(&list);
  }
  return found;
}

/* Which field of the records has the times, and whether the first record is a header. With a fault
 * it is −1. */
static int read_header(sg_csv *r, const char *name, bool *header) {
  double t;
  *header = true;
  if (name) return find_column(r, name);
  *header = !sg_csv_number(r, 0, &t);
  if (r->count > 1)
    sg_csv_fault(r, 1, "expected one column, or \"column\" in the scenario, found %d", r->count);
  else if (*header && like_number(r->field[0]))
    sg_csv_expected(r, 0, "a time ≥ 0 or a name");
  else if (sg_csv_is(r->field[0], "0"))
    sg_csv_expected(r, 0, "a name or a time > 0 in the first line (pandas names a column so)");
  return r->count > 1 ? -1 : 0;
}

static sg_status read_times(empirical *x, sg_csv *r, const char *name) {
  int column = -1, columns = 0;
  size_t room = 0;
  for (bool first = true, header;; first = false) {
    double t;
    sg_status status = sg_csv_next(r);
    if (status == SG_INVALID && !first) continue; /* it is counted */
    if (status) return status;
    if (r->count == 0) break;
    if (first) {
      column = read_header(r, name, &header);
      if (column < 0) return SG_INVALID;
      columns = r->count;
      if (header) continue;
    }
    if (!sg_csv_has(r, columns)) continue;
    if (!sg_csv_number(r, column, &t) || !sg_csv_is_usable(t) || t < 0)
      sg_csv_expected(r, column, "a time ≥ 0");
    else if (!add(x, &room, t))
      return sg_fail_memory(r->e);
  }
  if (x->count == 0 && r->faults == 0) sg_csv_fault(r, -1, "expected times, found none");
  return SG_OK;
}

static sg_status read_file(empirical *x, const sg_values *values, sg_error *e) {
  const char *path = sg_text(values, "path");
  char *text = NULL;
  size_t length = 0;
  sg_status status = sg_read_file(path, values->pointer, &text, &length, e);
  if (status) return status;
  sg_csv r = {.name = path, .separator = ',', .comment = sg_csv_skip, .e = e};
  sg_csv_text(&r, text, length);
  status = read_times(x, &r, sg_given(values, "column") ? sg_text(values, "column") : NULL);
  sg_status faults = sg_csv_end(&r);
  free(text);
  return status ? status : faults;
}

static void clear(sg_law_state *state) {
  empirical *x = (empirical *)state;
  free(x->time);
  *x = (empirical){0};
}

static sg_status init(sg_law_state *state, const sg_values *values, sg_error *e) {
  empirical *x = (empirical *)state;
  size_t room = 0;
  bool list = sg_given(values, "values_s"), file = sg_given(values, "path");
  if (list == file)
    return sg_fail_at(e, values, NULL, "expected either values_s or path, found %s",
                      list ? "both" : "neither");
  if (!file && sg_given(values, "column"))
    return sg_fail_at(e, values, "column", "a column is of a file: expected a path");
  for (int i = 0; i < sg_count(values, "values_s"); i++)
    if (!add(x, &room, sg_item(values, "values_s", i)->number)) return sg_fail_memory(e);
  sg_status status = file ? read_file(x, values, e) : SG_OK;
  if (status) return status;
  sg_sort_doubles(x->time, (size_t)x->count);
  for (long i = 0; i < x->count; i++) x->mean += x->time[i] / (double)x->count;
  for (long i = 0; i < x->count; i++) {
    double d = x->time[i] - x->mean;
    x->variance += d * d / (double)x->count;
  }
  return SG_OK;
}

static double at(const sg_law_state *state, double u) {
  const empirical *x = (const empirical *)state;
  return x->time[(long)(u * (double)x->count)];
}

static double mean(const sg_law_state *state) {
  return ((const empirical *)state)->mean;
}

static double variance(const sg_law_state *state) {
  return ((const empirical *)state)->variance;
}

static double cdf(const sg_law_state *state, double t) {
  const empirical *x = (const empirical *)state;
  return (double)sg_law_rank(x->time, x->count, t) / (double)x->count;
}

static double tail(const sg_law_state *state, double t) {
  const empirical *x = (const empirical *)state;
  return (double)(x->count - sg_law_rank(x->time, x->count, t)) / (double)x->count;
}

static double density(const sg_law_state *state, double t) {
  return 0;
}

static double quantile(const sg_law_state *state, double p) {
  const empirical *x = (const empirical *)state;
  long i = (long)ceil(p * (double)x->count) - 1;
  return x->time[i < 0 ? 0 : i >= x->count ? x->count - 1 : i];
}

/* Equal times are atoms of their own: their probabilities add up. */
static bool atom(const sg_law_state *state, int i, double *time, double *probability) {
  const empirical *x = (const empirical *)state;
  if (i >= x->count) return false;
  *time = x->time[i];
  *probability = 1 / (double)x->count;
  return true;
}

const sg_law_type sg_law_empirical = {
    .about = {.name = "empirical",
              .summary = "Measured times, each equally likely, drawn independently.",
              .params = params},
    .formula = {"share of values > t", "mean of the values", "Σ (value − mean)²/count"},
    .init = init,
    .clear = clear,
    .at = at,
    LAW_FUNCTIONS,
    .atom = atom};
