/* SPDX-License-Identifier: MIT */
/* Softmax regression with C classes: loss log Σ_o e^(z_o) − z_y, one vector of weights per class,
 * class after class in the model. The largest margin is taken out first, so nothing overflows. */
#include "models/learning/dense.h"
#include "models/learning/simd.h"

#include <math.h>
#include <string.h>

/* Rows i … i + 3, of which the first n count. Every lane is a row. */
SG_INLINE void four(int outputs, const double *y, int n, double scale, const double *z, double *r,
                    long ld, double *loss) {
  const size_t size = (size_t)n * sizeof(double);
  sg_v4 top = SG_V4(0.0), sum = SG_V4(0.0), v = SG_V4(0.0), chosen = SG_V4(0.0);
  memcpy(&top, z, size);
  for (int o = 1; o < outputs; o++) {
    memcpy(&v, z + o * ld, size);
    sg_v4i above = v > top;
    sg_v4_select(&above, &v, &top, &top);
  }
  for (int k = 0; k < n; k++) chosen[k] = z[(long)y[k] * ld + k];
  for (int o = 0; o < outputs; o++) {
    memcpy(&v, z + o * ld, size);
    v -= top;
    sg_v4_exp(&v);
    sum += v;
    if (r) memcpy(r + o * ld, &v, size);
  }
  if (r) {
    for (int o = 0; o < outputs; o++) {
      memcpy(&v, r + o * ld, size);
      v = scale * (v / sum);
      memcpy(r + o * ld, &v, size);
    }
    for (int k = 0; k < n; k++) r[(long)y[k] * ld + k] -= scale;
  }
  if (loss)
    for (int k = 0; k < n; k++) loss[k] = log(sum[k]) + (top[k] - chosen[k]);
}

SG_CLONES static void rows(int outputs, const double *y, long n, double scale, const double *z,
                           double *r, long ld, double *loss) {
  for (long i = 0; i < n; i += 4) {
    double *ri = r ? r + i : NULL, *li = loss ? loss + i : NULL;
    if (n - i >= 4)
      four(outputs, y + i, 4, scale, z + i, ri, ld, li);
    else
      four(outputs, y + i, (int)(n - i), scale, z + i, ri, ld, li);
  }
}

static void judge(const sg_data *data, double *z, sg_metrics *m) {
  long n = data->test_rows, right = 0;
  for (long i = 0; i < n; i++) {
    int best = 0;
    for (int o = 1; o < data->classes; o++)
      if (z[o * n + i] > z[best * n + i]) best = o;
    right += best == (int)data->test_y[i];
  }
  m->accuracy = (double)right / (double)n;
  if (data->classes != 2) return;
  for (long i = 0; i < n; i++) z[i] = z[n + i] - z[i];
  m->auc = sg_auc(n, z, data->test_y);
}

static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  static const sg_loss loss = {rows, judge};
  return sg_dense_create(problem, learning, seed, &loss, 3, e);
}

const sg_problem_type sg_problem_softmax = {
    .about = {.name = "softmax",
              .summary = "softmax regression with any number of classes",
              .params = sg_dense_params},
    .create = create,

    SG_DENSE_FUNCTIONS};
