/* SPDX-License-Identifier: MIT */
/* Lagrange's and Berrut's bases, and sums of a polynomial's values from other values. */
#include "codes/tools/interpolation.h"

#include <math.h>

double sg_chebyshev(int i, int n) {
  return cos((2 * i + 1) * M_PI / (2 * n));
}

void sg_lagrange_basis(int n, const double *at, double x, double *out) {
  for (int j = 0; j < n; j++) {
    out[j] = 1;
    for (int k = 0; k < n; k++)
      if (k != j) out[j] *= (x - at[k]) / (at[j] - at[k]);
  }
}

static void berrut(int n, const double *at, double x, double end, double *out) {
  double sum = 0;
  int hit = -1;
  for (int j = 0; j < n; j++) {
    double off = x - at[j];
    if (fabs(off) < 1e-13) hit = j; /* the same point, computed in another way */
    out[j] = (j % 2 ? -1 : 1) * (j == 0 || j == n - 1 ? end : 1) / off;
    sum += out[j];
  }
  for (int j = 0; j < n; j++) out[j] = hit >= 0 ? j == hit : out[j] / sum;
}

void sg_berrut_basis(int n, const double *at, double x, double *out) {
  berrut(n, at, x, 1, out);
}

void sg_berrut_half_basis(int n, const double *at, double x, double *out) {
  berrut(n, at, x, 0.5, out);
}

bool sg_code_on_curves(sg_code *code, sg_basis *basis, int size, const double *at, int count,
                       const double *x) {
  int groups = (code->parts + size - 1) / size;
  sg_combination *coded = sg_code_alloc(code, (size_t)count * (size_t)groups, sizeof *coded);
  double *coef = sg_code_alloc(code, (size_t)count * (size_t)size, sizeof *coef);
  int *part = sg_code_alloc(code, (size_t)code->parts, sizeof *part);
  if (!coded || !coef || !part) return false;
  for (int p = 0; p < code->parts; p++) part[p] = p;
  for (int c = 0; c < count; c++, coef += size) {
    basis(size, at, x[c], coef);
    for (int u = 0; u < groups; u++) {
      int left = code->parts - u * size;
      coded[c * groups + u] = (sg_combination){
          .count = left < size ? left : size, .part = part + u * size, .coef = coef};
    }
  }
  code->coded = coded;
  code->coded_parts = count * groups;
  return true;
}

/* Marks the first `need` points in Leja's order by 1 in `chosen`; distance: the products so far.
 * The factors are doubled, as the capacity of [−1, 1] is 1/2: products stay in range. */
static void choose(int count, const double *x, int need, double *chosen, double *distance) {
  for (int i = 0; i < count; i++) {
    chosen[i] = need == count;
    distance[i] = 1 + fabs(x[i]);
  }
  for (int k = 0; k < need && need < count; k++) {
    int best = -1;
    for (int i = 0; i < count; i++)
      if (chosen[i] == 0 && (best < 0 || distance[i] > distance[best])) best = i;
    chosen[best] = 1;
    for (int i = 0; i < count; i++) distance[i] *= 2 * fabs(x[i] - x[best]);
  }
}

void sg_lagrange_weights(int count, const double *x, int need, int n_to, const double *to,
                         double *weight, double *scratch, sg_decode_info *info) {
  double *chosen = scratch, *inverse = scratch + count;
  choose(count, x, need, chosen, inverse);
  for (int i = 0; i < count; i++) {
    weight[i] = 0;
    inverse[i] = 1;
    for (int k = 0; k < count && chosen[i] != 0; k++)
      if (k != i && chosen[k] != 0) inverse[i] /= 2 * (x[i] - x[k]);
  }
  info->cond1 = 1;
  for (int j = 0; j < n_to; j++) {
    double product = 1, sum = 0;
    int hit = -1;
    for (int i = 0; i < count; i++) {
      if (chosen[i] == 0) continue;
      if (x[i] == to[j]) hit = i;
      product *= 2 * (to[j] - x[i]);
    }
    for (int i = 0; i < count; i++) {
      if (chosen[i] == 0) continue;
      double value = hit >= 0 ? i == hit : product * inverse[i] / (2 * (to[j] - x[i]));
      weight[i] += value;
      sum += fabs(value);
    }
    info->cond1 = fmax(info->cond1, sum);
  }
  double selection = need < count ? 3.0 * need * count : 0;
  info->flops = selection + 3.0 * need * need + 7.0 * need * n_to;
}
