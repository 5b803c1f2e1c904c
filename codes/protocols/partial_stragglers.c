/* SPDX-License-Identifier: MIT */
/* Gradient codes that use what partial stragglers have done (Ramamoorthy, Meng, Girimaji 2024).
 *
 * Chunk i of K is held by γ_i workers, who compute their chunks one after another and report each.
 * When every chunk is done by q distinct workers (or at a deadline) the master tells all how far
 * everyone is; work that it has not heard of does not count. Whoever has done something sends one
 * vector of 1/q of a gradient. With R (q × n) known to all and P_i who has done chunk i, worker j
 * multiplies chunk i's q pieces by row j of E_i = pinv(R[:, P_i]); Σ_j R[:, j] · (vector of j) is
 * the sum, as R[:, P_i] E_i = I where |P_i| ≥ q. Where it is less, at a deadline, it is the
 * projection that is nearest to I, and the decoding error is Σ_i (q − |P_i|). (abstract published;
 * coefficients reconstructed, theory: partial-stragglers)
 *
 * The order of a worker's chunks matters: Q_max is the most chunks that the cluster may do, in the
 * worst case, before it may stop. */
#include "codes/frame/protocol.h"
#include "codes/tools/gaussian.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const placements[] = {"cyclic", "random", "matrix", NULL};
static const char *const chunk_orders[] = {"given", "optimised", NULL};
enum { CYCLIC, RANDOM, MATRIX };
enum { GIVEN, OPTIMISED };

static const sg_param params[] = {
    SG_ROW_INT("pieces", 1, 64,
               "q: a message is 1/q of a gradient, and every chunk must be done by q workers; at "
               "most the least replication of a chunk",
               .fallback = 1),
    SG_ROW_CHOICE("placement", placements, CYCLIC,
                  "which workers hold a chunk: neighbours in a circle; random ones, so that all "
                  "have equally many chunks, give or take one (with replication 2 a random regular "
                  "graph: workers are its vertices, chunks its edges); or the matrix of a file"),
    SG_ROW_INT("replication", 1, SG_UNBOUNDED,
               "workers that hold a chunk; pieces + 1 when left out. Not with a matrix",
               .flags = SG_OPTIONAL),
    SG_ROW_INT("chunks", 1, 100000,
               "how many equal parts the data is cut into; the number of workers when left out. "
               "Not with a matrix",
               .flags = SG_OPTIONAL),
    SG_ROW("matrix", SG_MATRIX,
           "file with a row for each worker and a column for each chunk: 0 where the worker does "
           "not hold it, else a positive number; a worker's chunks are done in the order of these "
           "numbers, equal ones from left to right",
           .flags = SG_OPTIONAL),
    SG_ROW_CHOICE(
        "order", chunk_orders, GIVEN,
        "in which order a worker does its chunks: as the placement gives it (cyclic: its "
        "own first; random: by number), or so that Q_max is small: each chunk at different "
        "places at its workers, by an edge colouring, and exchanges"),
    SG_ROW_REAL("deadline_s", 0, SG_UNBOUNDED,
                "seconds after which the master takes what there is, or else the first chunk; the "
                "gradient is approximate. Left out: it waits until the sum is exact",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    {0}};

/* Entries are (worker, chunk): those of worker j are start[j] … start[j + 1] − 1 in the order of
 * its work; those of chunk i are by_chunk[first[i] … first[i + 1] − 1]. */
typedef struct tables {
  int n, chunks, q, entries;
  int least, most;                  /* chunks of a worker */
  int replicated_least, replicated; /* workers of a chunk, at least and at most */
  int *start, *chunk;               /* n + 1; entries */
  int *first, *by_chunk;            /* chunks + 1; entries */
  int *worker;                      /* of an entry */
  double *r;         /* q × n, column-major: unit columns whose first entry is positive */
  double deadline_s; /* INFINITY: none */
} tables;

/* Behind it: entries × q coefficients, workspace; for each worker how many chunks the master knows
 * it to have done, for each chunk by how many workers it is. */
typedef struct progress {
  int complete; /* chunks done by q workers */
  int senders, come;
  bool any, overdue; /* some chunk is done; the deadline has passed */
  bool frozen, over;
  sg_decode_info info; /* of finding the coefficients */
} progress;

/* Numbers for find_coefficients. */
static size_t workspace(const tables *t) {
  return (size_t)(t->q * (3 * t->q + 1 + 2 * t->replicated));
}

static double *coefficients(progress *p) {
  return (double *)(void *)(p + 1);
}

static int *done_of(const tables *t, progress *p) {
  return (int *)(void *)(coefficients(p) + (size_t)t->entries * (size_t)t->q + workspace(t));
}

static int *times_of(const tables *t, progress *p) {
  return done_of(t, p) + t->n;
}

/* --- Placement -------------------------------------------------------------------------------- */

/* A chunk at a worker; rank is where it wants to be in the worker's order. */
typedef struct holding {
  int worker, chunk;
  double rank;
} holding;

static int by_worker(const void *a, const void *b) {
  const holding *x = a, *y = b;
  if (x->worker != y->worker) return x->worker < y->worker ? -1 : 1;
  if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

static bool holds(const holding *of_chunk, int replication, int worker) {
  for (int k = 0; k < replication; k++)
    if (of_chunk[k].worker == worker) return true;
  return false;
}

/* Every chunk has `replication` holdings in a row. Two of them change workers, again and again,
 * where that gives no worker a chunk twice: all degrees stay, what was regular is random. */
static void shuffle(holding *h, int entries, int replication, uint64_t seed) {
  for (int t = 0; t < 10 * entries; t++) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CODE, (uint32_t)t, 4, 0);
    int a = (int)(sg_uniform(&random) * entries), b = (int)(sg_uniform(&random) * entries);
    if (holds(h + a / replication * replication, replication, h[b].worker) ||
        holds(h + b / replication * replication, replication, h[a].worker))
      continue;
    int worker = h[a].worker;
    h[a].worker = h[b].worker;
    h[b].worker = worker;
  }
}

static sg_status place(tables *t, const sg_values *values, int placement, uint64_t seed,
                       holding **out, sg_error *e) {
  int n = t->n;
  long g = sg_given(values, "replication") ? sg_int(values, "replication") : t->q + 1;
  if (g > n)
    return sg_fail_at(e, values, sg_given(values, "replication") ? "replication" : "pieces",
                      "expected a replication of at most n = %d, found %ld", n, g);
  t->chunks = sg_given(values, "chunks") ? (int)sg_int(values, "chunks") : n;
  if (t->chunks > 10000000 / g)
    return sg_fail_at(e, values, "chunks", "expected chunks · replication ≤ 10000000, found %ld",
                      t->chunks * g);
  t->entries = t->chunks * (int)g;
  holding *h = *out = malloc((size_t)t->entries * sizeof *h);
  if (!h) return sg_fail_memory(e);
  for (int i = 0, at = 0; i < t->chunks; i++)
    for (int k = 0; k < g; k++, at++) {
      /* The k-th place is at the worker k before the chunk's own. */
      int own = (int)((long)i * n / t->chunks);
      h[at] = placement == CYCLIC ? (holding){.worker = (own - k + n) % n, .chunk = i, .rank = k}
                                  : (holding){.worker = at % n, .chunk = i};
    }
  if (placement == RANDOM) shuffle(h, t->entries, (int)g, seed);
  return SG_OK;
}

static sg_status read_matrix(tables *t, const sg_values *values, holding **out, sg_error *e) {
  const sg_matrix *matrix = sg_matrix_of(values, "matrix");
  if (matrix->rows != t->n)
    return sg_fail_at(e, values, "matrix", "expected a row for each of n = %d workers, found %d",
                      t->n, matrix->rows);
  t->chunks = matrix->columns;
  holding *h = *out = malloc((size_t)t->n * (size_t)t->chunks * sizeof *h);
  if (!h) return sg_fail_memory(e);
  for (int j = 0; j < t->n; j++)
    for (int i = 0; i < t->chunks; i++) {
      double x = matrix->number[(size_t)j * (size_t)t->chunks + (size_t)i];
      if (x < 0)
        return sg_fail_at(e, values, "matrix",
                          "expected 0 or a positive number in row %d, column %d, found %g", j + 1,
                          i + 1, x);
      if (x > 0) h[t->entries++] = (holding){.worker = j, .chunk = i, .rank = x};
    }
  return SG_OK;
}

static sg_status read_placement(tables *t, const sg_values *values, uint64_t seed, holding **out,
                                sg_error *e) {
  static const char *const not_with[] = {"replication", "chunks"};
  int placement = sg_choice(values, "placement");
  if (sg_given(values, "matrix") != (placement == MATRIX))
    return sg_fail_at(e, values, "matrix",
                      placement == MATRIX ? "expected the name of a CSV file, n rows of a number "
                                            "for each chunk, with placement matrix, found nothing"
                                          : "expected a matrix only with placement matrix, found "
                                            "another placement");
  if (placement != MATRIX) return place(t, values, placement, seed, out, e);
  for (int i = 0; i < 2; i++)
    if (sg_given(values, not_with[i]))
      return sg_fail_at(e, values, not_with[i],
                        "expected no %s with placement matrix, which says it, found one",
                        not_with[i]);
  return read_matrix(t, values, out, e);
}

/* --- Orders ----------------------------------------------------------------------------------- */

/* The table of a holding's worker or chunk: by colour, which holding has it, −1. */
static int *end_of(const tables *t, int *taken, int colours, const holding *h, bool worker) {
  return taken + (ptrdiff_t)(worker ? h->worker : t->n + h->chunk) * colours;
}

/* Colours the holdings so that neither two of a worker nor two of a chunk have the same, with as
 * many colours as the most that anyone has (König), one holding after another. Where the colour a
 * that is free at its worker is taken at its chunk, a and the colour b that is free there are
 * exchanged along the path that begins at the chunk; it cannot come to the worker, where it would
 * arrive with a. O(entries · (n + chunks)). Ranks become colours. */
static bool colour(const tables *t, holding *h, int colours) {
  size_t size = (size_t)(t->n + t->chunks) * (size_t)colours;
  SG_OWNED int *taken = malloc(size * sizeof *taken);
  SG_OWNED int *path = malloc(((size_t)t->entries + 1) * sizeof *path);
  if (!taken || !path) return false;
  for (size_t i = 0; i < size; i++) taken[i] = -1;
  for (int x = 0; x < t->entries; x++) {
    int a = 0, b = 0, length = 0;
    while (end_of(t, taken, colours, &h[x], true)[a] >= 0) a++;
    while (end_of(t, taken, colours, &h[x], false)[b] >= 0) b++;
    bool worker = false;
    const holding *at = &h[x];
    for (int c = a, y; a != b && (y = end_of(t, taken, colours, at, worker)[c]) >= 0;) {
      path[length++] = y;
      at = &h[y];
      worker = !worker;
      c = a + b - c;
    }
    for (int k = 0; k < 2 * length; k++) { /* first all are taken off, then put on again */
      holding *y = &h[path[k % length]];
      if (k >= length) y->rank = a + b - y->rank;
      for (int w = 0; w < 2; w++)
        end_of(t, taken, colours, y, w)[(int)y->rank] = k < length ? -1 : path[k - length];
    }
    h[x].rank = a;
    for (int w = 0; w < 2; w++) end_of(t, taken, colours, &h[x], w)[a] = x;
  }
  return true;
}

static int by_number(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

/* The most chunks that may be done before this one is done by q workers, that not included: all but
 * q − 1 of its holders, those who then have least left to do, stop right before it; everything else
 * is done. loss: `replicated` numbers of workspace. */
static int most_before(const tables *t, int chunk, int *loss) {
  int holders = t->first[chunk + 1] - t->first[chunk], done = t->entries;
  for (int k = 0; k < holders; k++) {
    int entry = t->by_chunk[t->first[chunk] + k];
    loss[k] = t->start[t->worker[entry] + 1] - entry;
  }
  qsort(loss, (size_t)holders, sizeof *loss, by_number);
  for (int k = 0; k <= holders - t->q; k++) done -= loss[k];
  return done;
}

/* Fills before[] of all chunks; the most of them. */
static int find_most(const tables *t, int *before, int *loss) {
  int most = 0;
  for (int i = 0; i < t->chunks; i++) {
    before[i] = most_before(t, i, loss);
    if (before[i] > most) most = before[i];
  }
  return most;
}

static void move(tables *t, int chunk, int from, int to) {
  int *entry = t->by_chunk + t->first[chunk];
  while (*entry != from) entry++;
  *entry = to;
  t->chunk[to] = chunk;
}

/* Exchanges the chunk with an earlier one of the same worker, if `most` is too much for both then.
 */
static bool bring_forward(tables *t, int chunk, int most, int *before, int *loss) {
  for (int k = t->first[chunk]; k < t->first[chunk + 1]; k++) {
    int entry = t->by_chunk[k];
    for (int to = t->start[t->worker[entry]]; to < entry; to++) {
      int other = t->chunk[to];
      move(t, chunk, entry, to);
      move(t, other, to, entry);
      int mine = most_before(t, chunk, loss), its = most_before(t, other, loss);
      if (mine < most && its < most) {
        before[chunk] = mine;
        before[other] = its;
        return true;
      }
      move(t, chunk, to, entry);
      move(t, other, entry, to);
    }
  }
  return false;
}

/* As long as one exchange for each of the worst chunks makes all of them better. The most. */
static int exchange(tables *t, int *before, int *loss) {
  for (;;) {
    int most = find_most(t, before, loss);
    for (int i = 0; i < t->chunks; i++)
      if (before[i] == most && !bring_forward(t, i, most, before, loss)) return most;
  }
}

/* --- Making ----------------------------------------------------------------------------------- */

static bool allocate(sg_code *code, tables *t) {
  size_t n = (size_t)t->n, chunks = (size_t)t->chunks, entries = (size_t)t->entries;
  t->start = sg_code_alloc(code, n + 1, sizeof *t->start);
  t->chunk = sg_code_alloc(code, entries, sizeof *t->chunk);
  t->worker = sg_code_alloc(code, entries, sizeof *t->worker);
  t->first = sg_code_alloc(code, chunks + 2, sizeof *t->first);
  t->by_chunk = sg_code_alloc(code, entries, sizeof *t->by_chunk);
  t->r = sg_code_alloc(code, n * (size_t)t->q, sizeof *t->r);
  return t->start && t->chunk && t->worker && t->first && t->by_chunk && t->r;
}

/* Entries from holdings; how many chunks workers and how many workers chunks have. */
static void fill(tables *t, holding *h) {
  qsort(h, (size_t)t->entries, sizeof *h, by_worker);
  memset(t->start, 0, ((size_t)t->n + 1) * sizeof *t->start);
  memset(t->first, 0, ((size_t)t->chunks + 2) * sizeof *t->first);
  for (int x = 0; x < t->entries; x++) {
    t->chunk[x] = h[x].chunk;
    t->worker[x] = h[x].worker;
    t->start[h[x].worker + 1]++;
    t->first[h[x].chunk + 2]++;
  }
  t->least = t->entries;
  t->most = t->replicated = 0;
  t->replicated_least = t->n;
  for (int j = 0; j < t->n; j++) {
    int count = t->start[j + 1];
    if (count < t->least) t->least = count;
    if (count > t->most) t->most = count;
    t->start[j + 1] += t->start[j];
  }
  for (int i = 0; i < t->chunks; i++) {
    int count = t->first[i + 2];
    if (count < t->replicated_least) t->replicated_least = count;
    if (count > t->replicated) t->replicated = count;
    t->first[i + 2] += t->first[i + 1];
  }
  for (int x = 0; x < t->entries; x++) t->by_chunk[t->first[h[x].chunk + 1]++] = x;
}

/* What no order can be better than with q = 1: the losses of all chunks have the same sum. */
static int bound(const tables *t) {
  long losses = 0;
  for (int j = 0; j < t->n; j++) {
    long count = t->start[j + 1] - t->start[j];
    losses += count * (count + 1) / 2;
  }
  return t->entries + 1 - (int)(losses / t->chunks);
}

/* Colours are best where all workers and chunks are alike, otherwise they are a good beginning. */
static sg_status order_chunks(sg_code *code, tables *t, holding *h, bool optimised, sg_error *e) {
  int colours = t->most > t->replicated ? t->most : t->replicated;
  SG_OWNED int *loss = malloc((size_t)(t->replicated + t->chunks) * sizeof *loss);
  SG_OWNED holding *coloured = malloc((size_t)t->entries * sizeof *coloured);
  char *note = sg_code_alloc(code, 200, 1);
  if (!loss || !coloured || !note) return sg_fail_memory(e);
  int *before = loss + t->replicated, most = find_most(t, before, loss), given = most;
  if (optimised) {
    memcpy(coloured, h, (size_t)t->entries * sizeof *coloured);
    if (!colour(t, coloured, colours)) return sg_fail_memory(e);
    fill(t, coloured);
    if (find_most(t, before, loss) > given) fill(t, h);
    most = exchange(t, before, loss);
  }
  int used =
      snprintf(note, 200,
               "Q_max = %d: so many of %d chunks may be done, in the worst case, before each "
               "is done by %d worker%s",
               most + 1, t->entries, t->q, t->q == 1 ? "" : "s");
  if (t->q == 1 && most + 1 == bound(t))
    snprintf(note + used, 200 - (size_t)used, "; no order has less");
  else if (t->q == 1)
    snprintf(note + used, 200 - (size_t)used, "; no order has less than %d", bound(t));
  code->note = note;
  return SG_OK;
}

static void make_random(tables *t, uint64_t seed) {
  sg_fill_gaussian_draw(t->r, t->q, t->n, t->q, seed, 5);
  for (int j = 0; j < t->n; j++) {
    double *column = t->r + j * t->q;
    double length = sqrt(cblas_ddot(t->q, column, 1, column, 1));
    for (int u = t->q - 1; u >= 0; u--) column[u] /= copysign(length, column[0]);
  }
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->n = shape->workers;
  t->q = (int)sg_int(values, "pieces");
  t->deadline_s = sg_given(values, "deadline_s") ? sg_real(values, "deadline_s") : INFINITY;
  SG_OWNED holding *h = NULL;
  sg_status status = read_placement(t, values, shape->seed, &h, e);
  if (status) return status;
  if (!allocate(code, t)) return sg_fail_memory(e);
  fill(t, h);
  int least = t->replicated_least;
  if (t->q > least)
    return sg_fail_at(e, values, "pieces",
                      least > 0 ? "expected pieces ≤ the least replication of a chunk, %d (1 to "
                                  "%d), found %d"
                                : "expected every chunk at some worker, found one at %d of them",
                      least, least, t->q);
  status = order_chunks(code, t, h, sg_choice(values, "order") == OPTIMISED, e);
  if (!status) status = sg_code_one_segment(code, values, "pieces", t->q, t->n, e);
  if (status) return status;
  make_random(t, shape->seed);
  code->parts = t->chunks;
  code->exact = isinf(t->deadline_s);
  code->promised = least - t->q;
  code->load = (double)shape->subsets / t->chunks * t->most;
  code->stored = (double)t->entries / t->chunks;
  code->stop = isinf(t->deadline_s) ? "progress" : "progress, deadline";
  code->state_size = sizeof(progress) +
                     ((size_t)t->entries * (size_t)t->q + workspace(t)) * sizeof(double) +
                     (size_t)(t->n + t->chunks) * sizeof(int);
  return SG_OK;
}

/* --- Coefficients ----------------------------------------------------------------------------- */

static void times(bool turn_a, bool turn_b, int m, int n, int k, double alpha, const double *a,
                  int lda, const double *b, int ldb, double beta, double *c, int ldc) {
  cblas_dgemm(CblasColMajor, turn_a ? CblasTrans : CblasNoTrans, turn_b ? CblasTrans : CblasNoTrans,
              m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* E = pinv(R) of the R (q × count) of those who have done a chunk: Rᵀ (R Rᵀ)⁻¹ or, of fewer than q
 * workers, (Rᵀ R)⁻¹ Rᵀ. A Gram matrix has the square of R's condition: where the sum depends on it,
 * a step of refinement takes the residual back to that of R. */
static sg_status invert(int q, int count, const double *r, double *e, double *work,
                        sg_decode_info *info) {
  bool enough = count >= q;
  int size = enough ? q : count;
  double *gram = work, *inverse = gram + q * q, *off = inverse + q * q, cond1 = 1;
  lapack_int *pivots = (lapack_int *)(void *)(off + q * q);
  times(!enough, enough, size, size, enough ? count : q, 1, r, q, r, q, 0, gram, size);
  sg_status status = sg_invert(size, gram, size, inverse, size, pivots, &cond1);
  info->cond1 = fmax(info->cond1, status ? INFINITY : cond1);
  info->flops += 4.0 * q * count * size + 8.0 / 3 * size * size * size;
  if (status) return status;
  if (!enough) {
    times(false, true, count, q, count, 1, inverse, count, r, q, 0, e, count);
    return SG_OK;
  }
  times(true, false, count, q, q, 1, r, q, inverse, q, 0, e, count);
  memset(off, 0, (size_t)(q * q) * sizeof *off);
  for (int u = 0; u < q; u++) off[u + u * q] = 1;
  times(false, false, q, q, count, -1, r, q, e, count, 1, off, q);
  times(false, false, q, q, q, 1, inverse, q, off, q, 0, gram, q);
  times(true, false, count, q, q, 1, r, q, gram, q, 1, e, count);
  info->flops += 4.0 * q * q * count + 2.0 * q * q * q;
  return SG_OK;
}

/* What each worker multiplies its chunks with, from how far all are. */
static void find_coefficients(const tables *t, progress *p) {
  int q = t->q, *done = done_of(t, p);
  double *coef = coefficients(p), *r = coef + (size_t)t->entries * (size_t)q,
         *e = r + q * t->replicated;
  p->info = (sg_decode_info){.cond1 = 1};
  for (int i = 0; i < t->chunks; i++) {
    int count = 0;
    for (int k = t->first[i]; k < t->first[i + 1]; k++) {
      int entry = t->by_chunk[k], j = t->worker[entry];
      if (entry - t->start[j] < done[j])
        memcpy(r + q * count++, t->r + (ptrdiff_t)q * j, (size_t)q * sizeof *r);
    }
    sg_status status = count > 0 ? invert(q, count, r, e, e + q * t->replicated, &p->info) : SG_OK;
    for (int k = t->first[i], c = 0; k < t->first[i + 1]; k++) {
      int entry = t->by_chunk[k], j = t->worker[entry];
      if (entry - t->start[j] >= done[j]) continue;
      for (int u = 0; u < q; u++) coef[(ptrdiff_t)entry * q + u] = status ? 0 : e[c + u * count];
      c++;
    }
  }
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  progress *p = (progress *)row->state; /* is only read */
  const double *coef = coefficients(p);
  int j = message->from, end = t->start[j] + done_of(t, p)[j];
  for (int entry = t->start[j]; entry < end; entry++)
    for (int u = 0; u < t->q; u++)
      sg_row_part(row, t->chunk[entry], u, coef[(ptrdiff_t)entry * t->q + u]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  const progress *p = used->state;
  bool all = p->complete == t->chunks && used->count == p->senders && isfinite(p->info.cond1);
  if (used->count == 0 || (code->exact && !all)) return SG_UNDECODABLE;
  for (int i = 0; i < used->count; i++)
    memcpy(used->W + (ptrdiff_t)i * t->q, t->r + (ptrdiff_t)used->message[i]->from * t->q,
           (size_t)t->q * sizeof *used->W);
  used->info->cond1 = p->info.cond1;
  used->info->flops = p->info.flops;
  return SG_OK;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void begin(const sg_code *code, progress *p, int round, sg_orders *o) {
  const tables *t = code->self;
  double work = (double)code->shape.subsets / t->chunks;
  int draws = work < 1 ? 1 : (int)lround(work);
  *p = (progress){0};
  memset(done_of(t, p), 0, (size_t)(t->n + t->chunks) * sizeof(int));
  sg_snapshot(o, round, 0, 0);
  for (int k = 0; k < t->least; k++) sg_task(o, SG_ALL, round, work, draws, SG_REPORT);
  for (int j = 0; j < t->n && t->most > t->least; j++)
    for (int k = t->least; k < t->start[j + 1] - t->start[j]; k++)
      sg_task(o, j, round, work, draws, SG_REPORT);
  if (isfinite(t->deadline_s)) sg_timer(o, SG_AFTER_SECONDS, t->deadline_s, 0);
}

static void decode(progress *p, int round, sg_orders *o) {
  p->over = true;
  sg_decode(o, 0, round, SG_LAST);
  sg_end_round(o);
}

/* The state is frozen: it goes to all, and later reports change nothing. */
static void freeze(const tables *t, progress *p, sg_orders *o) {
  const int *done = done_of(t, p);
  p->frozen = true;
  for (int j = 0; j < t->n; j++) p->senders += done[j] > 0;
  find_coefficients(t, p);
  sg_tell(o, SG_ALL, 0);
}

static void take_report(const tables *t, progress *p, const sg_event *event, sg_orders *o) {
  int j = event->from, *done = done_of(t, p), *done_by = times_of(t, p);
  if (p->frozen) return;
  for (; done[j] < event->count; done[j]++, p->any = true)
    p->complete += ++done_by[t->chunk[t->start[j] + done[j]]] == t->q;
  if (p->complete == t->chunks || p->overdue) freeze(t, p, o);
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  switch (event->kind) {
  case SG_BEGIN: begin(code, p, event->round, o); break;
  case SG_SIGNAL: take_report(t, p, event, o); break;
  case SG_COMMAND:
    sg_stop(o, event->at);
    if (done_of(t, p)[event->at] > 0) sg_send(o, event->at, SG_MASTER, event->round, 0, 0, 0);
    break;
  case SG_ARRIVAL:
    if (p->over || event->message[0]->round != event->round)
      sg_drop(o, event->message[0]); /* late */
    else if (++p->come == p->senders)
      decode(p, event->round, o);
    break;
  case SG_TIMER: /* The first report will do where there is none yet. */
    p->overdue = true;
    if (p->any && !p->frozen) freeze(t, p, o);
    break;
  case SG_STALLED: /* Workers are lost, or vectors: with what there is. */
    if (event->skip || (!code->exact && p->come > 0)) decode(p, event->round, o);
    break;
  case SG_UPDATED: /* Refused, and nothing better will come. */
    if (event->decoded || !event->skip) break;
    sg_close(o, event->round);
    sg_end_round(o);
    break;
  default: break;
  }
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  for (int i = 0; i < t->chunks; i++) {
    int holders = 0;
    for (int k = t->first[i]; k < t->first[i + 1]; k++)
      holders += present[t->worker[t->by_chunk[k]]];
    if (holders < t->q) return false;
  }
  return true;
}

const sg_code_type sg_partial_stragglers = {
    .about = {.name = "partial-stragglers",
              .brief = "what partial stragglers have done counts",
              .summary = "Workers report each chunk that they have done; when every chunk is done "
                         "by q of them (or at a deadline) each sends one vector of 1/q of a "
                         "gradient, coded by how far all have come.",
              .reference = "Ramamoorthy, Meng, Girimaji (NeurIPS 2024), arXiv:2405.19509 (abstract "
                           "published; coefficients are a reconstruction).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .on_event = on_event,
};
