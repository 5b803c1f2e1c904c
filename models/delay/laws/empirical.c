/* SPDX-License-Identifier: MIT */
/* Measured times, each equally likely: a list in the scenario, or a column of a CSV file.
 *
 * Their order is not used. Times that belong together in iterations are a trace (../replay.h). */
#include "models/delay/laws/laws.h"
#include "sim/core/array.h"
#include "sim/core/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct empirical {
  long count;
  double mean, variance;
  double *time; /* count values, ascending */
} empirical;
FITS(empirical);

static const sg_param value_item[] = {{.name = "value",
                                       .kind = SG_REAL,
                                       .summary = "A time, in seconds.",
                                       .min = 0,
                                       .max = SG_UNBOUNDED},
                                      {0}};

static const sg_param params[] = {
    {.name = "values_s",
     .kind = SG_LIST,
     .summary = "The times, in seconds; or path.",
     .min = 1,
     .max = 10000000,
     .fields = value_item,
     .flags = SG_OPTIONAL},
    {.name = "path",
     .kind = SG_TEXT,
     .summary = "A CSV file with the times, in seconds, in a column; relative to the scenario "
                "file. Lines that begin with # are passed over.",
     .flags = SG_OPTIONAL | SG_IS_PATH},
    {.name = "column",
     .kind = SG_TEXT,
     .summary = "With path: the name of the column in the file's first line; absent: the file has "
                "one column of times (seconds), with or without a name.",
     .flags = SG_OPTIONAL},
    {0}};

static bool add(empirical *x, size_t *room, double t) {
  if (!SG_ROOM(x->time, *room, x->count + 1)) return false;
  x->time[x->count++] = t;
  return true;
}

/* The c-th field of a line, without the blanks around it; false: there are not so many. The line's
 * end is put after the field. */
static bool take_field(char *line, int c, char **field) {
  for (; c > 0; c--) {
    line = strchr(line, ',');
    if (!line) return false;
    line++;
  }
  line[strcspn(line, ",")] = '\0';
  while (isspace((unsigned char)*line)) line++;
  size_t n = strlen(line);
  while (n > 0 && isspace((unsigned char)line[n - 1])) line[--n] = '\0';
  *field = line;
  return true;
}

static int find_column(const char *header, const char *name) {
  size_t n = strlen(name);
  for (int c = 0;; c++) {
    while (isspace((unsigned char)*header)) header++;
    size_t length = strcspn(header, ",\r\n"), end = length;
    while (end > 0 && isspace((unsigned char)header[end - 1])) end--;
    if (end == n && memcmp(header, name, n) == 0) return c;
    header += length;
    if (*header != ',') return -1;
    header++;
  }
}

static bool parse(const char *text, double *t) {
  char *end;
  *t = strtod(text, &end);
  return end != text && !*end && isfinite(*t) && *t >= 0;
}

typedef struct source {
  const sg_values *values;
  const char *path;
  long line;
  int faults;
  sg_error *e;
} source;

static sg_status fault(source *s, const char *what, const char *found) {
  enum { SHOWN = 20 };
  if (s->faults++ >= SHOWN) return SG_INVALID;
  return sg_fail_at(s->e, s->values, "path", "%s:%ld: expected %s, found \"%.60s\"", s->path,
                    s->line, what, found);
}

static sg_status read_lines(empirical *x, char *text, source *s) {
  const char *name = sg_given(s->values, "column") ? sg_text(s->values, "column") : NULL;
  int column = name ? -1 : 0;
  size_t room = 0;
  bool first = true;
  sg_status status = SG_OK;
  for (char *line = text, *next; line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = '\0';
    s->line++;
    while (isspace((unsigned char)*line)) line++;
    if (!*line || *line == '#') continue;
    bool header = first;
    first = false;
    if (header && name) {
      column = find_column(line, name);
      if (column < 0) return fault(s, "a header with the column that \"column\" names", line);
      continue;
    }
    if (!name && strchr(line, ','))
      return fault(s, "one column, or \"column\" in the scenario", line);
    char *field = NULL;
    double t;
    if (!take_field(line, column, &field))
      status = fault(s, "as many fields as the header has", line);
    else if (parse(field, &t)) {
      if (!add(x, &room, t)) return sg_fail_memory(s->e);
    } else if (!header) {
      status = fault(s, "a time ≥ 0", field);
    }
  }
  if (!status && x->count == 0) status = fault(s, "times", "none");
  return status;
}

static sg_status read_file(empirical *x, const sg_values *values, sg_error *e) {
  source s = {.values = values, .path = sg_text(values, "path"), .e = e};
  char *text = NULL;
  size_t length = 0;
  sg_error own = {0};
  sg_status status = sg_read_file(s.path, &text, &length, &own);
  if (status) { /* at the member that names the file */
    for (int i = 0; i < own.count; i++)
      sg_fail(e, own.fault[i].status, values->pointer, "%s", own.fault[i].message);
    sg_error_clear(&own);
    return status;
  }
  status = read_lines(x, text, &s);
  free(text);
  return status;
}

static void clear(void *state) {
  empirical *x = state;
  free(x->time);
  *x = (empirical){0};
}

static sg_status init(void *state, const sg_values *values, sg_error *e) {
  empirical *x = state;
  *x = (empirical){0};
  bool list = sg_given(values, "values_s"), file = sg_given(values, "path");
  if (list == file)
    return sg_fail_at(e, values, NULL, "expected either values_s or path, found %s",
                      list ? "both" : "neither");
  if (!file && sg_given(values, "column"))
    return sg_fail_at(e, values, "column", "a column is of a file: expected a path");
  sg_status status = SG_OK;
  if (file) {
    status = read_file(x, values, e);
  } else {
    size_t room = 0;
    for (int i = 0; i < sg_count(values, "values_s"); i++)
      if (!add(x, &room, sg_item(values, "values_s", i)->number)) return sg_fail_memory(e);
  }
  if (status) return status;
  sg_sort_doubles(x->time, (size_t)x->count);
  for (long i = 0; i < x->count; i++) x->mean += x->time[i] / (double)x->count;
  for (long i = 0; i < x->count; i++) {
    double d = x->time[i] - x->mean;
    x->variance += d * d / (double)x->count;
  }
  return SG_OK;
}

static double draw(const void *state, sg_stream *stream) {
  const empirical *x = state;
  return x->time[(long)(sg_uniform(stream) * (double)x->count)];
}

static double mean(const void *state) {
  return ((const empirical *)state)->mean;
}

static double variance(const void *state) {
  return ((const empirical *)state)->variance;
}

/* How many times are at most t. */
static long rank_of(const empirical *x, double t) {
  long low = 0, high = x->count;
  while (low < high) {
    long middle = low + (high - low) / 2;
    if (x->time[middle] <= t)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static double cdf(const void *state, double t) {
  const empirical *x = state;
  return (double)rank_of(x, t) / (double)x->count;
}

static double tail(const void *state, double t) {
  const empirical *x = state;
  return (double)(x->count - rank_of(x, t)) / (double)x->count;
}

static double density(const void *state, double t) {
  (void)state, (void)t;
  return 0;
}

static double quantile(const void *state, double p) {
  const empirical *x = state;
  long i = (long)ceil(p * (double)x->count) - 1;
  return x->time[i < 0 ? 0 : i >= x->count ? x->count - 1 : i];
}

/* Equal times are atoms of their own: their probabilities add up. */
static bool atom(const void *state, int i, double *time, double *probability) {
  const empirical *x = state;
  if (i >= x->count) return false;
  *time = x->time[i];
  *probability = 1 / (double)x->count;
  return true;
}

const sg_law_type sg_law_empirical = {
    .about = {.name = "empirical",
              .summary = "Measured times, each equally likely, drawn independently.",
              .reference = "",
              .params = params},
    .init = init,
    .clear = clear,
    .draw = draw,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
    .tail = tail,
    .density = density,
    .atom = atom};
