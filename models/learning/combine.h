/* SPDX-License-Identifier: MIT */
/* Linear combinations of vectors: the one inner loop of gradients, encoding and decoding. */
#ifndef SG_MODELS_COMBINE_H
#define SG_MODELS_COMBINE_H

/* y = Σ_t coef[t] · x[t], or y += … if `add`, over n coordinates. Terms are added in their order,
 * each coordinate by itself, so that the bits do not depend on how a vector is cut. y must not
 * overlap an x. */
void sg_combine(int terms, const double *const *x, const double *coef, double *y, long n, int add);

/* y += Σ coef[r] · row[r], as sg_combine; fetches what lies `ahead` numbers after each (0:
 * nothing). */
void sg_add_rows(int rows, const double *const *row, const double *coef, double *y, long n,
                 long ahead);

/* One to four combinations of windows of the same vectors in one pass:
 * y[j] = Σ coef[4 t + j] · x[t] over first[j] ≤ t < end[j]. Neither first nor end is smaller than
 * that of the combination before. The same bits as calls of sg_combine. */
typedef struct sg_windows {
  int outs, first[4], end[4];
  int runs; /* of vectors that the same combinations share; sg_windows_cut finds them */
  struct {
    int which, first, end;
  } run[8];
} sg_windows;
void sg_windows_cut(sg_windows *windows); /* when the windows are known, before the call below */
void sg_combine_windows(const sg_windows *windows, const double *const *x, const double *coef,
                        double *const y[4], long n);

#endif
