/* SPDX-License-Identifier: MIT */
/* Non-zeros of parts by stripes, and combinations of sparse rows. */
#include "models/learning/entries.h"
#include "models/learning/sparse.h"
#include "sim/core/array.h"
#include "sim/core/memory.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- By stripes ------------------------------------------------------------------------------- */

size_t sg_entries_count(const sg_stretch *s) {
  if (!s->pick) return (size_t)(s->sparse->start[s->first + s->n] - s->sparse->start[s->first]);
  size_t count = 0;
  for (long i = 0; i < s->n; i++)
    count += (size_t)(sg_entries_row(s, i)[1] - sg_entries_row(s, i)[0]);
  return count;
}

void sg_entries_gather(const sg_stretch *s, sg_entry *out) {
  for (long i = 0; i < s->n; i++)
    for (long k = sg_entries_row(s, i)[0]; k < sg_entries_row(s, i)[1]; k++)
      *out++ = (sg_entry){s->sparse->column[k], (int32_t)i, s->sparse->value[k]};
}

/* Few entries beside stripes: bytes of the stripe, the lowest first. spare: as many. */
void sg_entries_sort(sg_entry *entry, size_t n, long columns, sg_entry *spare) {
  sg_entry *from = entry, *to = spare;
  for (int shift = SG_STRIPE_BITS; shift < 32 && (columns - 1) >> shift > 0; shift += 8) {
    size_t place[257] = {0};
    for (size_t k = 0; k < n; k++) place[(from[k].column >> shift & 255) + 1]++;
    for (int d = 0; d < 256; d++) place[d + 1] += place[d];
    for (size_t k = 0; k < n; k++) to[place[from[k].column >> shift & 255]++] = from[k];
    sg_entry *other = from;
    from = to;
    to = other;
  }
  if (from != entry) memcpy(entry, from, n * sizeof *entry);
}

/* Many entries: each stripe's place is counted. place: one number per stripe, and one. */
static void sort_by_counting(const sg_stretch *s, long stripes, size_t *place, sg_entry *out) {
  const sg_csr *x = s->sparse;
  memset(place, 0, ((size_t)stripes + 1) * sizeof *place);
  for (long k = x->start[s->first]; k < x->start[s->first + s->n]; k++)
    place[sg_stripe_of(x->column[k]) + 1]++;
  for (long c = 0; c < stripes; c++) place[c + 1] += place[c];
  for (long i = 0; i < s->n; i++)
    for (long k = sg_entries_row(s, i)[0]; k < sg_entries_row(s, i)[1]; k++)
      out[place[sg_stripe_of(x->column[k])]++] = (sg_entry){x->column[k], (int32_t)i, x->value[k]};
}

/* The entries of parts first … end − 1 that have none yet, to entry[at] …; there is room. */
static sg_status list_entries(const sg_data *data, sg_partition *p, int first, int end, size_t at,
                              sg_error *e) {
  const size_t stripes = (size_t)sg_stripe_of(data->columns - 1) + 1;
  size_t few = 0; /* entries of the largest part that is sorted by digits */
  for (int i = first; i < end; i++) {
    size_t n = sg_entries_count(&p->stretch[i]);
    if (n < stripes && n > few) few = n;
  }
  SG_OWNED sg_entry *spare = malloc((few + 1) * sizeof *spare);
  SG_OWNED size_t *place = malloc((stripes + 1) * sizeof *place);
  if (!spare || !place) return sg_fail_memory(e);
  for (int i = first; i < end; i++) {
    sg_stretch *s = &p->stretch[i];
    if (s->listed > 0) continue;
    s->list = at;
    s->listed = sg_entries_count(s);
    at += s->listed;
    if (s->listed >= stripes) {
      sort_by_counting(s, (long)stripes, place, p->entry + s->list);
    } else {
      sg_entries_gather(s, p->entry + s->list);
      sg_entries_sort(p->entry + s->list, s->listed, data->columns, spare);
    }
  }
  return SG_OK;
}

/* Room for more entries after the first `known`. */
static sg_status need_entries(sg_partition *p, size_t known, size_t more, sg_error *e) {
  sg_entry *entry = sg_pages(known + more + 1, sizeof *entry);
  if (!entry)
    return sg_fail_room(e, "sparse data by stripes of columns",
                        (double)(known + more) * sizeof *entry);
  if (known > 0) memcpy(entry, p->entry, known * sizeof *entry);
  free(p->entry);
  p->entry = entry;
  return SG_OK;
}

static sg_status list_parts(const sg_data *data, sg_partition *p, sg_error *e) {
  sg_status status = need_entries(p, 0, (size_t)data->sparse->start[data->rows], e);
  return status ? status : list_entries(data, p, 0, p->parts, 0, e);
}

sg_status sg_sparse_partition(const sg_data *data, sg_partition *p, sg_error *e) {
  const double all = (double)(data->rows + data->test_rows),
               entries = data->outline ? data->entries * (double)data->rows / all
                                       : (double)data->sparse->start[data->rows];
  if (p->parts == 1) return SG_OK; /* its gradients go row by row, and are stored */
  p->made_numbers = (long)(2 * entries);
  return data->outline ? SG_OK : list_parts(data, p, e);
}

/* --- Coded rows ------------------------------------------------------------------------------- */

/* A row being added up. */
typedef struct sum_row {
  double *sum;      /* columns */
  int64_t *made_in; /* columns: the row of which sum[column] is, counted from 1 */
  int32_t *touched; /* columns: those of this row */
  long n;
} sum_row;

static int by_column(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* The columns of the row, in order. */
static void order_columns(sum_row *r, int64_t row, long columns) {
  if (r->n < columns / 16) {
    qsort(r->touched, (size_t)r->n, sizeof *r->touched, by_column);
    return;
  }
  r->n = 0;
  for (long c = 0; c < columns; c++)
    if (r->made_in[c] == row) r->touched[r->n++] = (int32_t)c;
}

/* Row i of a combination, appended to `out` as its row `row`. */
static bool combine_row(const sg_partition *p, const sg_coded_part *m, long i, long row,
                        long columns, sum_row *r, sg_csr *out) {
  r->n = 0;
  for (int t = 0; t < m->count; t++) {
    const sg_stretch *s = &p->stretch[m->part[t]];
    for (long k = sg_entries_row(s, i)[0]; k < sg_entries_row(s, i)[1]; k++) {
      int32_t c = s->sparse->column[k];
      if (r->made_in[c] != row + 1) r->sum[c] = 0, r->touched[r->n++] = c;
      r->made_in[c] = row + 1;
      r->sum[c] += m->coef[t] * s->sparse->value[k];
    }
  }
  order_columns(r, row + 1, columns);
  const size_t at = (size_t)out->start[row], end = at + (size_t)r->n;
  if (!SG_ROOM(out->column, out->column_room, end + 1) ||
      !SG_ROOM(out->value, out->value_room, end + 1))
    return false;
  for (long k = 0; k < r->n; k++) {
    out->column[at + (size_t)k] = r->touched[k];
    out->value[at + (size_t)k] = r->sum[r->touched[k]];
  }
  out->start[row + 1] = (long)end;
  return true;
}

/* The rows of all combinations of two or more parts. */
static sg_status combine_rows(const sg_data *data, int count, const sg_coded_part *coded,
                              sg_partition *p, sg_error *e) {
  const size_t columns = (size_t)data->columns;
  long rows = 0;
  for (int c = 0; c < count; c++)
    if (coded[c].count > 1) rows += p->stretch[p->parts + c].n;
  SG_OWNED double *sum = malloc(columns * sizeof *sum);
  SG_OWNED int64_t *made_in = calloc(columns, sizeof *made_in);
  SG_OWNED int32_t *touched = malloc(columns * sizeof *touched);
  sum_row r = {sum, made_in, touched, 0};
  sg_csr *out = p->combined = calloc(1, sizeof *out);
  if (out) out->start = calloc((size_t)rows + 1, sizeof *out->start);
  if (!sum || !made_in || !touched || !out || !out->start) return sg_fail_memory(e);
  long row = 0;
  for (int c = 0; c < count; c++) {
    sg_stretch *s = &p->stretch[p->parts + c];
    if (coded[c].count == 1) continue;
    s->sparse = out;
    s->first = row;
    s->one = 0;
    s->list = s->listed = 0;
    for (int t = 0; t < coded[c].count; t++) s->one += coded[c].coef[t];
    for (long i = 0; i < s->n; i++, row++)
      if (!combine_row(p, &coded[c], i, row, data->columns, &r, out)) return sg_fail_memory(e);
  }
  return SG_OK;
}

/* Numbers of 8 bytes for a combined entry: 12 in its row, 16 in the list. */
static const double entry_numbers = 3.5;

/* What combinations may take, before there are rows: none has more entries than its terms. */
static void estimate(const sg_data *data, int count, const sg_coded_part *coded, sg_partition *p) {
  const double all = (double)(data->rows + data->test_rows), columns = (double)data->columns;
  double entries = 0;
  for (int c = 0; c < count; c++) {
    double rows = (double)p->stretch[coded[c].part[0]].n,
           most = data->entries / all * rows * coded[c].count;
    if (coded[c].count > 1) entries += fmin(most, rows * columns);
  }
  p->made_numbers += (long)(entry_numbers * entries);
}

sg_status sg_sparse_combine(const sg_data *data, int count, const sg_coded_part *coded,
                            sg_partition *p, sg_error *e) {
  if (data->outline) {
    estimate(data, count, coded, p);
    return SG_OK;
  }
  /* Those of one part are listed only now; combinations of one part have its list. */
  sg_status status = p->entry ? SG_OK : list_parts(data, p, e);
  if (status) return status;
  long longest = 0, at = data->rows;
  for (int c = 0; c < count; c++) {
    long rows = p->stretch[coded[c].part[0]].n;
    longest = rows > longest ? rows : longest;
  }
  p->made = calloc((size_t)(longest + data->columns), sizeof *p->made);
  if (!p->made) return sg_fail_memory(e);
  for (int c = 0; c < count; c++) {
    sg_stretch *s = &p->stretch[p->parts + c];
    *s = p->stretch[coded[c].part[0]];
    s->target = p->made; /* zeros */
    s->at = at;
    at += s->n;
    if (coded[c].count == 1) s->scale *= coded[c].coef[0] * coded[c].coef[0];
  }
  status = combine_rows(data, count, coded, p, e);
  if (status) return status;
  long rows = 0;
  for (int c = 0; c < count; c++)
    if (coded[c].count > 1) rows += p->stretch[p->parts + c].n;
  const size_t known = (size_t)data->sparse->start[data->rows],
               more = (size_t)p->combined->start[rows];
  p->made_numbers += (long)(entry_numbers * (double)more);
  status = need_entries(p, known, more, e);
  if (!status) status = list_entries(data, p, p->parts, p->parts + count, known, e);
  if (status) return status;
  p->constant = p->made + longest;
  for (long i = 0; i < data->rows; i++) {
    const double coef = -data->y[i] / (double)data->rows;
    for (long k = data->sparse->start[i]; k < data->sparse->start[i + 1]; k++)
      p->constant[data->sparse->column[k]] += coef * data->sparse->value[k];
    if (data->intercept) p->constant[data->columns - 1] += coef;
  }
  return SG_OK;
}

void sg_sparse_free(sg_partition *p) {
  free(p->entry);
  if (!p->combined) return;
  free(p->combined->start);
  free(p->combined->column);
  free(p->combined->value);
  free(p->combined);
}

size_t sg_entries_find(const sg_entry *entry, size_t n, long stripe, size_t hint) {
  if (hint <= n && (hint == 0 || sg_stripe_of(entry[hint - 1].column) < stripe) &&
      (hint == n || sg_stripe_of(entry[hint].column) >= stripe))
    return hint;
  size_t low = 0, high = n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (sg_stripe_of(entry[middle].column) < stripe)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}
