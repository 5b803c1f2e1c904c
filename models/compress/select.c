/* SPDX-License-Identifier: MIT */
#include "models/compress/select.h"
#include "models/compress/gaps.h"

/* 32 octaves of 32 bins below the largest; what is smaller still shares the last bin. Neighbours
 * often fall into the same bin, and each addition would wait for the one before: so there are
 * several tables in turn. */
enum { BINS = 1024, TABLES = 4, FEW = 32, FIRST_SHIFT = 47, BLOCK = 256 };

typedef double bin __attribute__((vector_size(16))); /* how many, and their sum */

typedef struct level {
  uint64_t top; /* bits of the largest magnitude that may be here; bins go downwards from it */
  int shift;    /* a bin is 2^shift magnitudes; the last one all that are left */
  bin of[TABLES][BINS];
} level;

SG_INLINE uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits & INT64_MAX;
}

SG_INLINE double magnitude_of(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The largest and the smallest magnitude of a bin, as bits. */
static uint64_t highest(const level *l, int b) {
  return l->top - ((uint64_t)b << l->shift);
}

static uint64_t lowest(const level *l, int b) {
  uint64_t width = (uint64_t)1 << l->shift, high = highest(l, b);
  return b == BINS - 1 || high < width ? 0 : high - width + 1;
}

SG_CLONES static void find_bins(int n, const double *x, uint64_t top, int shift, int32_t *bins) {
  typedef int32_t i4 __attribute__((vector_size(16)));
  for (int i = 0; i < n; i += 4) {
    sg_v4w down = top - ((sg_v4w) * (const sg_v4u *)(x + i) & INT64_MAX);
    down >>= shift;
    sg_v4i last = (sg_v4i)down > BINS - 1;
    down = (down & ~(sg_v4w)last) | ((sg_v4w)last & (BINS - 1));
    i4 four = __builtin_convertvector(down, i4);
    memcpy(bins + i, &four, sizeof four);
  }
}

/* Counts n magnitudes, none of them above the top. */
static void count(level *l, long n, const double *x) {
  int tables = n < 4096 ? 1 : TABLES;
  int32_t bins[BLOCK];
  memset(l->of, 0, (size_t)tables * sizeof *l->of);
  for (long i = 0; i < n; i += BLOCK) {
    int some = n - i < BLOCK ? (int)(n - i) : BLOCK, j = 0;
    find_bins(some & ~3, x + i, l->top, l->shift, bins);
    if (some % 4) {
      double rest[4] = {0};
      memcpy(rest, x + i + (some & ~3), (size_t)(some % 4) * sizeof *x);
      find_bins(4, rest, l->top, l->shift, bins + (some & ~3));
    }
    const double *at = x + i;
    if (tables == TABLES)
      for (; j + TABLES <= some; j += TABLES)
        for (int t = 0; t < TABLES; t++) l->of[t][bins[j + t]] += (bin){1, fabs(at[j + t])};
    for (; j < some; j++) l->of[0][bins[j]] += (bin){1, fabs(at[j])};
  }
  for (int t = 1; t < tables; t++)
    for (int b = 0; b < BINS; b++) l->of[0][b] += l->of[t][b];
}

/* The magnitudes of a bin behind what is in use of the scratch; NULL: no memory. x may be there. */
static double *gather(const level *l, int b, long n, const double *x, sg_packed *p, size_t used,
                      bool in_scratch, long *members) {
  size_t at = in_scratch ? (size_t)(x - p->scratch) : 0;
  long wanted = (long)l->of[0][b][0], found = 0;
  double *scratch = sg_packed_scratch(p, (long)used + wanted + 1);
  if (!scratch) return NULL;
  if (in_scratch) x = scratch + at;
  double *out = scratch + used;
  double low = magnitude_of(lowest(l, b)), high = magnitude_of(highest(l, b));
  long i = 0;
  for (; i + 64 <= n; i += 64)
    for (uint64_t in = sg_between_word(x + i, low, high); in; in &= in - 1)
      out[found++] = fabs(x[i + __builtin_ctzll(in)]);
  for (; i < n; i++)
    if (fabs(x[i]) >= low && fabs(x[i]) <= high) out[found++] = fabs(x[i]);
  *members = found;
  return out;
}

static void sort_down(long n, double *x) {
  for (long i = 1; i < n; i++) {
    double v = x[i];
    long j = i;
    for (; j > 0 && x[j - 1] < v; j--) x[j] = x[j - 1];
    x[j] = v;
  }
}

/* The level of magnitudes of a bin: its range is theirs. */
static void next_level(level *l, long n, const double *x) {
  uint64_t high = 0, low = INT64_MAX;
  for (long i = 0; i < n; i++) {
    uint64_t bits = bits_of(x[i]);
    high = bits > high ? bits : high;
    low = bits < low ? bits : low;
  }
  l->top = high;
  l->shift = 0;
  while ((high - low) >> l->shift >= BINS - 1) l->shift++;
  count(l, n, x);
}

/* Goes on in the bin of the k-th largest, of which `above` with sum s are larger than all here. */
static bool descend(level *l, long n, const double *x, long k, sg_packed *p, sg_cut *cut) {
  long above = 0;
  double sum = 0;
  for (bool in_scratch = false;; in_scratch = true) {
    int b = 0;
    for (; above + (long)l->of[0][b][0] < k; b++) {
      above += (long)l->of[0][b][0];
      sum += l->of[0][b][1];
    }
    long members = (long)l->of[0][b][0];
    *cut = (sg_cut){.value = magnitude_of(highest(l, b)), .k = k, .equal = members};
    if (highest(l, b) > lowest(l, b)) {
      double *of = gather(l, b, n, x, p, 0, in_scratch, &members);
      if (!of) return false;
      if (members > FEW) {
        next_level(l, members, of);
        x = of;
        n = members;
        continue;
      }
      sort_down(members, of);
      cut->value = of[k - above - 1];
      cut->equal = 0;
      for (long i = 0; i < members; i++) {
        above += of[i] > cut->value;
        sum += of[i] > cut->value ? of[i] : 0;
        cut->equal += of[i] == cut->value;
      }
    }
    cut->ties = k - above;
    cut->sum = sum + (double)cut->ties * cut->value;
    return true;
  }
}

static void first_level(level *l, long n, const double *x, const sg_moments *m) {
  l->top = bits_of(m->most);
  l->shift = FIRST_SHIFT;
  count(l, n, x);
}

bool sg_cut_at(long n, const double *x, const sg_moments *m, long k, sg_packed *p, sg_cut *cut) {
  level l;
  first_level(&l, n, x, m);
  return descend(&l, n, x, k, p, cut);
}

/* --- The best k ------------------------------------------------------------------------------- */

typedef struct best {
  double worth; /* the root of (Σ)²/k, whose squares would vanish */
  long k;
} best;

static void offer(best *b, double sum, double k) {
  double worth = sum / sqrt(k);
  if (worth > b->worth) *b = (best){.worth = worth, .k = (long)k};
}

/* The most that Σ/√k can be inside a bin with magnitudes from `low` to `high`, before which there
 * are k with that sum. From the bin's beginning the sum grows by at most `high` each, and to its
 * end by at least `low`; (Σ)²/k is convex in both, so that it is largest in a corner of the
 * triangle: the ends, which are offered, or where the two lines meet. */
static double most_inside(double k, double sum, bin of, double low, double high) {
  double j = (of[1] - of[0] * low) / (high - low), s = sum + j * high;
  return j > 0 ? s / sqrt(k + j) : 0;
}

/* x: in the scratch, of which `used` doubles are in use, or not. Bins may come from several levels
 * at a time: they are kept. */
static bool look_inside(const level *l, long n, const double *x, long k, double sum, sg_packed *p,
                        size_t used, bool in_scratch, best *b) {
  bin at = {(double)k, sum};
  size_t offset = in_scratch ? (size_t)(x - p->scratch) : 0;
  for (int i = 0; i < BINS; i++)
    if (l->of[0][i][0] > 0) {
      at += l->of[0][i];
      offer(b, at[1], at[0]);
    }
  at = (bin){(double)k, sum};
  for (int i = 0; i < BINS; at += l->of[0][i++]) {
    uint64_t low = lowest(l, i), high = highest(l, i);
    long members;
    if (l->of[0][i][0] < 2 || low == high ||
        most_inside(at[0], at[1], l->of[0][i], magnitude_of(low), magnitude_of(high)) <=
            b->worth * (1 + 1e-14))
      continue;
    double *of =
        gather(l, i, n, in_scratch ? p->scratch + offset : x, p, used, in_scratch, &members);
    if (!of) return false;
    if (members > FEW) {
      level next;
      next_level(&next, members, of);
      if (!look_inside(&next, members, of, (long)at[0], at[1], p, used + (size_t)members, true, b))
        return false;
      continue;
    }
    sort_down(members, of);
    double s = at[1];
    for (long j = 0; j < members; j++) offer(b, s += of[j], at[0] + (double)j + 1);
  }
  return true;
}

bool sg_best_cut(long n, const double *x, const sg_moments *m, sg_packed *p, sg_cut *cut) {
  level l;
  best b = {0};
  first_level(&l, n, x, m);
  return look_inside(&l, n, x, 0, 0, p, 0, false, &b) && descend(&l, n, x, b.k, p, cut);
}

long sg_cut_last(long n, const double *x, const sg_cut *cut) {
  if (cut->ties == cut->equal) return n - 1;
  long i = 0;
  for (long left = cut->ties; left > 0; i++) left -= fabs(x[i]) == cut->value;
  return i - 1;
}
