/* SPDX-License-Identifier: MIT */
/* Logistic regression: loss log(1 + e^(−m)) with m = y z and y = ±1.
 *
 * With u = e^(−|m|) the loss is max(−m, 0) + log1p(u) and ∂loss/∂z = −y · (m ≥ 0 ? u : 1)/(1 + u):
 * nothing overflows, and small losses keep their digits. */
#include "models/learning/dense.h"
#include "models/learning/simd.h"

#include <string.h>

#define AT(p, i) (*(const sg_v4u *)((p) + (i)))
#define TO(p, i) (*(sg_v4u *)((p) + (i)))

/* Four rows. r and loss may be NULL. */
SG_INLINE void four(const sg_v4 *y, const sg_v4 *z, double scale, double *r, double *loss) {
  const sg_v4 zero = SG_V4(0.0), one = SG_V4(1.0);
  sg_v4 m = *y * *z, minus = -m, a, u, top;
  sg_v4i negative = m < zero;
  sg_v4_select(&negative, &m, &minus, &u); /* −|m| */
  sg_v4_exp(&u);
  if (r) {
    sg_v4_select(&negative, &one, &u, &top);
    TO(r, 0) = -scale * *y * (top / (1.0 + u));
  }
  if (loss) {
    sg_v4_select(&negative, &minus, &zero, &a);
    sg_v4_log1p(&u);
    TO(loss, 0) = a + u;
  }
}

SG_CLONES static void rows(int outputs, const double *y, long n, double scale, const double *z,
                           double *r, long ld, double *loss) {
  long i = 0;
  for (; i + 4 <= n; i += 4) {
    sg_v4 a = AT(y, i), b = AT(z, i);
    four(&a, &b, scale, r ? r + i : NULL, loss ? loss + i : NULL);
  }
  if (i == n) return;
  size_t rest = (size_t)(n - i) * sizeof(double);
  sg_v4 a = SG_V4(0.0), b = SG_V4(0.0), rr, ll;
  memcpy(&a, y + i, rest);
  memcpy(&b, z + i, rest);
  four(&a, &b, scale, (double *)&rr, (double *)&ll);
  if (r) memcpy(r + i, &rr, rest);
  if (loss) memcpy(loss + i, &ll, rest);
}

static void judge(const sg_data *data, double *z, sg_metrics *m) {
  m->accuracy = sg_binary_accuracy(data->test_rows, z, data->test_y);
  m->auc = sg_auc(data->test_rows, z, data->test_y);
}

static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  static const sg_loss loss = {rows, judge};
  return sg_dense_create(problem, learning, seed, &loss, 2, e);
}

const sg_problem_type sg_problem_logistic = {
    .about = {.name = "logistic-regression",
              .summary = "logistic regression with two classes",
              .params = sg_dense_params},
    .create = create,

    SG_DENSE_FUNCTIONS};
