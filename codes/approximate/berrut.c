/* SPDX-License-Identifier: MIT */
/* Berrut approximated coded computing (Jahani-Nezhad and Maddah-Ali 2020, arXiv:2009.08327), for
 * least squares: coded data without a threshold.
 *
 * K parts of the data lie at the Chebyshev points β_j on the rational curve u(z) of Berrut's basis;
 * worker i has u(z_i) at z_i = cos(iπ/(n − 1)) and sends the gradient of it. Whatever has come is
 * interpolated by Berrut's basis again, at all β_j: weights are sums of its values. Its signs
 * alternate along those that came, so that there are no poles whoever is missing (with the signs of
 * all n there may be). There is no exact decode, and no number of answers that is needed; the
 * constant of Lebesgue grows like log n. (published; the choice of signs derived) */
#include "codes/frame/stop.h"
#include "codes/tools/interpolation.h"
#include "codes/tools/rules.h"

#include <math.h>
#include <string.h>

static const char *const ends[] = {"whole", "half", NULL};
static sg_basis *const bases[] = {sg_berrut_basis, sg_berrut_half_basis};
static const sg_param params[] = {
    SG_ROW_INT("parts", 1, 100000, "parts K of the data; a worker computes 1/K of it",
               .flags = SG_REQUIRED),
    SG_ROW_INT("s", 0, SG_UNBOUNDED, "number of slowest workers that are not waited for"),
    SG_ROW_CHOICE("ends", ends, 0,
                  "whole: the master interpolates as published; half: the first and the last of "
                  "those that came have half the weight, which has smaller errors"),
    {0}};

typedef struct tables {
  double *beta, *z;
  sg_basis *basis; /* of decoding */
} tables;

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  code->parts = (int)sg_int(values, "parts");
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->basis = bases[sg_choice(values, "ends")];
  t->beta = sg_code_alloc(code, (size_t)code->parts, sizeof *t->beta);
  t->z = sg_code_alloc(code, (size_t)n, sizeof *t->z);
  if (!t->beta || !t->z) return sg_fail_memory(e);
  for (int j = 0; j < code->parts; j++) t->beta[j] = sg_chebyshev(j, code->parts);
  for (int i = 0; i < n; i++) t->z[i] = n > 1 ? cos(i * M_PI / (n - 1)) : 0;
  if (!sg_code_on_curves(code, sg_berrut_basis, code->parts, t->beta, n, t->z))
    return sg_fail_memory(e);
  code->promised = s;
  code->exact = false;
  code->flags = SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, "s", 1, n - s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, code->parts + message->from, 0, 1);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  size_t count = (size_t)used->count;
  double *z = sg_used_scratch(used, 2 * count * sizeof *z), *basis = z + count;
  if (!z) return SG_NO_MEMORY;
  for (size_t i = 0; i < count; i++) z[i] = t->z[used->message[i]->from];
  for (int j = 0; j < code->parts; j++) {
    double sum = 0;
    t->basis(used->count, z, t->beta[j], basis);
    for (size_t i = 0; i < count; i++) {
      used->W[i] += basis[i];
      sum += fabs(basis[i]);
    }
    used->info->cond1 = fmax(used->info->cond1, sum);
  }
  used->info->flops = 6.0 * used->count * code->parts;
  return SG_OK;
}

const sg_code_type sg_bacc = {
    .about = {.name = "bacc",
              .brief = "rational coded data, no threshold; least squares",
              .summary =
                  "Berrut approximated coded computing: workers hold points of a rational "
                  "curve through the parts of the data, and the master interpolates whatever "
                  "has come. Approximate, least squares only.",
              .reference = "Jahani-Nezhad, Maddah-Ali 2020, arXiv:2009.08327 (published; signs "
                           "derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
