/* SPDX-License-Identifier: MIT */
/* Moments of α. */
#include "sim/experiment/alphas.h"

#include "sim/core/linalg.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sg_alphas_init(sg_alphas *m, int parts) {
  size_t n = (size_t)parts;
  *m = (sg_alphas){
      .parts = parts, .alpha = calloc(n, sizeof *m->alpha), .sum = calloc(n, sizeof *m->sum)};
  bool squares = parts <= SG_MOST_COVARIANCES;
  if (squares) m->squares = calloc(n * n, sizeof *m->squares);
  return m->alpha && m->sum && (m->squares || !squares);
}

void sg_alphas_free(sg_alphas *m) {
  free(m->alpha);
  free(m->sum);
  free(m->squares);
  *m = (sg_alphas){0};
}

void sg_alphas_add(sg_alphas *m) {
  for (int i = 0; i < m->parts; i++) m->sum[i] += m->alpha[i] -= 1;
  if (m->squares)
    cblas_dsyr(CblasColMajor, CblasLower, m->parts, 1, m->alpha, 1, m->squares, m->parts);
  memset(m->alpha, 0, (size_t)m->parts * sizeof *m->alpha);
  m->count++;
}

double sg_alphas_bias(const sg_alphas *m) {
  double n = (double)m->count, square = 0;
  for (int i = 0; i < m->parts; i++) square += m->sum[i] / n * (m->sum[i] / n);
  return m->count ? sqrt(square / m->parts) : NAN;
}

bool sg_alphas_covariance_norm(const sg_alphas *m, double *norm) {
  size_t parts = (size_t)m->parts;
  double n = (double)m->count;
  *norm = NAN;
  if (!m->squares || m->count < 2) return true;
  SG_OWNED double *c = malloc((parts * parts + parts) * sizeof *c);
  if (!c) return false;
  double *sigma = c + parts * parts;
  for (size_t j = 0; j < parts; j++)
    for (size_t i = j; i < parts; i++)
      c[i + j * parts] = c[j + i * parts] =
          (m->squares[i + j * parts] - m->sum[i] / n * m->sum[j]) / (n - 1);
  sg_status status = sg_singular_values(m->parts, m->parts, c, m->parts, sigma);
  if (!status) *norm = sigma[0];
  return status != SG_NO_MEMORY;
}
