/* SPDX-License-Identifier: MIT */
/* Reading traces, and how long their memory is. */
#include "models/times/trace.h"

#include "sim/core/array.h"
#include "sim/core/csv.h"
#include "sim/core/elementary.h"
#include "sim/core/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 64 };
enum { ITERATION, WORKER, COMPUTE, SEND, LOAD, COLUMNS };
#define MOST_NUMBER  9007199254740992.0 /* 2^53 */
#define MOST_WORKERS 1000000

static const char *const column_names[] = {"iteration", "worker", "compute_s",
                                           "send_s",    "load",   NULL};

typedef struct row {
  double value[COLUMNS]; /* 0 where there is no such column, a load of 1 */
  long line;
} row;

typedef struct reader {
  sg_csv csv;
  int columns;            /* of the header; 0 before it */
  int role[MOST_COLUMNS]; /* ITERATION … LOAD */
  bool has[COLUMNS];
  row *row;
  size_t count, capacity;
  sg_trace *trace;
} reader;

/* --- Lines ------------------------------------------------------------------------------------ */

/* A copy without the white space and one pair of quotes around it; what is not UTF-8 is cut off. */
static char *trimmed(const char *at, const char *end) {
  while (at < end && isspace((unsigned char)*at)) at++;
  while (end > at && isspace((unsigned char)end[-1])) end--;
  if (end - at >= 2 && *at == '"' && end[-1] == '"') at++, end--;
  return strndup(at, sg_utf8_valid(at, (size_t)(end - at)));
}

/* "# name: value" */
static bool comment(void *context, const char *at, size_t length) {
  sg_trace *t = ((reader *)context)->trace;
  const char *end = at + length, *colon = memchr(at, ':', length);
  static const char *const names[] = {"source", "licence", "license", "unit"};
  char **places[] = {&t->source, &t->licence, &t->licence, &t->unit};
  if (!colon) return true;
  char *name = trimmed(at, colon);
  bool ok = name;
  for (int i = 0; ok && i < 4; i++) {
    if (strcasecmp(name, names[i]) != 0) continue;
    free(*places[i]);
    *places[i] = trimmed(colon + 1, end);
    ok = *places[i];
  }
  free(name);
  return ok;
}

static void header(reader *r) {
  sg_csv *csv = &r->csv;
  r->columns = csv->count;
  if (csv->count > MOST_COLUMNS) {
    sg_csv_fault(csv, MOST_COLUMNS, "expected at most %d columns, found %d", MOST_COLUMNS,
                 csv->count);
    return;
  }
  for (int i = 0; i < csv->count; i++) {
    int c = 0;
    while (c < COLUMNS && !sg_csv_is(csv->field[i], column_names[c])) c++;
    r->role[i] = c;
    if (sg_csv_is_unnamed(csv->field[i])) {
      sg_csv_fault(csv, i,
                   "expected the name of a column, found none, as pandas writes an index: "
                   "leave it out (index=False)");
    } else if (c == COLUMNS) {
      char name[64];
      snprintf(name, sizeof name, "%.*s", (int)csv->field[i].length, csv->field[i].text);
      name[sg_utf8_valid(name, strlen(name))] = '\0';
      sg_csv_fault(csv, i,
                   "expected the columns iteration, worker, compute_s and perhaps send_s and load, "
                   "found \"%s\"%s",
                   name, sg_suggest(name, column_names).text);
    } else if (r->has[c]) {
      sg_csv_fault(csv, i, "two columns are named \"%s\"", column_names[c]);
    } else {
      r->has[c] = true;
    }
  }
  for (int c = ITERATION; c <= COMPUTE; c++)
    if (!r->has[c]) {
      sg_buffer list = {0};
      sg_csv_put_columns(csv, column_names[c], &list);
      sg_csv_fault(csv, -1, "there is no column \"%s\"%s", column_names[c],
                   list.failed ? "" : list.data);
      sg_buffer_free(&list);
    }
}

/* Whether field i is a number that its column allows. */
static bool number(reader *r, int i, int column, double *x) {
  static const char *const expected[] = {"a whole number ≥ 0", "a whole number ≥ 0", "a time > 0",
                                         "a time ≥ 0", "a whole number ≥ 1"};
  bool ok = sg_csv_number(&r->csv, i, x) && sg_csv_is_usable(*x);
  bool whole = ok && *x == floor(*x) && fabs(*x) <= MOST_NUMBER;
  switch (column) {
  case ITERATION:
  case WORKER: ok = whole && *x >= 0; break;
  case COMPUTE: ok = ok && *x > 0; break;
  case SEND: ok = ok && *x >= 0; break;
  default: ok = whole && *x >= 1; break;
  }
  if (!ok)
    sg_csv_expected(&r->csv, i, "%s in column \"%s\"", expected[column], column_names[column]);
  return ok;
}

/* false: no memory. */
static bool data_row(reader *r) {
  sg_csv *csv = &r->csv;
  if (!sg_csv_has(csv, r->columns)) return true;
  if (!SG_ROOM(r->row, r->capacity, r->count + 1)) return false;
  row *new = &r->row[r->count];
  *new = (row){.value = {[LOAD] = 1}, .line = csv->line};
  bool ok = true;
  for (int i = 0; i < csv->count && i < MOST_COLUMNS; i++)
    if (r->role[i] < COLUMNS) ok = number(r, i, r->role[i], &new->value[r->role[i]]) && ok;
  r->count += ok;
  return true;
}

static sg_status read_lines(reader *r) {
  for (;;) {
    sg_status status = sg_csv_next(&r->csv);
    if (status == SG_INVALID) continue; /* it is counted */
    if (status) return status;
    if (r->csv.count == 0) break;
    if (r->columns == 0)
      header(r);
    else if (!data_row(r))
      return sg_fail_memory(r->csv.e);
  }
  if (r->csv.faults > 0) return SG_OK;
  if (r->columns == 0)
    sg_csv_fault(&r->csv, -1, "expected a header and rows, found an empty file");
  else if (r->count == 0)
    sg_csv_fault(&r->csv, -1, "expected rows after the header, found none");
  return SG_OK;
}

/* --- The rectangle ---------------------------------------------------------------------------- */

static long long number_of(const row *x, int column) {
  return (long long)x->value[column];
}

/* The order of iterations and, within one, of workers. */
static int by_cell(const row *x, const row *y) {
  for (int c = ITERATION; c <= WORKER; c++)
    if (x->value[c] != y->value[c]) return x->value[c] < y->value[c] ? -1 : 1;
  return 0;
}

static int by_place(const void *a, const void *b) {
  const row *x = a, *y = b;
  int order = by_cell(x, y);
  return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int by_number(const void *a, const void *b) {
  long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

/* Keeps the first of each (iteration, worker). */
static void drop_duplicates(reader *r) {
  size_t kept = 0;
  for (size_t i = 0; i < r->count; i++) {
    const row *x = &r->row[i], *last = kept ? &r->row[kept - 1] : NULL;
    if (last && by_cell(last, x) == 0)
      sg_csv_fault_in(&r->csv, x->line,
                      "iteration %lld has a row for worker %lld already, in line %ld",
                      number_of(x, ITERATION), number_of(x, WORKER), last->line);
    else
      r->row[kept++] = *x;
  }
  r->count = kept;
}

/* The numbers of the workers, ascending. */
static sg_status find_workers(reader *r) {
  long long *name = malloc(r->count * sizeof *name);
  if (!name) return sg_fail_memory(r->csv.e);
  for (size_t i = 0; i < r->count; i++) name[i] = number_of(&r->row[i], WORKER);
  qsort(name, r->count, sizeof *name, by_number);
  size_t n = 0;
  for (size_t i = 0; i < r->count; i++)
    if (n == 0 || name[n - 1] != name[i]) name[n++] = name[i];
  r->trace->worker_name = name;
  r->trace->workers = n > MOST_WORKERS ? MOST_WORKERS : (int)n;
  if (n > MOST_WORKERS)
    sg_csv_fault_in(&r->csv, r->csv.line, "expected at most %d workers, found %zu", MOST_WORKERS,
                    n);
  return SG_OK;
}

/* One iteration, rows from `first` up to `last`, against the list of workers. */
static void find_gaps(reader *r, size_t first, size_t last) {
  const sg_trace *t = r->trace;
  long missing = t->workers - (long)(last - first);
  if (missing == 0) return;
  if (r->csv.faults >= SG_CSV_FAULTS) {
    r->csv.faults += missing;
    return;
  }
  size_t at = first;
  for (int w = 0; w < t->workers && missing > 0; w++) {
    if (at < last && number_of(&r->row[at], WORKER) == t->worker_name[w]) {
      at++;
      continue;
    }
    missing--;
    sg_csv_fault_in(
        &r->csv, r->row[first].line,
        "iteration %lld has no row for worker %lld; every worker needs one in every iteration: "
        "leave the iteration or the worker out",
        number_of(&r->row[first], ITERATION), t->worker_name[w]);
  }
}

static sg_status make_rectangle(reader *r) {
  sg_trace *t = r->trace;
  qsort(r->row, r->count, sizeof *r->row, by_place);
  drop_duplicates(r);
  sg_status status = find_workers(r);
  if (status) return status;
  bool whole = r->csv.faults == 0; /* else a faulty row would count as a gap as well */
  for (size_t first = 0, last; first < r->count; first = last) {
    double iteration = r->row[first].value[ITERATION];
    for (last = first; last < r->count && r->row[last].value[ITERATION] == iteration;) last++;
    if (whole) find_gaps(r, first, last);
    t->iterations++;
  }
  if (r->csv.faults > 0) return SG_OK; /* they are reported together */
  double **matrix[COLUMNS] = {[COMPUTE] = &t->compute, [SEND] = &t->send, [LOAD] = &t->load};
  for (int c = COMPUTE; c < COLUMNS; c++) {
    if (!r->has[c]) continue;
    double *x = *matrix[c] = malloc(r->count * sizeof *x);
    if (!x) return sg_fail_memory(r->csv.e);
    for (size_t i = 0; i < r->count; i++) x[i] = r->row[i].value[c];
  }
  return SG_OK;
}

/* Absent texts get their defaults. false: no memory. */
static bool complete(sg_trace *t) {
  static const char *const seconds[] = {"", "s", "sec", "second", "seconds"};
  if (!t->source) t->source = strdup("");
  if (!t->licence) t->licence = strdup("");
  if (!t->unit) t->unit = strdup("s");
  if (!t->source || !t->licence || !t->unit) return false;
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    t->seconds |= strcasecmp(t->unit, seconds[i]) == 0;
  return true;
}

sg_status sg_trace_parse(const char *name, const char *text, size_t length, sg_trace **out,
                         sg_error *e) {
  *out = NULL;
  reader r = {.csv = {.name = name, .separator = ',', .comment = comment, .context = &r, .e = e}};
  r.trace = calloc(1, sizeof *r.trace);
  if (!r.trace) return sg_fail_memory(e);
  sg_csv_text(&r.csv, text, length);
  sg_status status = read_lines(&r);
  bool header_ok = r.has[ITERATION] && r.has[WORKER] && r.has[COMPUTE];
  if (!status && header_ok && r.count > 0) status = make_rectangle(&r);
  sg_status faults = sg_csv_end(&r.csv);
  if (!status) status = faults;
  if (!status && !complete(r.trace)) status = sg_fail_memory(e);
  free(r.row);
  if (status)
    sg_trace_free(r.trace);
  else
    *out = r.trace;
  return status;
}

sg_status sg_trace_read(const char *path, sg_trace **out, sg_error *e) {
  char *text = NULL;
  size_t length = 0;
  *out = NULL;
  sg_status status = sg_read_file(path, NULL, &text, &length, e);
  if (!status) status = sg_trace_parse(path, text, length, out, e);
  free(text);
  return status;
}

/* Marks the workers from `first` to `last`; false if there is none. */
static bool mark(const sg_trace *t, long long first, long long last, bool *kept) {
  bool any = false;
  for (int w = 0; w < t->workers; w++)
    if (t->worker_name[w] >= first && t->worker_name[w] <= last) any = kept[w] = true;
  return any;
}

static void keep_columns(const sg_trace *t, const bool *kept, double *x) {
  size_t to = 0, from = 0;
  for (long i = 0; x && i < t->iterations; i++)
    for (int w = 0; w < t->workers; w++, from++)
      if (kept[w]) x[to++] = x[from];
}

sg_status sg_trace_select(sg_trace *t, const char *list, sg_error *e) {
  bool *kept = calloc((size_t)t->workers, sizeof *kept);
  if (!kept) return sg_fail_memory(e);
  bool ok = true;
  for (const char *at = list; ok;) {
    char *end;
    errno = 0;
    ok = isdigit((unsigned char)*at);
    long long first = strtoll(at, &end, 10), last = first;
    if (ok && *end == '-') {
      at = end + 1;
      ok = isdigit((unsigned char)*at);
      last = strtoll(at, &end, 10);
    }
    ok = ok && !errno && (*end == ',' || *end == '\0') && mark(t, first, last, kept);
    if (*end == '\0') break;
    at = end + 1;
  }
  if (ok) {
    int n = 0;
    keep_columns(t, kept, t->compute);
    keep_columns(t, kept, t->send);
    keep_columns(t, kept, t->load);
    for (int w = 0; w < t->workers; w++)
      if (kept[w]) t->worker_name[n++] = t->worker_name[w];
    t->workers = n;
  }
  free(kept);
  if (ok) return SG_OK;
  return sg_fail(e, SG_USAGE, "--workers",
                 "expected some of the trace's workers (%d, from %lld to %lld), such as 0-7,12; "
                 "found \"%.60s\"",
                 t->workers, (long long)t->worker_name[0],
                 (long long)t->worker_name[t->workers - 1], list);
}

void sg_trace_free(sg_trace *t) {
  if (!t) return;
  free(t->compute);
  free(t->send);
  free(t->load);
  free(t->worker_name);
  free(t->source);
  free(t->licence);
  free(t->unit);
  free(t);
}

/* --- Memory ----------------------------------------------------------------------------------- */

void sg_autocovariances(long iterations, int workers, const double *x, long lags, double *r) {
  for (long k = 0; k <= lags; k++) r[k] = 0;
  for (int w = 0; w < workers; w++) {
    double mean = 0;
    for (long i = 0; i < iterations; i++) mean += x[i * workers + w];
    mean /= (double)iterations;
    for (long k = 0; k <= lags && k < iterations; k++) {
      double sum = 0;
      for (long i = k; i < iterations; i++)
        sum += (x[i * workers + w] - mean) * (x[(i - k) * workers + w] - mean);
      r[k] += sum;
    }
  }
  for (long k = 0; k <= lags; k++) r[k] /= (double)iterations * workers;
}

/* The flat-top lag window of Politis and Romano. */
static double window(long k, long m) {
  double t = (double)k / (double)m;
  return t <= 0.5 ? 1 : t <= 1 ? 2 * (1 - t) : 0;
}

/* The smallest m behind which a run of `run` autocorrelations is within chance; without one, the
 * last lag that is not. */
static long memory_end(const double *r, long lags, long run, double chance) {
  long last = 0;
  for (long k = 1; k <= lags; k++) {
    if (fabs(r[k] / r[0]) > chance) last = k;
    if (k - last >= run) break;
  }
  return last;
}

long sg_block_length(long iterations, int workers, const double *x) {
  if (iterations < 6) return 1;
  double n = (double)iterations;
  long run = 5, lags;
  for (double power = 1e5; power < n; power *= 10) run++; /* ⌈log₁₀ n⌉, if that is more */
  lags = (long)ceil(sqrt(n)) + run;
  if (lags > iterations - 1) lags = iterations - 1;
  double *r = malloc((size_t)(lags + 1) * sizeof *r);
  if (!r) return 0;
  sg_autocovariances(iterations, workers, x, lags, r);
  long end = r[0] > 0 ? memory_end(r, lags, run, 2 * sqrt(sg_log(n) / M_LN10 / n)) : 0;
  long m = 2 * end < lags ? 2 * end : lags, length = 1;
  if (end > 0) {
    double g = 0, spectrum = r[0];
    for (long k = 1; k <= m; k++) {
      g += 2 * window(k, m) * (double)k * r[k];
      spectrum += 2 * window(k, m) * r[k];
    }
    double d = 4.0 / 3 * spectrum * spectrum, most = fmax(1, floor(fmin(3 * sqrt(n), n / 3)));
    double b = ceil(sg_pow(2 * g * g / d * n, 1.0 / 3));
    length = (long)(!(b >= 1) ? 1 : fmin(b, most));
  }
  free(r);
  return length;
}
