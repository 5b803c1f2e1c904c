/* SPDX-License-Identifier: MIT */
/* Accuracy, and the area under the ROC curve from the ranks of the scores. */
#include "models/learning/metrics.h"

#include <math.h>
#include <stdlib.h>

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

double sg_auc(long n, const double *score, const double *label) {
  scored *s = n > 0 ? malloc((size_t)n * sizeof *s) : NULL;
  if (!s) return NAN;
  long positives = 0;
  double auc = NAN, ranks = 0;
  for (long i = 0; i < n; i++) {
    if (isnan(score[i])) goto out;
    s[i] = (scored){score[i], label[i] > 0};
    positives += s[i].positive;
  }
  if (positives == 0 || positives == n) goto out;
  qsort(s, (size_t)n, sizeof *s, by_score);
  for (long i = 0; i < n;) {
    long end = i, tied = 0;
    for (; end < n && s[end].score == s[i].score; end++) tied += s[end].positive;
    ranks += (double)tied * 0.5 * (double)(i + 1 + end); /* the mean of ranks i + 1 … end */
    i = end;
  }
  double p = (double)positives;
  auc = (ranks - 0.5 * p * (p + 1)) / (p * (double)(n - positives));
out:
  free(s);
  return auc;
}
