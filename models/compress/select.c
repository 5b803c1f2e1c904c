/* SPDX-License-Identifier: MIT */
#include "models/compress/select.h"
#include "models/compress/gaps.h"

/* 32 octaves of 32 bins below the top; what is smaller still shares the last bin, what is larger
 * the first. Neighbours often fall into the same bin, and each addition would wait for the one
 * before: so there are several tables in turn. */
enum { BINS = 1024, TABLES = 4, FEW = 64, BLOCK = 256, OCTAVE = 52, FIRST_SHIFT = OCTAVE - 5 };

typedef double bin __attribute__((vector_size(16))); /* how many, and their sum */

typedef struct level {
  uint64_t top;  /* bins go downwards from these bits */
  uint64_t most; /* no bits are above */
  int shift;     /* a bin is 2^shift magnitudes; the last one all that are left */
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
  return b == 0 ? l->most : l->top - ((uint64_t)b << l->shift);
}

static uint64_t lowest(const level *l, int b) {
  uint64_t all = ((uint64_t)b + 1) << l->shift;
  return b == BINS - 1 || l->top < all ? 0 : l->top - all + 1;
}

static SG_CLONES(find_bins, (int n, const double *x, uint64_t top, int shift, int32_t *bins),
                 (n, x, top, shift, bins)) {
  typedef int32_t i4 __attribute__((vector_size(16)));
  for (int i = 0; i < n; i += 4) {
    sg_v4i down = (int64_t)top - ((sg_v4i) * (const sg_v4u *)(x + i) & INT64_MAX);
    down &= ~(down < 0);
    down = (sg_v4i)((sg_v4w)down >> shift);
    sg_v4i last = down > BINS - 1;
    down = (down & ~last) | (last & (BINS - 1));
    i4 four = __builtin_convertvector(down, i4);
    memcpy(bins + i, &four, sizeof four);
  }
}

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

/* The magnitudes of bins `from` to `to` behind what is in use of the scratch; NULL: no memory. x
 * may be there. */
static double *gather(const level *l, int from, int to, long n, const double *x, sg_packed *p,
                      size_t used, bool in_scratch, long *members) {
  size_t at = in_scratch ? (size_t)(x - p->scratch) : 0;
  long wanted = 0, found = 0, i = 0;
  for (int b = from; b <= to; b++) wanted += (long)l->of[0][b][0];
  double *scratch = sg_packed_scratch(p, (long)used + wanted + 1);
  if (!scratch) return NULL;
  if (in_scratch) x = scratch + at;
  double *out = scratch + used;
  double low = magnitude_of(lowest(l, to)), high = magnitude_of(highest(l, from));
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
  l->top = l->most = high;
  l->shift = 0;
  while ((high - low) >> l->shift >= BINS - 1) l->shift++;
  count(l, n, x);
}

/* The k-th largest of those that `above` with that sum are larger than: sorted, with no others that
 * equal it. */
static void cut_sorted(long n, const double *sorted, long k, long above, double sum, sg_cut *cut) {
  cut->value = sorted[k - above - 1];
  cut->k = k;
  cut->equal = 0;
  for (long i = 0; i < n; i++) {
    above += sorted[i] > cut->value;
    sum += sorted[i] > cut->value ? sorted[i] : 0;
    cut->equal += sorted[i] == cut->value;
  }
  cut->ties = k - above;
  cut->sum = sum + (double)cut->ties * cut->value;
}

/* Goes on in the bin of the k-th largest; `above` with that sum are larger than all here. x: in the
 * scratch, or not. */
static bool descend(level *l, long n, const double *x, long k, long above, double sum,
                    bool in_scratch, sg_packed *p, sg_cut *cut) {
  for (;; in_scratch = true) {
    int b = 0;
    for (; above + (long)l->of[0][b][0] < k; b++) {
      above += (long)l->of[0][b][0];
      sum += l->of[0][b][1];
    }
    long members = (long)l->of[0][b][0];
    cut->value = magnitude_of(highest(l, b));
    cut->k = k;
    cut->equal = members;
    if (highest(l, b) > lowest(l, b)) {
      double *of = gather(l, b, b, n, x, p, 0, in_scratch, &members);
      if (!of) return false;
      if (members > FEW) {
        next_level(l, members, of);
        x = of;
        n = members;
        continue;
      }
      sort_down(members, of);
      cut_sorted(members, of, k, above, sum, cut);
      return true;
    }
    cut->ties = k - above;
    cut->sum = sum + (double)cut->ties * cut->value;
    return true;
  }
}

/* Three octaves above the largest of a few; the largest of all where these are zeros, and as the
 * bound where some are larger. */
static void first_level(level *l, long n, const double *x, sg_cut *cut) {
  const double limit = 0x1p128;
  double some = 0;
  long step = n / 256 + 1;
  for (long i = 0; i < n; i += step) some = fmax(some, fabs(x[i]));
  if (some == 0) some = sg_moments_of(n, x).most;
  some *= 8;
  l->top = l->most = bits_of(some < limit ? some : limit);
  l->shift = FIRST_SHIFT;
  count(l, n, x);
  cut->total = 0;
  for (int b = 0; b < BINS; b++) cut->total += l->of[0][b][1];
  if (l->of[0][0][0] > 0 || some >= limit) l->most = bits_of(sg_moments_of(n, x).most);
  cut->most = magnitude_of(l->most);
}

/* --- By a sample ------------------------------------------------------------------------------ */

enum { SAMPLE = 8192, LONG = 8 * SAMPLE, CHUNK = 4096 };

typedef struct sifted {
  double low, high;
  long above, between;     /* how many are larger than `high`, how many from `low` to there */
  double sum, total, most; /* Σ of the larger ones, of all; the largest */
} sifted;

/* CHUNK magnitudes; those between go to `out`. Sums are of four lanes each. */
static void sift(const double *x, sifted *s, double *out) {
#ifdef __x86_64__
  const __m128d sign = _mm_set1_pd(-0.0), low = _mm_set1_pd(s->low), high = _mm_set1_pd(s->high);
  __m128d sum[2] = {{0}}, total[2] = {{0}}, most = {0};
  __m128i above = {0};
  for (int i = 0; i < CHUNK; i += 64) {
    uint64_t word = 0;
#pragma GCC unroll 32
    for (int j = 0; j < 64; j += 2) {
      __m128d a = _mm_andnot_pd(sign, _mm_loadu_pd(x + i + j)), over = _mm_cmpgt_pd(a, high);
      total[j / 2 % 2] = _mm_add_pd(total[j / 2 % 2], a);
      sum[j / 2 % 2] = _mm_add_pd(sum[j / 2 % 2], _mm_and_pd(a, over));
      most = _mm_max_pd(a, most);
      above = _mm_sub_epi64(above, _mm_castpd_si128(over));
      word |= (uint64_t)(unsigned)_mm_movemask_pd(_mm_andnot_pd(over, _mm_cmpge_pd(a, low))) << j;
    }
    for (; word; word &= word - 1) out[s->between++] = fabs(x[i + __builtin_ctzll(word)]);
  }
  s->above += above[0] + above[1];
  s->sum += (sum[0][0] + sum[0][1]) + (sum[1][0] + sum[1][1]);
  s->total += (total[0][0] + total[0][1]) + (total[1][0] + total[1][1]);
  s->most = fmax(s->most, fmax(most[0], most[1]));
#else
  double sum[4] = {0}, total[4] = {0};
  for (int i = 0; i < CHUNK; i++) {
    double a = fabs(x[i]);
    total[i % 4] += a;
    sum[i % 4] += a > s->high ? a : 0;
    s->most = a > s->most ? a : s->most;
    s->above += a > s->high;
    if (a >= s->low && !(a > s->high)) out[s->between++] = a;
  }
  s->sum += (sum[0] + sum[1]) + (sum[2] + sum[3]);
  s->total += (total[0] + total[1]) + (total[2] + total[3]);
#endif
}

/* Between which magnitudes the k-th lies, next to surely: four standard errors of ranks. */
static bool guess(long n, const double *x, long k, level *l, sg_packed *p, sifted *s) {
  double sample[SAMPLE], rank = (double)k * SAMPLE / (double)n;
  double error = 4 * sqrt(rank * (1 - rank / SAMPLE)) + 2;
  sg_cut cut;
  *s = (sifted){.high = INFINITY};
  for (long i = 0; i < SAMPLE; i++) sample[i] = fabs(x[i * (n / SAMPLE)]);
  next_level(l, SAMPLE, sample);
  if (rank - error >= 1) {
    if (!descend(l, SAMPLE, sample, (long)(rank - error), 0, 0, false, p, &cut)) return false;
    s->high = cut.value;
    next_level(l, SAMPLE, sample);
  }
  if (rank + error > SAMPLE) return true;
  if (!descend(l, SAMPLE, sample, (long)(rank + error), 0, 0, false, p, &cut)) return false;
  s->low = cut.value;
  return true;
}

/* *found: whether the sample has told the truth. */
static bool by_sample(long n, const double *x, long k, level *l, sg_packed *p, sg_cut *cut,
                      bool *found) {
  sifted s;
  if (!guess(n, x, k, l, p, &s)) return false;
  for (long i = 0; i < n; i += CHUNK) {
    double *out = sg_packed_scratch(p, s.between + CHUNK);
    if (!out) return false;
    if (n - i >= CHUNK) {
      sift(x + i, &s, out);
    } else {
      double rest[CHUNK] = {0};
      memcpy(rest, x + i, (size_t)(n - i) * sizeof *x);
      sift(rest, &s, out);
    }
  }
  cut->total = s.total;
  cut->most = s.most;
  *found = isfinite(s.total) && s.above < k && k <= s.above + s.between;
  if (!*found) return true;
  next_level(l, s.between, p->scratch);
  if (!descend(l, s.between, p->scratch, k, s.above, s.sum, true, p, cut)) return false;
  *found = cut->value > 0; /* zeros at the end were none of the vector's */
  return true;
}

bool sg_cut_at(long n, const double *x, long k, sg_packed *p, sg_cut *cut) {
  level l;
  bool found = false;
  if (n >= LONG && (!by_sample(n, x, k, &l, p, cut, &found) || found)) return found;
  first_level(&l, n, x, cut);
  return !isfinite(cut->total) || descend(&l, n, x, k, 0, 0, false, p, cut);
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

/* Offers the ends of all bins. */
static void offer_ends(const level *l, long k, double sum, best *of) {
  bin at = {(double)k, sum};
  for (int i = 0; i < BINS; i++)
    if (l->of[0][i][0] > 0) {
      at += l->of[0][i];
      offer(of, at[1], at[0]);
    }
}

/* Whether inside bin i, before which stands `at`, it could be more than the best so far. */
static bool promises(const level *l, int i, bin at, const best *of) {
  uint64_t low = lowest(l, i), high = highest(l, i);
  return l->of[0][i][0] >= 2 && low != high &&
         most_inside(at[0], at[1], l->of[0][i], magnitude_of(low), magnitude_of(high)) >
             of->worth * (1 + 1e-14);
}

/* x: in the scratch, of which `used` doubles are in use. Bins may come from several levels at a
 * time: they are kept. */
static bool look_inside(const level *l, long n, const double *x, long k, double sum, sg_packed *p,
                        size_t used, best *of) {
  bin at = {(double)k, sum};
  size_t offset = (size_t)(x - p->scratch);
  offer_ends(l, k, sum, of);
  for (int i = 0; i < BINS; at += l->of[0][i++]) {
    long members;
    if (!promises(l, i, at, of)) continue;
    double *in = gather(l, i, i, n, p->scratch + offset, p, used, true, &members);
    if (!in) return false;
    if (members > FEW) {
      level next;
      next_level(&next, members, in);
      if (!look_inside(&next, members, in, (long)at[0], at[1], p, used + (size_t)members, of))
        return false;
      continue;
    }
    sort_down(members, in);
    double s = at[1];
    for (long j = 0; j < members; j++) offer(of, s += in[j], at[0] + (double)j + 1);
  }
  return true;
}

static bool best_of_few(long n, const double *x, sg_cut *cut) {
  double sorted[FEW], sum = 0;
  sg_moments m = sg_moments_of(n, x);
  best of = {0};
  *cut = (sg_cut){.total = m.sum, .most = m.most};
  if (!isfinite(m.sum) || m.sum == 0) return true;
  for (long i = 0; i < n; i++) sorted[i] = fabs(x[i]);
  sort_down(n, sorted);
  for (long i = 0; i < n; i++) offer(&of, sum += sorted[i], (double)(i + 1));
  cut_sorted(n, sorted, of.k, 0, 0, cut);
  return true;
}

/* One look at all bins that promise something, and at that of the best end, together. */
bool sg_best_cut(long n, const double *x, sg_packed *p, sg_cut *cut) {
  level l;
  best of = {0};
  if (n <= FEW) return best_of_few(n, x, cut);
  first_level(&l, n, x, cut);
  cut->k = 0;
  if (!isfinite(cut->total) || cut->total == 0) return true;
  offer_ends(&l, 0, 0, &of);
  bin at = {0}, before = {0};
  int from = -1, to = 0;
  for (int i = 0; i < BINS; at += l.of[0][i++]) {
    bool holds = at[0] < (double)of.k && at[0] + l.of[0][i][0] >= (double)of.k;
    if (!holds && !promises(&l, i, at, &of)) continue;
    if (from < 0) before = at;
    if (from < 0) from = i;
    to = i;
  }
  long members, k = (long)before[0];
  double *in = gather(&l, from, to, n, x, p, 0, false, &members);
  if (!in) return false;
  next_level(&l, members, in);
  return look_inside(&l, members, in, k, before[1], p, (size_t)members, &of) &&
         descend(&l, members, p->scratch, of.k, k, before[1], true, p, cut);
}

long sg_cut_last(long n, const double *x, const sg_cut *cut) {
  if (cut->ties == cut->equal) return n - 1;
  long i = 0;
  for (long left = cut->ties; left > 0; i++) left -= fabs(x[i]) == cut->value;
  return i - 1;
}
