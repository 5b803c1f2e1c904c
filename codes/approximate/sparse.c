/* SPDX-License-Identifier: MIT */
/* A sparse code from a file, such as `straggle codes design` writes (theory: sparse).
 *
 * The file says how many workers, blocks and entries there are, then each entry: worker, block and
 * coefficient, numbers from 0. That is the layout of Matrix Market's coordinate files (recalled)
 * with commas, read by the project's reader of matrices; because the number of entries stands
 * first, a file of which an end is missing is known for what it is.
 *
 * Peeling (LDGM codes: Horii, Yoshida, Kobayashi, Matsushima 2019, arXiv:1901.04668; recalled): the
 * blocks that come out have weight 1 in the sum, the others 0. Where only the sum is wanted optimal
 * weights never have the larger error. */
#include "codes/tools/approximate.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 3, MOST_FAULTS = 20, MOST_BLOCKS = 1000000 };

static const sg_param params[] = {
    SG_ROW("file", SG_MATRIX,
           "code file: a line with the numbers of workers, blocks and entries, then a line for "
           "each entry with its worker and its block, from 0, and its coefficient",
           .flags = SG_REQUIRED),
    SG_ROW("peel", SG_BOOL,
           "instead of least squares: blocks that peeling recovers have weight 1, others 0; with "
           "decoding optimal"),
    SG_ROWS_APPROXIMATE,
    {0}};

/* --- The file --------------------------------------------------------------------------------- */

typedef struct source {
  const sg_values *values;
  const sg_matrix *m;
  sg_error *e;
  int workers, blocks, entries;
  int faults;
} source;

static double at(const source *s, int row, int column) {
  return s->m->number[(size_t)row * COLUMNS + (size_t)column];
}

/* A fault in a row; after MOST_FAULTS of them they are only counted. */
__attribute__((format(printf, 3, 4))) static void fault(source *s, int row, const char *format,
                                                        ...) {
  char message[256];
  va_list args;
  if (s->faults++ >= MOST_FAULTS) return;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  sg_fail_at(s->e, s->values, "file", "%s:%ld: %s", sg_values_find(s->values, "file")->text,
             sg_matrix_line(s->m, row), message);
}

/* A whole number from `least` to `most` in a column, or a fault and `least`. */
static int whole(source *s, int row, int column, const char *what, int least, int most) {
  double x = at(s, row, column);
  if (x >= least && x <= most && x == floor(x)) return (int)x;
  fault(s, row, "expected %s, a whole number from %d to %d, found %.9g", what, least, most, x);
  return least;
}

static void read_sizes(source *s, int n) {
  double workers = at(s, 0, 0);
  s->workers = n;
  if (workers != n)
    fault(s, 0, "expected a file for n = %d workers, found one for %.9g", n, workers);
  s->blocks = whole(s, 0, 1, "the number of blocks", 1, MOST_BLOCKS);
  s->entries = s->m->rows - 1;
  if (at(s, 0, 2) != s->entries)
    fault(s, 0, "expected as many entries as there are lines behind this one, %d, found %.9g",
          s->entries, at(s, 0, 2));
}

/* Which worker and block the entries are of, and how many each worker has: begin[j + 1]. */
static void read_entries(source *s, int *worker, int *block, size_t *begin) {
  for (int i = 0; i < s->entries; i++) {
    worker[i] = whole(s, i + 1, 0, "a worker", 0, s->workers - 1);
    block[i] = whole(s, i + 1, 1, "a block", 0, s->blocks - 1);
    begin[worker[i] + 1]++;
    double x = at(s, i + 1, 2);
    if (x == 0) fault(s, i + 1, "expected a coefficient other than 0, found 0");
    if (fabs(x) > 1e6 || (x != 0 && fabs(x) < 1e-6))
      fault(s, i + 1, "expected a coefficient of a size between 1e-6 and 1e6, found %.9g", x);
  }
}

/* Entries in the order of workers; faults: one twice, blocks that nobody has. */
static sg_status check_places(source *s, const int *worker, const int *block, const size_t *begin,
                              int *order) {
  SG_OWNED size_t *next = malloc(((size_t)s->workers + 1) * sizeof *next);
  SG_OWNED int *last = calloc((size_t)s->blocks, sizeof *last); /* worker + 1 that had it last */
  SG_OWNED int *line = calloc((size_t)s->blocks, sizeof *line);
  if (!next || !last || !line) return sg_fail_memory(s->e);
  memcpy(next, begin, (size_t)s->workers * sizeof *next);
  for (int i = 0; i < s->entries; i++) order[next[worker[i]]++] = i;
  for (int k = 0; k < s->entries; k++) {
    int i = order[k];
    if (last[block[i]] == worker[i] + 1)
      fault(s, i + 1, "expected each entry once, found that of worker %d and block %d in line %ld",
            worker[i], block[i], sg_matrix_line(s->m, line[block[i]] + 1));
    last[block[i]] = worker[i] + 1;
    line[block[i]] = i;
  }
  for (int b = 0; b < s->blocks; b++)
    if (!last[b]) fault(s, 0, "expected every block with a worker, found nobody with block %d", b);
  return SG_OK;
}

static sg_status place(sg_code *code, sg_approximate *t, source *s) {
  size_t entries = (size_t)s->entries;
  SG_OWNED int *worker = malloc((3 * entries + 1) * sizeof *worker);
  SG_OWNED double *value = malloc((entries + 1) * sizeof *value);
  SG_OWNED size_t *begin = calloc((size_t)s->workers + 1, sizeof *begin);
  if (!worker || !value || !begin) return sg_fail_memory(s->e);
  int *block = worker + entries, *order = block + entries;
  read_entries(s, worker, block, begin);
  for (int j = 0; j < s->workers; j++) begin[j + 1] += begin[j];
  sg_status status = s->faults ? SG_OK : check_places(s, worker, block, begin, order);
  if (status || s->faults) return status;
  if (!sg_approximate_place(code, t, s->blocks, entries)) return sg_fail_memory(s->e);
  /* The worker's numbers are not needed any more. */
  for (size_t k = 0; k < entries; k++) {
    worker[k] = block[order[k]];
    value[k] = at(s, order[k] + 1, 2);
  }
  for (int j = 0; j < s->workers; j++)
    sg_sparse_add_row(&t->a, (int)(begin[j + 1] - begin[j]), worker + begin[j], value + begin[j]);
  return SG_OK;
}

/* --- Peeling ---------------------------------------------------------------------------------- */

static sg_status peel(const sg_approximate *t, int count, const int *worker, double *w,
                      sg_scratch *scratch, sg_decode_info *info) {
  size_t entries = 0, blocks = (size_t)t->a.columns;
  for (int i = 0; i < count; i++) entries += t->a.begin[worker[i] + 1] - t->a.begin[worker[i]];
  /* Of all workers peeling takes no less. */
  size_t size = sg_sparse_bytes(count, entries), workspace = sg_peel_bytes(&t->a);
  char *memory = sg_scratch_get(scratch, size + workspace + blocks * sizeof(double) +
                                             2 * blocks * sizeof(int));
  if (!memory) return SG_NO_MEMORY;
  sg_sparse rows = sg_sparse_at(memory, count, t->a.columns, entries);
  for (int i = 0; i < count; i++) {
    size_t begin = t->a.begin[worker[i]], n = t->a.begin[worker[i] + 1] - begin;
    sg_sparse_add_row(&rows, (int)n, t->a.column + begin, t->a.value + begin);
  }
  double *target = (double *)(void *)(memory + size + workspace);
  int *unknown = (int *)(void *)(target + blocks), *row = unknown + blocks;
  int recovered = sg_peel(&rows, unknown, row, memory + size);
  memset(target, 0, blocks * sizeof *target);
  for (int k = 0; k < recovered; k++) target[unknown[k]] = 1;
  sg_peel_weights(&rows, recovered, unknown, row, target, w);
  info->flops = 2 * (double)entries;
  return SG_OK;
}

/* --- The code --------------------------------------------------------------------------------- */

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  source s = {.values = values, .m = sg_matrix_of(values, "file"), .e = e};
  if (s.m->columns != COLUMNS)
    return sg_fail_at(e, values, "file",
                      "%s:%ld: expected lines of 3 numbers, worker, block and coefficient, found "
                      "%d",
                      sg_values_find(values, "file")->text, sg_matrix_line(s.m, 0), s.m->columns);
  if (sg_bool(values, "peel")) {
    if (sg_choice(values, "decoding") != SG_OPTIMAL)
      return sg_fail_at(e, values, "peel",
                        "expected peel with decoding \"optimal\", in whose place it is, found "
                        "\"%s\"",
                        sg_text(values, "decoding"));
    t->optimal = peel;
  }
  read_sizes(&s, shape->workers);
  sg_status status = s.faults && s.blocks > s.entries ? SG_OK : place(code, t, &s);
  if (!status && s.faults > MOST_FAULTS)
    sg_fail_at(e, values, "file", "%d more faults in this file", s.faults - MOST_FAULTS);
  if (!status && s.faults) status = SG_INVALID;
  return status ? status : sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_sparse_file = {
    .about = {.name = "sparse",
              .brief = "a sparse placement from a file",
              .summary = "Sparse code from a file, as codes design writes it: worker j sends "
                         "Σ a_ji g_i over its blocks i. Approximate.",
              .reference = "Search for such codes: after Choukroun, Wolf 2024, arXiv:2406.12900 "
                           "(published idea; derived objective). Peeling: Horii et al. 2019, "
                           "arXiv:1901.04668 (recalled).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
