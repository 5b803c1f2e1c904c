/* SPDX-License-Identifier: MIT */
/* The losses of dense problems, and how well a model classifies: accuracy, and the area under the
 * ROC curve from the ranks of the scores. */
#include "models/learning/dense.h"
#include "models/learning/simd.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Metrics ---------------------------------------------------------------------------------- */

typedef struct scored {
  double score;
  int positive;
} scored;

double sg_binary_accuracy(long n, const double *score, const double *label) {
  long right = 0;
  for (long i = 0; i < n; i++) right += (score[i] > 0) == (label[i] > 0) && !isnan(score[i]);
  return n > 0 ? (double)right / (double)n : NAN;
}

static int by_score(const void *a, const void *b) {
  double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
  return (x > y) - (x < y);
}

sg_status sg_auc(long n, const double *score, const double *label, double *auc) {
  *auc = NAN;
  if (n <= 0) return SG_OK;
  SG_OWNED scored *s = malloc((size_t)n * sizeof *s);
  if (!s) return SG_NO_MEMORY;
  long positives = 0;
  double ranks = 0;
  for (long i = 0; i < n; i++) {
    if (isnan(score[i])) return SG_OK;
    s[i] = (scored){score[i], label[i] > 0};
    positives += s[i].positive;
  }
  if (positives == 0 || positives == n) return SG_OK;
  qsort(s, (size_t)n, sizeof *s, by_score);
  for (long i = 0; i < n;) {
    long end = i, tied = 0;
    for (; end < n && s[end].score == s[i].score; end++) tied += s[end].positive;
    ranks += (double)tied * 0.5 * (double)(i + 1 + end); /* the mean of ranks i + 1 … end */
    i = end;
  }
  double p = (double)positives;
  *auc = (ranks - 0.5 * p * (p + 1)) / (p * (double)(n - positives));
  return SG_OK;
}

/* --- Least squares: (z − y)² / 2 -------------------------------------------------------------- */

static void squares_rows(int outputs, const double *y, long n, double scale, const double *z,
                         double *r, long ld, double *loss) {
  for (long i = 0; i < n; i++) {
    double difference = z[i] - y[i];
    if (r) r[i] = scale * difference;
    if (loss) loss[i] = 0.5 * difference * difference;
  }
}

const sg_loss sg_least_squares_loss = {.curvature = 1, .rows = squares_rows};

/* --- Logistic regression: log(1 + e^(−m)) with m = y z and y = ±1 ----------------------------- */

/* A vector of rows. r and loss may be NULL. With u = e^(−|m|) the loss is max(−m, 0) + log1p(u) and
 * ∂loss/∂z = −y · (m ≥ 0 ? u : 1)/(1 + u): nothing overflows, and small losses keep their digits.
 */
#define LOGISTIC(V, TO, y, z, scale, r, loss)                                                      \
  do {                                                                                             \
    const sg_##V zero = {0}, one = zero + 1.0;                                                     \
    sg_##V m = (y) * (z), minus = -m, a, u, top;                                                   \
    sg_##V##i negative = m < zero;                                                                 \
    sg_##V##_select(&negative, &m, &minus, &u); /* −|m| */                                       \
    sg_##V##_exp(&u);                                                                              \
    if (r) {                                                                                       \
      sg_##V##_select(&negative, &one, &u, &top);                                                  \
      TO(r, 0) = -(scale) * (y) * (top / (1.0 + u));                                               \
    }                                                                                              \
    if (loss) {                                                                                    \
      sg_##V##_select(&negative, &minus, &zero, &a);                                               \
      sg_##V##_log1p(&u);                                                                          \
      TO(loss, 0) = a + u;                                                                         \
    }                                                                                              \
  } while (0)

static SG_CLONES(logistic_rows,
                 (int outputs, const double *y, long n, double scale, const double *z, double *r,
                  long ld, double *loss),
                 (outputs, y, n, scale, z, r, ld, loss)) {
  long i = 0;
  for (; wide && i + 8 <= n; i += 8) {
    double *ri = r ? r + i : NULL, *li = loss ? loss + i : NULL;
    LOGISTIC(v8, TO8, AT8(y, i), AT8(z, i), scale, ri, li);
  }
  for (; i + 4 <= n; i += 4) {
    double *ri = r ? r + i : NULL, *li = loss ? loss + i : NULL;
    LOGISTIC(v4, TO, AT(y, i), AT(z, i), scale, ri, li);
  }
  if (i == n) return;
  size_t rest = (size_t)(n - i) * sizeof(double);
  sg_v4 ys = SG_V4(0.0), zs = SG_V4(0.0);
  double rs[4], ls[4];
  memcpy(&ys, y + i, rest);
  memcpy(&zs, z + i, rest);
  double *to_r = r ? rs : NULL, *to_loss = loss ? ls : NULL;
  LOGISTIC(v4, TO, ys, zs, scale, to_r, to_loss);
  if (r) memcpy(r + i, rs, rest);
  if (loss) memcpy(loss + i, ls, rest);
}

static sg_status judge_logistic(const sg_data *data, double *z, sg_metrics *m) {
  m->accuracy = sg_binary_accuracy(data->test_rows, z, data->test_y);
  return sg_auc(data->test_rows, z, data->test_y, &m->auc);
}

const sg_loss sg_logistic_loss = {
    .classes = 2, .curvature = 0.25, .rows = logistic_rows, .judge = judge_logistic};

/* --- Hinge: max(0, 1 − m), with the subgradient 0 at m = 1 ------------------------------------ */

static void hinge_rows(int outputs, const double *y, long n, double scale, const double *z,
                       double *r, long ld, double *loss) {
  for (long i = 0; i < n; i++) {
    double slack = 1 - y[i] * z[i];
    if (r) r[i] = slack > 0 ? -scale * y[i] : slack <= 0 ? 0 : slack; /* NaN stays */
    if (loss) loss[i] = slack > 0 ? slack : slack <= 0 ? 0 : slack;
  }
}

const sg_loss sg_hinge_loss = {
    .classes = 2, .curvature = INFINITY, .rows = hinge_rows, .judge = judge_logistic};

/* --- Softmax: log Σ_o e^(z_o) − z_y, one vector of weights per class ---------------------------
 */

/* Rows i … i + 3, of which the first n count. Every lane is a row. The largest margin is taken out
 * first, so that nothing overflows. */
SG_INLINE void softmax_four(int outputs, const double *y, int n, double scale, const double *z,
                            double *r, long ld, double *loss) {
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

static SG_CLONES(softmax_rows,
                 (int outputs, const double *y, long n, double scale, const double *z, double *r,
                  long ld, double *loss),
                 (outputs, y, n, scale, z, r, ld, loss)) {
  for (long i = 0; i < n; i += 4) {
    double *ri = r ? r + i : NULL, *li = loss ? loss + i : NULL;
    if (n - i >= 4)
      softmax_four(outputs, y + i, 4, scale, z + i, ri, ld, li);
    else
      softmax_four(outputs, y + i, (int)(n - i), scale, z + i, ri, ld, li);
  }
}

static sg_status judge_softmax(const sg_data *data, double *z, sg_metrics *m) {
  long n = data->test_rows, right = 0;
  for (long i = 0; i < n; i++) {
    int best = 0;
    for (int o = 1; o < data->classes; o++)
      if (z[o * n + i] > z[best * n + i]) best = o;
    right += best == (int)data->test_y[i];
  }
  m->accuracy = (double)right / (double)n;
  if (data->classes != 2) return SG_OK;
  for (long i = 0; i < n; i++) z[i] = z[n + i] - z[i];
  return sg_auc(n, z, data->test_y, &m->auc);
}

/* diag(p) − p pᵀ has row sums of moduli 2 p (1 − p) ≤ 1/2. */
const sg_loss sg_softmax_loss = {
    .classes = 3, .curvature = 0.5, .rows = softmax_rows, .judge = judge_softmax};
