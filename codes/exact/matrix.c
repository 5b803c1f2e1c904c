/* SPDX-License-Identifier: MIT */
/* A gradient code of the user's own: an n × k matrix B from a file.
 *
 * Worker i sends Σ_j B[i][j] g_j, so it holds the parts at which its row is not 0, and the sum
 * comes back with weights w from the workers F that answered wherever wᵀ B_F = 1ᵀ (Tandon et al.
 * 2017). The weights are those of least squares, or the rows of a table A (f × n) with A B = 1: the
 * first row all of whose workers are in F.
 *
 * s is found by trying all patterns, from none missing on, until one cannot be decoded. With W one
 * solution of Bᵀ W = 1 and N a basis of the left null space of B, the workers S may be missing if
 * and only if N[S] y = −W[S] has a solution: s equations instead of n − s (theory: matrix). */
#include "codes/frame/code.h"
#include "codes/tools/rules.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdio.h>

/* Patterns times numbers that are looked through: about a second. */
static const double MOST_EFFORT = 4e8;
/* n k min(n, k): the decomposition of a larger matrix takes too long; s must be given. */
static const double MOST_SIZE = 5e7;
/* Singular values of B that count as 0, relative to the largest, and how far a sum may be off. */
static const double RANK_TOLERANCE = 1e-10, SUM_TOLERANCE = 1e-7;

static const sg_param params[] = {
    SG_ROW("encode", SG_MATRIX,
           "matrix B, a CSV file without a header: a row for each worker and a column for each "
           "part of the data. The worker sends the combination of its parts' gradients that its "
           "row says, and computes those whose number is not 0",
           .flags = SG_REQUIRED),
    SG_ROW("weights", SG_MATRIX,
           "matrix A of decode weights, a CSV file: each row has a number for each worker, 0 for "
           "those it does without, and A B is all ones; of the rows whose workers have all "
           "answered the first is taken. Left out: least squares",
           .flags = SG_OPTIONAL),
    SG_ROW_INT("s", 0, SG_UNBOUNDED,
               "number of stragglers that are not waited for; the most that can be tolerated in "
               "every pattern, as far as it can be found, when left out",
               .flags = SG_OPTIONAL),
    SG_ROW("approximate", SG_BOOL,
           "the sum need not be exact: with s workers missing the nearest one to it is taken. s "
           "must be given"),
    {0}};

typedef struct tables {
  int n, k, s, rows; /* rows of A */
  const double *b;   /* n × k, row by row */
  const double *a;   /* rows × n, row by row; NULL: least squares */
  /* For the search: */
  int nulls;          /* columns of N */
  double *one, *null; /* W: n; N: n × nulls, column-major */
} tables;

/* --- What the files say ----------------------------------------------------------------------- */

static const char *path_of(const sg_values *values, const char *member) {
  return sg_values_find(values, member)->text;
}

static sg_status check_encode(const tables *t, const sg_values *values, const sg_matrix *b,
                              sg_error *e) {
  const char *path = path_of(values, "encode");
  if (b->rows != t->n)
    return sg_fail_at(e, values, "encode",
                      "expected a row for each of n = %d workers in %s, found %d × %d%s", t->n,
                      path, b->rows, b->columns, b->columns == t->n ? "; is it transposed?" : "");
  for (int i = 0; i < t->n; i++) {
    int j = 0;
    while (j < t->k && t->b[(size_t)i * (size_t)t->k + (size_t)j] == 0) j++;
    if (j == t->k)
      return sg_fail_at(e, values, "encode",
                        "%s:%ld: expected a number other than 0 in every row, found none in row "
                        "%d: worker %d would have nothing to do",
                        path, sg_matrix_line(b, i), i + 1, i);
  }
  for (int j = 0; j < t->k; j++) {
    int i = 0;
    while (i < t->n && t->b[(size_t)i * (size_t)t->k + (size_t)j] == 0) i++;
    if (i == t->n)
      return sg_fail_at(e, values, "encode",
                        "%s:%ld: expected a number other than 0 in every column, found none in "
                        "column %d: nobody has that part of the data",
                        path, sg_matrix_line(b, 0), j + 1);
  }
  return SG_OK;
}

/* The column in which w B is farthest from 1, and how far. */
static double farthest(const tables *t, const double *w, double *sum, int *column) {
  double most = -1;
  memset(sum, 0, (size_t)t->k * sizeof *sum);
  for (int i = 0; i < t->n; i++)
    if (w[i] != 0) cblas_daxpy(t->k, w[i], t->b + (size_t)i * (size_t)t->k, 1, sum, 1);
  for (int j = 0; j < t->k; j++)
    if (!(fabs(sum[j] - 1) <= most)) {
      most = fabs(sum[j] - 1);
      if (column) *column = j;
    }
  return most;
}

static sg_status check_weights(const tables *t, const sg_values *values, const sg_matrix *a,
                               bool exact, sg_error *e) {
  const char *path = path_of(values, "weights");
  if (a->columns != t->n)
    return sg_fail_at(e, values, "weights",
                      "expected rows of a number for each of n = %d workers in %s, found %d × %d%s",
                      t->n, path, a->rows, a->columns,
                      a->rows == t->n ? "; is it transposed?" : "");
  SG_OWNED double *sum = malloc((size_t)t->k * sizeof *sum);
  if (!sum) return sg_fail_memory(e);
  for (int r = 0; r < a->rows; r++) {
    int column = 0;
    double off = farthest(t, t->a + (size_t)r * (size_t)t->n, sum, &column);
    if (exact && !(off <= SUM_TOLERANCE))
      return sg_fail_at(e, values, "weights",
                        "%s:%ld: expected a row whose product with B is 1 in every column, found "
                        "%.6g in column %d%s",
                        path, sg_matrix_line(a, r), sum[column], column + 1,
                        off < 0.01 ? "; more digits would help" : "");
  }
  return SG_OK;
}

/* --- How many may be missing ------------------------------------------------------------------ */

/* W, N and whether there is a W at all. */
static sg_status prepare(sg_code *code, tables *t, bool *spans) {
  size_t n = (size_t)t->n, k = (size_t)t->k, least = n < k ? n : k;
  SG_OWNED double *copy = malloc((n * k + n * n + k * k + least + k) * sizeof *copy);
  t->one = sg_code_alloc(code, n, sizeof *t->one);
  t->null = sg_code_alloc(code, n * n, sizeof *t->null);
  if (!copy || !t->one || !t->null) return SG_NO_MEMORY;
  double *u = copy + n * k, *vt = u + n * n, *sigma = vt + k * k, *sum = sigma + least;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < k; j++) copy[i + j * n] = t->b[i * k + j];
  sg_status status = sg_svd(t->n, t->k, copy, t->n, sigma, u, vt);
  if (status) return status;
  size_t rank = 0;
  while (rank < least && sigma[rank] > RANK_TOLERANCE * sigma[0]) rank++;
  for (size_t r = 0; r < rank; r++) { /* W = U Σ⁻¹ Vᵀ 1 */
    double along = 0;
    for (size_t j = 0; j < k; j++) along += vt[r + j * k];
    cblas_daxpy(t->n, along / sigma[r], u + r * n, 1, t->one, 1);
  }
  t->nulls = (int)(n - rank);
  memcpy(t->null, u + rank * n, (n - rank) * n * sizeof *t->null);
  *spans = farthest(t, t->one, sum, NULL) <= SUM_TOLERANCE;
  return SG_OK;
}

/* Whether the sum is there without those s workers. work: room, see `search`. */
static bool is_solvable(const tables *t, int s, const int *missing, double *work) {
  int q = t->nulls, longer = s > q ? s : q;
  double *a = work, *y = a + (size_t)s * (size_t)q, *w = y + longer, *sum = w + t->n;
  lapack_int *pivots = (lapack_int *)(void *)(sum + t->k);
  memcpy(w, t->one, (size_t)t->n * sizeof *w);
  if (s > 0 && q > 0) {
    for (int i = 0; i < s; i++) {
      y[i] = -t->one[missing[i]];
      for (int c = 0; c < q; c++) a[i + c * s] = t->null[missing[i] + c * t->n];
    }
    if (sg_least_squares(s, q, 1, a, s, y, longer, RANK_TOLERANCE, pivots, NULL, NULL))
      return false;
    for (int c = 0; c < q; c++)
      cblas_daxpy(t->n, y[c], t->null + (size_t)c * (size_t)t->n, 1, w, 1);
  }
  for (int i = 0; i < s; i++) w[missing[i]] = 0;
  return farthest(t, w, sum, NULL) <= SUM_TOLERANCE;
}

/* Whether a row of the table does without them. */
static bool is_listed(const tables *t, int s, const int *missing) {
  for (int r = 0; r < t->rows; r++) {
    const double *w = t->a + (size_t)r * (size_t)t->n;
    int i = 0;
    while (i < s && w[missing[i]] == 0) i++;
    if (i == s) return true;
  }
  return false;
}

/* The next choice of s of n, in order. false: that was the last. */
static bool next_choice(int n, int s, int *choice) {
  int i = s - 1;
  while (i >= 0 && choice[i] == n - s + i) i--;
  if (i < 0) return false;
  for (choice[i]++; ++i < s;) choice[i] = choice[i - 1] + 1;
  return true;
}

/* Whether all patterns of s missing workers can be decoded; else missing[0 … s) is the first that
 * cannot. */
static bool survives(const tables *t, int s, int *missing, double *work) {
  for (int i = 0; i < s; i++) missing[i] = i;
  do
    if (!(t->a ? is_listed(t, s, missing) : is_solvable(t, s, missing, work))) return false;
  while (next_choice(t->n, s, missing));
  return true;
}

static double effort(const tables *t, int s) {
  double patterns = 1;
  for (int i = 0; i < s; i++) patterns *= (double)(t->n - i) / (i + 1);
  return patterns * t->n * (t->a ? t->rows : t->k + (double)s * t->nulls);
}

static void put_workers(int s, const int *missing, char *out, size_t size) {
  size_t at = 0;
  for (int i = 0; i < s && at < size; i++)
    at += (size_t)snprintf(out + at, size - at, "%s%d", i ? ", " : "", missing[i]);
}

/* t->s, and how it is known, for people. */
static sg_status find_stragglers(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  bool given = sg_given(values, "s");
  size_t n = (size_t)t->n, q = (size_t)t->nulls;
  SG_OWNED int *missing = malloc(n * sizeof *missing);
  SG_OWNED double *work =
      malloc((n * q + 2 * n + q + n + (size_t)t->k) * sizeof *work + (q + n) * sizeof(lapack_int));
  char *note = sg_code_alloc(code, 160, 1);
  if (!missing || !work || !note) return sg_fail_memory(e);
  int wanted = given ? (int)sg_int(values, "s") : t->n - 1;
  const char *known = "all patterns were tried";
  for (int s = 0; s <= wanted; s++) {
    if (effort(t, s) > MOST_EFFORT) {
      known = given ? "as given: there are too many patterns to try all"
                    : "at least: there are too many patterns to try for more";
      if (given) t->s = wanted;
      break;
    }
    if (survives(t, s, missing, work)) {
      t->s = s;
      continue;
    }
    char who[80];
    put_workers(s, missing, who, sizeof who);
    if (given)
      return sg_fail_at(e, values, "s",
                        "expected at most s = %d, which %s, found %d: without worker%s %s the "
                        "sum cannot be recovered",
                        s - 1, t->a ? "the rows of \"weights\" allow" : "this matrix allows",
                        wanted, s == 1 ? "" : "s", who);
    break;
  }
  snprintf(note, 160, "%d × %d matrix, s = %d: %s", t->n, t->k, t->s, known);
  code->note = note;
  return SG_OK;
}

/* --- The code --------------------------------------------------------------------------------- */

static const sg_code_type by_least_squares;

static const double *copy_numbers(sg_code *code, const sg_matrix *m) {
  size_t count = (size_t)m->rows * (size_t)m->columns;
  double *copy = sg_code_alloc(code, count, sizeof *copy);
  if (copy) memcpy(copy, m->number, count * sizeof *copy);
  return copy;
}

static sg_status find_exact(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  bool spans = false, large = (double)t->n * t->k * (t->n < t->k ? t->n : t->k) > MOST_SIZE;
  if (large && !sg_given(values, "s"))
    return sg_fail_at(
        e, values, "s",
        "expected s with a matrix as large as %d × %d, for which it is not looked for", t->n, t->k);
  if (large) {
    t->s = (int)sg_int(values, "s");
    code->note = "s as given: the matrix is too large to look for it";
    return SG_OK;
  }
  sg_status status = prepare(code, t, &spans);
  if (status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (status || !spans)
    return sg_fail_at(e, values, "encode",
                      "%s: expected rows of which some combination is 1 in every column, which "
                      "makes the sum of all gradients, found none; approximate = true takes the "
                      "nearest",
                      path_of(values, "encode"));
  return find_stragglers(code, t, values, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  const sg_matrix *b = sg_matrix_of(values, "encode"), *a = sg_matrix_of(values, "weights");
  bool exact = !sg_bool(values, "approximate");
  int n = shape->workers;
  if (sg_given(values, "s") && sg_int(values, "s") >= n)
    return sg_fail_at(e, values, "s", "expected s < n = %d, found %ld", n, sg_int(values, "s"));
  if (!exact && !sg_given(values, "s"))
    return sg_fail_at(e, values, "s",
                      "expected how many stragglers are not waited for (0 to %d) with approximate, "
                      "found nothing",
                      n - 1);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  *t = (tables){.n = n, .k = b->columns, .b = copy_numbers(code, b)};
  if (a) t->rows = a->rows, t->a = copy_numbers(code, a);
  if (!t->b || (a && !t->a)) return sg_fail_memory(e);
  sg_status status = check_encode(t, values, b, e);
  if (!status && a) status = check_weights(t, values, a, exact, e);
  if (!status && exact) status = find_exact(code, t, values, e);
  if (status) return status;
  if (!exact) t->s = (int)sg_int(values, "s");
  if (!a) code->type = &by_least_squares;
  code->parts = t->k;
  code->promised = t->s;
  code->exact = exact;
  code->flags = SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, "s", 1, n - t->s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  const double *b = t->b + (size_t)message->from * (size_t)t->k;
  for (int j = 0; j < t->k; j++) sg_row_part(row, j, 0, b[j]);
}

/* The rows of the table that do with the workers marked in `there`; −1: none. */
static int find_row(const tables *t, const bool *there) {
  for (int r = 0; r < t->rows; r++) {
    const double *w = t->a + (size_t)r * (size_t)t->n;
    int i = 0;
    while (i < t->n && (w[i] == 0 || there[i])) i++;
    if (i == t->n) return r;
  }
  return -1;
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  bool *there = sg_used_scratch(used, (size_t)t->n * sizeof *there);
  if (!there) return SG_NO_MEMORY;
  memset(there, 0, (size_t)t->n * sizeof *there);
  for (int i = 0; i < used->count; i++) there[used->message[i]->from] = true;
  int r = find_row(t, there);
  if (r < 0) return SG_UNDECODABLE;
  for (int i = 0; i < used->count; i++)
    used->W[i] = t->a[(size_t)r * (size_t)t->n + (size_t)used->message[i]->from];
  return SG_OK;
}

#define MATRIX                                                                                     \
  .about = {.name = "matrix",                                                                      \
            .brief = "a code of your own from a CSV file",                                         \
            .summary =                                                                             \
                "A gradient code of your own, from an n × k matrix in a CSV file: worker i "      \
                "sends the combination of gradients in row i; decoded by least squares or "        \
                "by a table of weights.",                                                          \
            .reference =                                                                           \
                "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301: A B "         \
                "= 1 (published).",                                                                \
            .params = params},                                                                     \
  .create = create, .encode = encode

const sg_code_type sg_gradient_matrix = {MATRIX, .weights = weights};
/* Without a table: the framework's decoder. */
static const sg_code_type by_least_squares = {MATRIX};
