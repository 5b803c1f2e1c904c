/* SPDX-License-Identifier: MIT */
/* Coefficients that vanish where a part is not held. */
#include "codes/tools/nulling.h"

#include <string.h>

sg_status sg_nulling_block(const double *v, int r, int m, int absent, const int *who, double *block,
                           double *scratch, lapack_int *pivots) {
  int top = r - m, ldx = top > 0 ? top : 1, rank = absent;
  double *a = scratch, *x = scratch + absent * top;
  memset(x, 0, (size_t)ldx * (size_t)m * sizeof *x); /* LAPACKE looks for NANs in all of it */
  for (int k = 0; k < absent; k++) {
    const double *column = v + who[k] * r;
    for (int c = 0; c < top; c++) a[k + c * absent] = column[c];
    for (int u = 0; u < m; u++) x[k + u * ldx] = -column[top + u];
  }
  sg_status status = SG_OK;
  if (absent == top)
    status = sg_solve(absent, m, a, absent, x, ldx, pivots, NULL);
  else if (absent > 0)
    status = sg_least_squares(absent, top, m, a, absent, x, ldx, 1e-14, pivots, &rank, NULL);
  if (status || rank < absent) return status ? status : SG_UNDECODABLE;
  for (int u = 0; u < m; u++) {
    for (int c = 0; c < top; c++) block[u + c * m] = absent > 0 ? x[c + u * ldx] : 0;
    block[u + (top + u) * m] = 1;
  }
  return SG_OK;
}
