/* SPDX-License-Identifier: MIT */
/* Reading traces, and how long their memory is. */
#include "models/delay/trace.h"

#include "sim/core/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_SHOWN = 20, MOST_COLUMNS = 64 };
enum { ITERATION, WORKER, COMPUTE, SEND, LOAD, COLUMNS };
#define MOST_NUMBER  9007199254740992.0 /* 2^53 */
#define MOST_WORKERS 1000000

static const char *const column_names[] = {"iteration", "worker", "compute_s",
                                           "send_s",    "load",   NULL};

typedef struct row {
  long long iteration, worker;
  double compute, send, load;
  long line;
} row;

typedef struct reader {
  const char *name, *at, *end;
  long line;
  int columns;            /* of the header; 0 before it */
  int role[MOST_COLUMNS]; /* ITERATION … LOAD */
  bool has[COLUMNS];
  row *row;
  size_t count, room;
  long faults;
  sg_trace *trace;
  sg_error *e;
} reader;

static void fault(reader *r, long line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(reader *r, long line, const char *format, ...) {
  if (r->faults++ >= FAULTS_SHOWN) return;
  char message[512], *place = NULL;
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  message[sg_utf8_valid(message, strlen(message))] = '\0'; /* what was found may be any bytes */
  if (asprintf(&place, "%s:%ld", r->name, line) < 0) place = NULL;
  sg_fail(r->e, SG_INVALID, place, "%s", message);
  free(place);
}

/* --- Lines and fields ------------------------------------------------------------------------- */

typedef struct span {
  const char *at;
  size_t length;
} span;

/* Without the white space around it, nor one pair of quotes. */
static span trimmed(const char *at, const char *end) {
  while (at < end && isspace((unsigned char)*at)) at++;
  while (end > at && isspace((unsigned char)end[-1])) end--;
  if (end - at >= 2 && *at == '"' && end[-1] == '"') at++, end--;
  return (span){at, (size_t)(end - at)};
}

static bool next_line(reader *r, span *line) {
  if (r->at >= r->end) return false;
  const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
  const char *end = newline ? newline : r->end;
  *line = trimmed(r->at, end);
  r->at = newline ? newline + 1 : r->end;
  r->line++;
  return true;
}

/* How many fields there are; the first MOST_COLUMNS are stored. */
static int split(span line, span *field) {
  int n = 0;
  const char *at = line.at, *end = line.at + line.length;
  for (;;) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    if (n < MOST_COLUMNS) field[n] = trimmed(at, comma ? comma : end);
    n++;
    if (!comma) return n;
    at = comma + 1;
  }
}

static void copy(span s, char *out, size_t size) {
  size_t n = s.length < size - 1 ? s.length : size - 1;
  memcpy(out, s.at, n);
  out[n] = '\0';
}

/* "# name: value" */
static bool comment(reader *r, span line) {
  const char *at = line.at + 1, *end = line.at + line.length;
  const char *colon = memchr(at, ':', (size_t)(end - at));
  if (!colon) return true;
  span name = trimmed(at, colon), value = trimmed(colon + 1, end);
  static const char *const names[] = {"source", "licence", "license", "unit"};
  char **places[] = {&r->trace->source, &r->trace->licence, &r->trace->licence, &r->trace->unit};
  for (int i = 0; i < 4; i++) {
    if (name.length != strlen(names[i]) || strncasecmp(name.at, names[i], name.length) != 0)
      continue;
    char *text = strndup(value.at, value.length);
    if (!text) return false;
    text[sg_utf8_valid(text, strlen(text))] = '\0';
    free(*places[i]);
    *places[i] = text;
  }
  return true;
}

static void header(reader *r, span line) {
  span field[MOST_COLUMNS];
  int n = split(line, field);
  r->columns = n;
  if (n > MOST_COLUMNS) {
    fault(r, r->line, "expected at most %d columns, found %d", MOST_COLUMNS, n);
    return;
  }
  for (int i = 0; i < n; i++) {
    char name[64];
    copy(field[i], name, sizeof name);
    int c = 0;
    while (c < COLUMNS && strcmp(name, column_names[c]) != 0) c++;
    r->role[i] = c;
    if (c == COLUMNS) {
      const char *near = sg_nearest(name, column_names);
      fault(r, r->line,
            "expected the columns iteration, worker, compute_s and perhaps send_s and load, found "
            "\"%s\"%s%s%s",
            name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    } else if (r->has[c]) {
      fault(r, r->line, "two columns are named \"%s\"", name);
    } else {
      r->has[c] = true;
    }
  }
  for (int c = ITERATION; c <= COMPUTE; c++)
    if (!r->has[c]) fault(r, r->line, "there is no column \"%s\"", column_names[c]);
}

/* Whether a field is a number that its column allows. */
static bool number(reader *r, int column, span field, double *x) {
  static const char *const expected[] = {"a whole number ≥ 0", "a whole number ≥ 0", "a time > 0",
                                         "a time ≥ 0", "a whole number ≥ 1"};
  char text[80], *end;
  copy(field, text, sizeof text);
  errno = 0;
  *x = strtod(text, &end);
  bool ok = field.length > 0 && field.length < sizeof text && *end == '\0' && isfinite(*x);
  bool whole = ok && *x == floor(*x) && fabs(*x) <= MOST_NUMBER;
  switch (column) {
  case ITERATION:
  case WORKER: ok = whole && *x >= 0; break;
  case COMPUTE: ok = ok && *x > 0; break;
  case SEND: ok = ok && *x >= 0; break;
  default: ok = whole && *x >= 1; break;
  }
  if (ok) return true;
  text[60] = '\0';
  if (field.length == 0)
    fault(r, r->line, "expected %s in column \"%s\", found nothing", expected[column],
          column_names[column]);
  else
    fault(r, r->line, "expected %s in column \"%s\", found \"%s\"", expected[column],
          column_names[column], text);
  return false;
}

/* false: no memory. */
static bool data_row(reader *r, span line) {
  span field[MOST_COLUMNS];
  int n = split(line, field);
  if (n != r->columns) {
    fault(r, r->line, "expected %d fields, found %d", r->columns, n);
    return true;
  }
  double x[COLUMNS] = {0, 0, 0, 0, 1};
  bool ok = true;
  for (int i = 0; i < n && i < MOST_COLUMNS; i++)
    if (r->role[i] < COLUMNS) ok = number(r, r->role[i], field[i], &x[r->role[i]]) && ok;
  if (!ok) return true;
  if (r->count == r->room) {
    size_t room = r->room ? 2 * r->room : 256;
    row *grown = realloc(r->row, room * sizeof *grown);
    if (!grown) return false;
    r->row = grown;
    r->room = room;
  }
  r->row[r->count++] = (row){.iteration = (long long)x[ITERATION],
                             .worker = (long long)x[WORKER],
                             .compute = x[COMPUTE],
                             .send = x[SEND],
                             .load = x[LOAD],
                             .line = r->line};
  return true;
}

static sg_status read_lines(reader *r) {
  span line;
  while (next_line(r, &line)) {
    bool ok = true;
    if (line.length == 0) continue;
    if (*line.at == '#')
      ok = comment(r, line);
    else if (r->columns == 0)
      header(r, line);
    else
      ok = data_row(r, line);
    if (!ok) return sg_fail_memory(r->e);
  }
  if (r->columns == 0)
    fault(r, r->line > 0 ? r->line : 1, "expected a header and rows, found an empty file");
  else if (r->count == 0 && r->faults == 0)
    fault(r, r->line, "expected rows after the header, found none");
  return SG_OK;
}

/* --- The rectangle ---------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
  const row *x = a, *y = b;
  if (x->iteration != y->iteration) return x->iteration < y->iteration ? -1 : 1;
  if (x->worker != y->worker) return x->worker < y->worker ? -1 : 1;
  return (x->line > y->line) - (x->line < y->line);
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
    if (last && last->iteration == x->iteration && last->worker == x->worker)
      fault(r, x->line, "iteration %lld has a row for worker %lld already, in line %ld",
            x->iteration, x->worker, last->line);
    else
      r->row[kept++] = *x;
  }
  r->count = kept;
}

/* The numbers of the workers, ascending. */
static sg_status find_workers(reader *r) {
  long long *name = malloc(r->count * sizeof *name);
  if (!name) return sg_fail_memory(r->e);
  for (size_t i = 0; i < r->count; i++) name[i] = r->row[i].worker;
  qsort(name, r->count, sizeof *name, by_number);
  size_t n = 0;
  for (size_t i = 0; i < r->count; i++)
    if (n == 0 || name[n - 1] != name[i]) name[n++] = name[i];
  r->trace->worker_name = name;
  r->trace->workers = n > MOST_WORKERS ? MOST_WORKERS : (int)n;
  if (n > MOST_WORKERS)
    fault(r, r->line, "expected at most %d workers, found %zu", MOST_WORKERS, n);
  return SG_OK;
}

/* One iteration, rows from `first` up to `last`, against the list of workers. */
static void find_gaps(reader *r, size_t first, size_t last) {
  const sg_trace *t = r->trace;
  long missing = t->workers - (long)(last - first);
  if (missing == 0) return;
  if (r->faults >= FAULTS_SHOWN) {
    r->faults += missing;
    return;
  }
  size_t at = first;
  for (int w = 0; w < t->workers && missing > 0; w++) {
    if (at < last && r->row[at].worker == t->worker_name[w]) {
      at++;
      continue;
    }
    missing--;
    fault(r, r->row[first].line,
          "iteration %lld has no row for worker %lld; every worker needs one in every iteration: "
          "leave the iteration or the worker out",
          r->row[first].iteration, t->worker_name[w]);
  }
}

static sg_status make_rectangle(reader *r) {
  sg_trace *t = r->trace;
  qsort(r->row, r->count, sizeof *r->row, by_place);
  drop_duplicates(r);
  sg_status status = find_workers(r);
  if (status) return status;
  bool whole = r->faults == 0; /* else a faulty row would count as a gap as well */
  for (size_t first = 0, last; first < r->count; first = last) {
    for (last = first; last < r->count && r->row[last].iteration == r->row[first].iteration;)
      last++;
    if (whole) find_gaps(r, first, last);
    t->iterations++;
  }
  if (r->faults > 0) return SG_OK; /* they are reported together */
  t->compute = malloc(r->count * sizeof *t->compute);
  if (r->has[SEND]) t->send = malloc(r->count * sizeof *t->send);
  if (r->has[LOAD]) t->load = malloc(r->count * sizeof *t->load);
  if (!t->compute || (r->has[SEND] && !t->send) || (r->has[LOAD] && !t->load))
    return sg_fail_memory(r->e);
  for (size_t i = 0; i < r->count; i++) {
    t->compute[i] = r->row[i].compute;
    if (t->send) t->send[i] = r->row[i].send;
    if (t->load) t->load[i] = r->row[i].load;
  }
  return SG_OK;
}

static bool is_seconds(const char *unit) {
  static const char *const names[] = {"", "s", "sec", "second", "seconds"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcasecmp(unit, names[i]) == 0) return true;
  return false;
}

/* Absent texts get their defaults. false: no memory. */
static bool complete(sg_trace *t) {
  if (!t->source) t->source = strdup("");
  if (!t->licence) t->licence = strdup("");
  if (!t->unit) t->unit = strdup("s");
  if (!t->source || !t->licence || !t->unit) return false;
  t->seconds = is_seconds(t->unit);
  return true;
}

sg_status sg_trace_parse(const char *name, const char *text, size_t length, sg_trace **out,
                         sg_error *e) {
  *out = NULL;
  reader r = {.name = name, .at = text, .end = text + length, .e = e};
  r.trace = calloc(1, sizeof *r.trace);
  if (!r.trace) return sg_fail_memory(e);
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r.at += 3;
  sg_status status = read_lines(&r);
  bool header_ok = r.has[ITERATION] && r.has[WORKER] && r.has[COMPUTE];
  if (!status && header_ok && r.count > 0) status = make_rectangle(&r);
  if (r.faults > FAULTS_SHOWN)
    sg_fail(e, SG_INVALID, name, "and %ld more faults", r.faults - FAULTS_SHOWN);
  if (!status && r.faults > 0) status = SG_INVALID;
  if (!status && !complete(r.trace)) status = sg_fail_memory(e);
  free(r.row);
  if (status) {
    sg_trace_free(r.trace);
    return status;
  }
  *out = r.trace;
  return SG_OK;
}

sg_status sg_trace_read(const char *path, sg_trace **out, sg_error *e) {
  char *text = NULL;
  size_t length = 0;
  *out = NULL;
  sg_status status = sg_read_file(path, &text, &length, e);
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
  long run = (long)fmax(5, ceil(log10(n))), lags = (long)ceil(sqrt(n)) + run;
  if (lags > iterations - 1) lags = iterations - 1;
  double *r = malloc((size_t)(lags + 1) * sizeof *r);
  if (!r) return 0;
  sg_autocovariances(iterations, workers, x, lags, r);
  long end = r[0] > 0 ? memory_end(r, lags, run, 2 * sqrt(log10(n) / n)) : 0;
  long m = 2 * end < lags ? 2 * end : lags, length = 1;
  if (end > 0) {
    double g = 0, spectrum = r[0];
    for (long k = 1; k <= m; k++) {
      g += 2 * window(k, m) * (double)k * r[k];
      spectrum += 2 * window(k, m) * r[k];
    }
    double d = 4.0 / 3 * spectrum * spectrum, most = fmax(1, floor(fmin(3 * sqrt(n), n / 3)));
    double b = ceil(cbrt(2 * g * g / d * n));
    length = (long)(!(b >= 1) ? 1 : fmin(b, most));
  }
  free(r);
  return length;
}
