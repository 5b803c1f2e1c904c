/* SPDX-License-Identifier: MIT */
/* Gradient codes from block designs (Kadhe, Koyluoglu, Ramchandran 2019, arXiv:1904.13373).
 *
 * A worker has ℓ blocks of n, and any two have ω of them in common. So A_S A_Sᵀ = (ℓ − ω) I + ω J
 * whichever workers S answer, and the optimal weights are all the same,
 *
 *   w = ℓ/(ℓ + ω (r − 1))   ‖α − 1‖² = n − r ℓ²/(ℓ + ω (r − 1))     r of the workers
 *
 * in O(1) (derived). The error depends on the number of stragglers only, so that choosing them
 * gains an adversary nothing (published). theory: block-design */
#include "codes/tools/approximate.h"
#include "codes/tools/symmetric_design.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED, "computation load ℓ: blocks of a worker",
               .flags = SG_REQUIRED),
    SG_ROW_INT("omega", 0, SG_UNBOUNDED,
               "blocks ω that any two workers have in common; left out: d(d - 1)/(n - 1), as it is "
               "in a symmetric design, or as it is in `incidence`",
               .flags = SG_OPTIONAL),
    SG_ROW("incidence", SG_MATRIX,
           "a design of one's own: a CSV file with a row for each worker and a column for each "
           "block, 1 where the worker has the block and 0 elsewhere. Left out: a symmetric "
           "design, with as many blocks as workers",
           .flags = SG_OPTIONAL),
    SG_ROWS_APPROXIMATE,
    {0}};

static sg_status constant_weights(const sg_approximate *t, int count, const int *worker, double *w,
                                  sg_scratch *scratch, sg_decode_info *info) {
  double same = sg_approximate_constant(t, count);
  for (int i = 0; i < count; i++) w[i] = same;
  info->flops = 4;
  return SG_OK;
}

/* Fills A from has[worker · blocks + block], d of which are set in each row. */
static bool place(sg_code *code, sg_approximate *t, int blocks, long d, const unsigned char *has) {
  int n = code->shape.workers;
  SG_OWNED double *ones = malloc((size_t)blocks * sizeof *ones);
  SG_OWNED int *block = malloc((size_t)blocks * sizeof *block);
  if (!ones || !block || !sg_approximate_place(code, t, blocks, (size_t)n * (size_t)d))
    return false;
  for (int i = 0; i < blocks; i++) ones[i] = 1;
  for (int j = 0; j < n; j++) {
    int load = 0;
    for (int i = 0; i < blocks; i++)
      if (has[(size_t)j * (size_t)blocks + (size_t)i]) block[load++] = i;
    sg_sparse_add_row(&t->a, load, block, ones);
  }
  return true;
}

/* --- Designs that can be made ----------------------------------------------------------------- */

static sg_status no_design(const sg_values *values, int n, long d, sg_error *e) {
  char near[400];
  bool given = sg_given(values, "omega"), whole = n > 1 && d * (d - 1) % (n - 1) == 0;
  long omega = given ? sg_int(values, "omega") : n > 1 ? d * (d - 1) / (n - 1) : 1;
  sg_design_nearest(n, d > n ? n : (int)d, near, sizeof near);
  if (d > n)
    return sg_fail_at(e, values, "d",
                      "expected d ≤ n = %d, for which there are (n, d, omega) = %s; "
                      "found %ld",
                      n, near, d);
  if (!whole || d * (d - 1) != omega * (n - 1)) {
    char product[60] = "";
    if (given) snprintf(product, sizeof product, ", omega = %ld: %ld", omega, omega * (n - 1));
    return sg_fail_at(
        e, values, given ? "omega" : "d",
        "expected a design with d(d - 1) = omega (n - 1), such as (n, d, omega) = %s; "
        "found n = %d, d = %ld: %ld%s",
        near, n, d, d * (d - 1), product);
  }
  if (!sg_design_is_possible(n, d, omega))
    return sg_fail_at(e, values, "d",
                      "expected a design that exists, such as (n, d, omega) = %s; found (%d, %ld, "
                      "%ld), which the theorem of Bruck, Ryser and Chowla excludes",
                      near, n, d, omega);
  return sg_fail_at(
      e, values, "d",
      "expected a design that can be made here, such as (n, d, omega) = %s, or one of "
      "your own as `incidence`; found (%d, %ld, %ld)",
      near, n, d, omega);
}

static sg_status make_symmetric(sg_code *code, const sg_values *values, sg_approximate *t,
                                sg_error *e) {
  int n = code->shape.workers;
  long d = sg_int(values, "d");
  sg_design design = d <= n ? sg_design_find(n, (int)d) : (sg_design){0};
  bool differs = sg_given(values, "omega") && n > 1 && sg_int(values, "omega") != design.omega;
  if (!design.kind || differs) return no_design(values, n, d, e);
  SG_OWNED unsigned char *has = malloc((size_t)n * (size_t)n);
  if (!has || sg_design_fill(&design, has) || !place(code, t, n, d, has)) return sg_fail_memory(e);
  t->overlap = design.omega;
  char *note = sg_code_alloc(code, 200, 1);
  if (!note) return sg_fail_memory(e);
  snprintf(note, 200, "design (%d, %d, %d): %s", n, design.l, design.omega,
           sg_design_name(&design));
  code->note = note;
  return SG_OK;
}

/* --- A design of one's own -------------------------------------------------------------------- */

/* Faults of the rows, each with its line, as many as there are. */
static sg_status check_rows(const sg_matrix *m, const sg_values *values, long d, sg_error *e) {
  const char *path = sg_text(values, "incidence");
  sg_status status = SG_OK;
  for (int j = 0; j < m->rows; j++) {
    const double *row = m->number + (size_t)j * (size_t)m->columns;
    long load = 0;
    bool bits = true;
    for (int i = 0; i < m->columns; i++) {
      bits &= row[i] == 0 || row[i] == 1;
      load += row[i] == 1;
    }
    if (!bits)
      status = sg_fail_at(e, values, "incidence", "%s:%ld: expected numbers 0 and 1, found others",
                          path, sg_matrix_line(m, j));
    else if (load != d)
      status = sg_fail_at(e, values, "incidence",
                          "%s:%ld: expected d = %ld blocks for every worker, found %ld", path,
                          sg_matrix_line(m, j), d, load);
  }
  return status;
}

static long overlap_of(const sg_matrix *m, int j, int k) {
  const double *a = m->number + (size_t)j * (size_t)m->columns,
               *b = m->number + (size_t)k * (size_t)m->columns;
  long sum = 0;
  for (int i = 0; i < m->columns; i++) sum += a[i] != 0 && b[i] != 0;
  return sum;
}

static sg_status check_pairs(const sg_matrix *m, const sg_values *values, long omega, sg_error *e) {
  const char *path = sg_text(values, "incidence");
  sg_status status = SG_OK;
  for (int k = 1; k < m->rows; k++)
    for (int j = 0; j < k; j++) {
      long found = overlap_of(m, j, k);
      if (found == omega) continue;
      status = sg_fail_at(e, values, "incidence",
                          "%s:%ld: expected omega = %ld blocks in common with the row of line %ld, "
                          "as any two have, found %ld",
                          path, sg_matrix_line(m, k), omega, sg_matrix_line(m, j), found);
      break; /* one fault a row */
    }
  return status;
}

static sg_status read_design(sg_code *code, const sg_values *values, sg_approximate *t,
                             sg_error *e) {
  const sg_matrix *m = sg_matrix_of(values, "incidence");
  int n = code->shape.workers;
  long d = sg_int(values, "d");
  if (m->rows != n)
    return sg_fail_at(e, values, "incidence",
                      "expected a row for each of n = %d workers in %s, found %d × %d%s", n,
                      sg_text(values, "incidence"), m->rows, m->columns,
                      m->columns == n ? "; is it transposed?" : "");
  sg_status status = check_rows(m, values, d, e);
  if (status) return status;
  long omega = sg_given(values, "omega") ? sg_int(values, "omega")
               : n > 1                   ? overlap_of(m, 0, 1)
                                         : 1;
  status = check_pairs(m, values, omega, e);
  if (status) return status;
  size_t size = (size_t)n * (size_t)m->columns;
  SG_OWNED unsigned char *has = malloc(size);
  if (!has) return sg_fail_memory(e);
  for (size_t k = 0; k < size; k++) has[k] = m->number[k] == 1;
  if (!place(code, t, m->columns, d, has)) return sg_fail_memory(e);
  t->overlap = (double)omega;
  return SG_OK;
}

/* --- The code --------------------------------------------------------------------------------- */

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_matrix_of(values, "incidence") ? read_design(code, values, t, e)
                                                       : make_symmetric(code, values, t, e);
  if (!status) status = sg_approximate_straggling(code, values, t, e);
  if (status) return status;
  t->sum = t->energy = (double)sg_int(values, "d");
  t->optimal = constant_weights;
  if (!sg_approximate_known_by_count(t, &t->known)) return sg_fail_memory(e);
  status = sg_approximate_new(code, values, t, e);
  if (t->decoding == SG_OPTIMAL) code->flags |= SG_WEIGHTS_BY_COUNT;
  return status;
}

const sg_code_type sg_block_design = {
    .about = {.name = "block-design",
              .brief = "any two workers share alike, approximate",
              .summary =
                  "Block design (BIBD): a worker has d of the blocks and any two have omega in "
                  "common, so that one weight for all is optimal and the error depends on the "
                  "number of stragglers only. Approximate.",
              .reference = "Kadhe, Koyluoglu, Ramchandran 2019, arXiv:1904.13373 (published; "
                           "weights and error derived).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
