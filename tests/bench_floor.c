/* SPDX-License-Identifier: MIT */
/* What cannot be avoided, each by a loop that does nothing else, and as fast as it can be written:
 * the limit beside which tests/bench.py puts what straggle takes. Processor seconds of one thread,
 * the least of some repeats.
 *
 *   bench_floor [--ms M] [--database FILE] [--folder DIR] TERM…
 *   bench_floor verify      that the loops compute what they should
 *
 * A TERM is what must be done in an iteration, in units KIND:SIZE[xSIZE…][*TIMES]; units joined by
 * `+` are done one after the other, and of alternatives joined by `|` that share their time (a
 * memory that is read while there is multiplied) the longest counts. The floor is the sum of the
 * terms. Kinds:
 *
 *   read:BYTES     that many bytes read once, in order
 *   copy:BYTES     that many read and as many written
 *   pass:RxC       data of R rows of C numbers: the margins X v and the gradient Xᵀ r, by
 * OpenBLAS's gemv and by a loop that reads each row from memory once: what is faster gemm:MxNxK a
 * product of matrices by OpenBLAS, at this shape and at the rate of one that fits the caches: what
 * is faster flops:F        so many floating-point operations at the latter rate draws:N        N
 * numbers of 53 bits, each from a Philox block of its own, since each has an address of its own
 *   log:N, exp:N   so many logarithms, exponentials, within 1e-15 or so, eight side by side
 *   sort:N         N times put in order, by buckets
 *   rows:N@TABLE   N rows of the table as they are in FILE, into a new database of the same schema:
 *                  WAL, one transaction per 1000 rows
 *
 * Prints JSON: OpenBLAS's core, the floor, what takes most of it, and seconds for each unit. */
#include "sim/core/clock.h"
#include "sim/core/random.h"

#include <cblas.h>
#include <math.h>
#include <Random123/philox.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { LANES = 8, MOST_SIZES = 3, BATCH = 1000 };
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int64_t words __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define AT(p, i) (*(const lanes *)((p) + (i)))
#define TO(p, i) (*(lanes *)((p) + (i)))
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ &&                                \
    !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

static double budget_s = 4e-3;
static const char *source_path = NULL, *folder = "/tmp";
/* What is computed goes here, so that no loop is left out. */
static volatile double kept;

static _Noreturn void give_up(int status, const char *what, const char *why) {
  fprintf(stderr, "bench_floor: %s: %s\n", what, why);
  exit(status);
}

static void *memory(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  if (!p) give_up(EX_OSERR, "memory", "there is not enough");
  return p;
}

static double *numbers(size_t count) {
  double *p = memory(count * sizeof *p);
  for (size_t i = 0; i < count; i++) p[i] = (double)(i % 1021) * 1e-3 - 0.5;
  return p;
}

/* What a unit works on. */
typedef struct work {
  double *a, *b, *c;
  long n, m, k;
} work;

/* Seconds of one call: so many in a row as fill the budget, and the least of five such rows. */
static double least(void (*call)(work *), work *w) {
  long count = 1;
  double best = INFINITY;
  for (;;) {
    double begin = sg_thread_seconds();
    for (long i = 0; i < count; i++) call(w);
    double took = sg_thread_seconds() - begin;
    best = fmin(best, took / (double)count);
    if (took >= budget_s) break;
    count *= took < budget_s / 8 ? 4 : 2;
  }
  for (int repeat = 0; repeat < (best < 0.1 ? 4 : 1); repeat++) {
    double begin = sg_thread_seconds();
    for (long i = 0; i < count; i++) call(w);
    best = fmin(best, (sg_thread_seconds() - begin) / (double)count);
  }
  return best;
}

/* --- Memory ----------------------------------------------------------------------------------- */

CLONES static void read_all(work *w) {
  const double *a = w->a;
  lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
  for (long i = 0; i + 4 * LANES <= w->n; i += 4 * LANES) {
    s0 += AT(a, i);
    s1 += AT(a, i + LANES);
    s2 += AT(a, i + 2 * LANES);
    s3 += AT(a, i + 3 * LANES);
  }
  s0 += s1 + s2 + s3;
  kept = s0[0] + s0[1];
}

static void copy_all(work *w) {
  memcpy(w->b, w->a, (size_t)w->n * sizeof *w->a);
  kept = w->b[0];
}

/* --- Products --------------------------------------------------------------------------------- */

/* n rows of m numbers in a, the model and behind it the gradient in b, margins in c. */
static void pass_by_gemv(work *w) {
  int n = (int)w->n, m = (int)w->m;
  cblas_dgemv(CblasRowMajor, CblasNoTrans, n, m, 1, w->a, m, w->b, 1, 0, w->c, 1);
  cblas_dgemv(CblasRowMajor, CblasTrans, n, m, 1, w->a, m, w->c, 1, 0, w->b + m, 1);
}

static inline __attribute__((always_inline)) double sum_of(lanes v) {
  double s = 0;
  for (int i = 0; i < LANES; i++) s += v[i];
  return s;
}

/* Four rows at a time: their margins, and what they add to the gradient while they are near. */
CLONES static void pass_by_rows(work *w) {
  long m = w->m, whole = m / LANES * LANES;
  double *v = w->b, *g = w->b + m;
  memset(g, 0, (size_t)m * sizeof *g);
  for (long i = 0; i + 4 <= w->n; i += 4) {
    const double *x0 = w->a + i * m, *x1 = x0 + m, *x2 = x1 + m, *x3 = x2 + m;
    lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    for (long c = 0; c < whole; c += LANES) {
      lanes t = AT(v, c);
      s0 += t * AT(x0, c);
      s1 += t * AT(x1, c);
      s2 += t * AT(x2, c);
      s3 += t * AT(x3, c);
    }
    double r0 = sum_of(s0), r1 = sum_of(s1), r2 = sum_of(s2), r3 = sum_of(s3);
    for (long c = whole; c < m; c++) {
      r0 += v[c] * x0[c];
      r1 += v[c] * x1[c];
      r2 += v[c] * x2[c];
      r3 += v[c] * x3[c];
    }
    for (long c = 0; c < whole; c += LANES)
      TO(g, c) += r0 * AT(x0, c) + r1 * AT(x1, c) + (r2 * AT(x2, c) + r3 * AT(x3, c));
    for (long c = whole; c < m; c++) g[c] += r0 * x0[c] + r1 * x1[c] + r2 * x2[c] + r3 * x3[c];
  }
  kept = g[0];
}

static void product(work *w) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)w->n, (int)w->m, (int)w->k, 1, w->a,
              (int)w->k, w->b, (int)w->m, 0, w->c, (int)w->m);
}

static double gemm_seconds(long n, long m, long k) {
  work w = {.a = numbers((size_t)(n * k)),
            .b = numbers((size_t)(k * m)),
            .c = numbers((size_t)(n * m)),
            .n = n,
            .m = m,
            .k = k};
  double s = least(product, &w);
  free(w.a);
  free(w.b);
  free(w.c);
  return s;
}

/* Seconds of a floating-point operation where the caches hold all; measured once. */
static double flop_seconds(void) {
  static double s = 0;
  if (s == 0)
    for (long n = 192; n <= 768; n *= 2) {
      double now = gemm_seconds(n, n, n) / (2.0 * (double)n * (double)n * (double)n);
      s = s == 0 ? now : fmin(s, now);
    }
  return s;
}

/* --- Random times ----------------------------------------------------------------------------- */

static void draw_one_by_one(work *w) {
  for (long i = 0; i < w->n; i++) {
    philox4x32_ctr_t c = {{0, 1, (uint32_t)i, 2}};
    philox4x32_key_t key = {{3, 4}};
    c = philox4x32_R(10, c, key);
    w->a[i] = (double)(((uint64_t)c.v[0] << 32 | c.v[1]) >> 11) * 0x1p-53;
  }
  kept = w->a[0];
}

#ifdef __x86_64__
/* Blocks in the low halves of 64-bit lanes, two vectors at a time. A number is the 52 high bits of
 * a lane as a significand in [1, 2), less one: what turns bits into a number the fastest. */
#define PHILOX_LOOP(BITS, TYPE, REAL, SET, SETR, MUL, XOR, SRL, SLL, OR, AND, ADD, CAST, SUB, ONE, \
                    STORE)                                                                         \
  enum { L = BITS / 64, V = 4 };                                                                   \
  const TYPE m0 = SET(PHILOX_M4x32_0), m1 = SET(PHILOX_M4x32_1), low = SET(0xffffffff);            \
  for (long i = 0; i < w->n; i += V * L) {                                                         \
    TYPE c[4][V];                                                                                  \
    for (int h = 0; h < V; h++) {                                                                  \
      c[0][h] = SET(0);                                                                            \
      c[1][h] = SET(1);                                                                            \
      c[2][h] = ADD(SET(i + L * h), SETR);                                                         \
      c[3][h] = SET(2);                                                                            \
    }                                                                                              \
    uint32_t k0 = 3, k1 = 4;                                                                       \
    _Pragma("GCC unroll 10") for (int round = 0; round < 10; round++) {                            \
      TYPE x0 = SET(k0), x1 = SET(k1);                                                             \
      _Pragma("GCC unroll 4") for (int h = 0; h < V; h++) {                                        \
        TYPE p = MUL(c[0][h], m0), q = MUL(c[2][h], m1);                                           \
        c[0][h] = XOR(XOR(SRL(q, 32), c[1][h]), x0);                                               \
        c[2][h] = XOR(XOR(SRL(p, 32), c[3][h]), x1);                                               \
        c[1][h] = q;                                                                               \
        c[3][h] = p;                                                                               \
      }                                                                                            \
      k0 += PHILOX_W32_0;                                                                          \
      k1 += PHILOX_W32_1;                                                                          \
    }                                                                                              \
    for (int h = 0; h < V; h++) {                                                                  \
      TYPE bits = OR(SLL(c[0][h], 32), AND(c[1][h], low));                                         \
      STORE(w->a + i + L * h, SUB(CAST(OR(SRL(bits, 12), SET(0x3ff0000000000000))), ONE));         \
    }                                                                                              \
  }                                                                                                \
  kept = w->a[0];

__attribute__((target("avx512f,avx512dq"))) static void draw_by_eight(work *w) {
  PHILOX_LOOP(512, __m512i, __m512d, _mm512_set1_epi64, _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7),
              _mm512_mul_epu32, _mm512_xor_si512, _mm512_srli_epi64, _mm512_slli_epi64,
              _mm512_or_si512, _mm512_and_si512, _mm512_add_epi64, _mm512_castsi512_pd,
              _mm512_sub_pd, _mm512_set1_pd(1), _mm512_storeu_pd)
}

__attribute__((target("avx2"))) static void draw_by_four(work *w) {
  PHILOX_LOOP(256, __m256i, __m256d, _mm256_set1_epi64x, _mm256_setr_epi64x(0, 1, 2, 3),
              _mm256_mul_epu32, _mm256_xor_si256, _mm256_srli_epi64, _mm256_slli_epi64,
              _mm256_or_si256, _mm256_and_si256, _mm256_add_epi64, _mm256_castsi256_pd,
              _mm256_sub_pd, _mm256_set1_pd(1), _mm256_storeu_pd)
}
#endif

/* -log of numbers in (0, 1]: the exponent, and 2 artanh of (m − 1) / (m + 1) with m in [1, 2) made
 * [√½, √2), by a polynomial. */
CLONES static void logs(work *w) {
  const double *u = w->a;
  for (long i = 0; i < w->n; i += LANES) {
    words bits = *(const words *)(u + i);
    words shifted = bits - 0x3fe6a09e667f3bcd;
    words e = shifted >> 52;
    lanes m = (lanes)(bits - (shifted & (words)((words){0} - 0x10000000000000)));
    lanes s = (m - 1) / (m + 1), q = s * s;
    lanes p = 0.117647058823529412 + q * 0.105263157894736842;
    p = 0.133333333333333333 + q * p;
    p = 0.153846153846153846 + q * p;
    p = 0.181818181818181818 + q * p;
    p = 0.222222222222222222 + q * p;
    p = 0.285714285714285714 + q * p;
    p = 0.4 + q * p;
    p = 0.666666666666666667 + q * p;
    lanes exponent = (lanes)(e + 0x4338000000000000) - 0x1.8p52;
    TO(w->b, i) = exponent * -0x1.62e42fefa39efp-1 - (2 * s + s * (q * p));
  }
  kept = w->b[0];
}

CLONES static void exps(work *w) {
  for (long i = 0; i < w->n; i += LANES) {
    lanes x = AT(w->a, i), t = x * 0x1.71547652b82fep0 + 0x1.8p52, k = t - 0x1.8p52;
    lanes r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    lanes p = 1.0 / 39916800 + r * (1.0 / 479001600);
    p = 1.0 / 3628800 + r * p;
    p = 1.0 / 362880 + r * p;
    p = 1.0 / 40320 + r * p;
    p = 1.0 / 5040 + r * p;
    p = 1.0 / 720 + r * p;
    p = 1.0 / 120 + r * p;
    p = 1.0 / 24 + r * p;
    p = 1.0 / 6 + r * p;
    p = 0.5 + r * p;
    p = 1 + r * (1 + r * p);
    TO(w->b, i) = (lanes)((words)p + ((words)t << 52));
  }
  kept = w->b[0];
}

/* Into so many buckets as there are times, then by insertion: what is out of order is near. */
static void in_order(work *w) {
  long n = w->n;
  const double *x = w->a;
  double *out = w->b, least_x = x[0], most = x[0];
  uint32_t *first = (uint32_t *)(void *)w->c, *bucket = first + n + 2;
  for (long i = 1; i < n; i++) {
    least_x = x[i] < least_x ? x[i] : least_x;
    most = x[i] > most ? x[i] : most;
  }
  double scale = (double)(n - 1) / (most - least_x + 1e-300);
  memset(first, 0, ((size_t)n + 2) * sizeof *first);
  for (long i = 0; i < n; i++) {
    bucket[i] = (uint32_t)((x[i] - least_x) * scale);
    first[bucket[i] + 1]++;
  }
  for (long i = 0; i < n; i++) first[i + 1] += first[i];
  for (long i = 0; i < n; i++) out[first[bucket[i]]++] = x[i];
  for (long i = 1; i < n; i++) {
    double y = out[i];
    long k = i;
    for (; k > 0 && out[k - 1] > y; k--) out[k] = out[k - 1];
    out[k] = y;
  }
  kept = out[n - 1];
}

/* --- Rows ------------------------------------------------------------------------------------- */

static void must(sqlite3 *db, int code) {
  if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
    give_up(EX_SOFTWARE, "SQLite", sqlite3_errmsg(db));
}

/* Seconds of a row: batches of the rows that the table has in the source. The next batch is of the
 * iterations that follow, as a run's are. */
static double row_seconds(const char *table) {
  if (!source_path) give_up(EX_USAGE, table, "rows need --database");
  sqlite3 *from, *to;
  sqlite3_stmt *s;
  char path[1024], text[2048];
  must(NULL, sqlite3_open_v2(source_path, &from, SQLITE_OPEN_READONLY, NULL));
  snprintf(text, sizeof text, "SELECT sql FROM sqlite_schema WHERE name = '%s'", table);
  must(from, sqlite3_prepare_v2(from, text, -1, &s, NULL));
  if (sqlite3_step(s) != SQLITE_ROW) give_up(EX_DATAERR, table, "the database has no such table");
  char *schema = sqlite3_mprintf("%s", sqlite3_column_text(s, 0));
  sqlite3_finalize(s);
  snprintf(text, sizeof text, "SELECT * FROM %s LIMIT %d", table, BATCH);
  must(from, sqlite3_prepare_v2(from, text, -1, &s, NULL));
  int columns = sqlite3_column_count(s), n = 0, counter = -1;
  for (int c = 0; c < columns; c++)
    if (strcmp(sqlite3_column_name(s, c), "iteration") == 0) counter = c;
  sqlite3_value **cell = memory((size_t)BATCH * (size_t)columns * sizeof *cell);
  sqlite3_int64 last = 0;
  for (; sqlite3_step(s) == SQLITE_ROW; n++)
    for (int c = 0; c < columns; c++) {
      cell[n * columns + c] = sqlite3_value_dup(sqlite3_column_value(s, c));
      if (c == counter && sqlite3_column_int64(s, c) > last) last = sqlite3_column_int64(s, c);
    }
  sqlite3_finalize(s);
  if (n == 0 || counter < 0) give_up(EX_DATAERR, table, "the table has no rows of iterations");
  snprintf(path, sizeof path, "%s/floor-%d.db", folder, (int)getpid());
  must(NULL,
       sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                       NULL));
  must(to, sqlite3_exec(to,
                        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                        "PRAGMA synchronous = NORMAL",
                        NULL, NULL, NULL));
  must(to, sqlite3_exec(to, schema, NULL, NULL, NULL));
  int length = snprintf(text, sizeof text, "INSERT INTO %s VALUES (?", table);
  for (int c = 1; c < columns; c++)
    length += snprintf(text + length, sizeof text - (size_t)length, ",?");
  snprintf(text + length, sizeof text - (size_t)length, ")");
  must(to, sqlite3_prepare_v2(to, text, -1, &s, NULL));
  double best = INFINITY, all = 0;
  for (long batch = 0; batch < 8 || (all < 10 * budget_s && batch < 200); batch++) {
    double begin = sg_process_seconds();
    must(to, sqlite3_exec(to, "BEGIN", NULL, NULL, NULL));
    /* A short source is taken more than once. */
    for (int done = 0; done < BATCH;) {
      sqlite3_int64 later = (last + 1) * (batch * ((BATCH + n - 1) / n) + done / n);
      for (int i = 0; i < n && done < BATCH; i++, done++) {
        for (int c = 0; c < columns; c++)
          if (c == counter)
            sqlite3_bind_int64(s, c + 1, sqlite3_value_int64(cell[i * columns + c]) + later);
          else
            sqlite3_bind_value(s, c + 1, cell[i * columns + c]);
        must(to, sqlite3_step(s));
        sqlite3_reset(s);
      }
    }
    must(to, sqlite3_exec(to, "COMMIT", NULL, NULL, NULL));
    double took = sg_process_seconds() - begin;
    best = fmin(best, took / BATCH);
    all += took;
  }
  for (int i = 0; i < n * columns; i++) sqlite3_value_free(cell[i]);
  free(cell);
  sqlite3_finalize(s);
  sqlite3_free(schema);
  sqlite3_close(from);
  sqlite3_close(to);
  for (int i = 0; i < 3; i++) {
    snprintf(text, sizeof text, "%s%s", path, (const char *[]){"", "-wal", "-shm"}[i]);
    unlink(text);
  }
  return best;
}

/* --- Units ------------------------------------------------------------------------------------ */

/* Times as they are sorted and logarithms taken of: sums of two shifted exponentials, uniforms. */
static work times_of(long n, bool uniform) {
  work w = {.a = memory((size_t)(n + 64) * 8),
            .b = memory((size_t)(n + 64) * 8),
            .c = memory((size_t)(n + 64) * 8),
            .n = n};
  sg_stream s;
  sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (long i = 0; i < n + 64; i++)
    w.a[i] = uniform ? 1 - sg_uniform(&s) : 7.6 + sg_exponential(&s, 1.25) + sg_exponential(&s, 10);
  return w;
}

static double numbers_seconds(void (*call)(work *), long n, bool uniform) {
  work w = times_of(n, uniform);
  double s = least(call, &w);
  free(w.a);
  free(w.b);
  free(w.c);
  return s;
}

static double draw_seconds(long n) {
  void (*call)(work *) = draw_one_by_one;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512dq"))
    call = draw_by_eight;
  else if (__builtin_cpu_supports("avx2"))
    call = draw_by_four;
#endif
  return numbers_seconds(call, n, true);
}

static double memory_seconds(double bytes, bool copies) {
  size_t n = (size_t)(bytes / 8);
  work w = {.a = numbers(n + 8), .b = copies ? numbers(n + 8) : NULL, .n = (long)n};
  double s = least(copies ? copy_all : read_all, &w);
  free(w.a);
  free(w.b);
  return s;
}

static double pass_seconds(long n, long m) {
  work w = {.a = numbers((size_t)(n * m)),
            .b = numbers(2 * (size_t)m + 8),
            .c = numbers((size_t)n),
            .n = n,
            .m = m};
  double s = fmin(least(pass_by_gemv, &w), least(pass_by_rows, &w));
  free(w.a);
  free(w.b);
  free(w.c);
  return s;
}

/* Seconds of KIND:SIZE…, once; `unit` ends where the sizes do. */
static double seconds_of(const char *unit) {
  char kind[16] = "", table[64] = "";
  double x[MOST_SIZES] = {0, 1, 1};
  int sizes = sscanf(unit, "%15[a-z]:%lfx%lfx%lf", kind, x, x + 1, x + 2) - 1;
  if (sizes < 1 || !(x[0] > 0 && x[1] > 0 && x[2] > 0))
    give_up(EX_USAGE, unit, "expected KIND:SIZE[xSIZE…][*TIMES]");
  long n = (long)x[0], m = (long)x[1], k = (long)x[2];
  if (strcmp(kind, "read") == 0) return memory_seconds(x[0], false);
  if (strcmp(kind, "copy") == 0) return memory_seconds(x[0], true);
  if (strcmp(kind, "pass") == 0) return pass_seconds(n, m);
  if (strcmp(kind, "gemm") == 0)
    return fmin(gemm_seconds(n, m, k), 2 * x[0] * x[1] * x[2] * flop_seconds());
  if (strcmp(kind, "flops") == 0) return x[0] * flop_seconds();
  if (strcmp(kind, "draws") == 0) return draw_seconds(n);
  if (strcmp(kind, "log") == 0) return numbers_seconds(logs, n, true);
  if (strcmp(kind, "exp") == 0) return numbers_seconds(exps, n, true);
  if (strcmp(kind, "sort") == 0) return numbers_seconds(in_order, n, false);
  if (strcmp(kind, "rows") == 0 && sscanf(unit, "rows:%*[0-9.]@%63[a-z_]", table) == 1)
    return x[0] * row_seconds(table);
  give_up(EX_USAGE, unit, "there is no such kind");
}

/* The units of a sum, printed; adds up their seconds, and says of which kind the longest is. */
static double sum_seconds(char *sum, bool *first, double *longest, char kind[16]) {
  double all = 0;
  *longest = 0;
  for (char *rest = NULL, *unit = strtok_r(sum, "+", &rest); unit;
       unit = strtok_r(NULL, "+", &rest)) {
    char *times = strchr(unit, '*');
    if (times) *times++ = '\0';
    double count = times ? strtod(times, NULL) : 1, once = seconds_of(unit), s = count * once;
    printf("%s\n    {\"unit\": \"%s\", \"times\": %.9g, \"seconds\": %.9g}", *first ? "" : ",",
           unit, count, once);
    *first = false;
    all += s;
    if (s > *longest) {
      *longest = s;
      snprintf(kind, 16, "%.*s", (int)strcspn(unit, ":"), unit);
    }
  }
  return all;
}

/* --- That the loops do the work --------------------------------------------------------------- */

static double largest_difference(const double *x, const double *y, long n) {
  double most = 0;
  for (long i = 0; i < n; i++) {
    double d = fabs(x[i] - y[i]) / fmax(1e-300, fabs(y[i]));
    most = d > most || isnan(d) ? d : most;
  }
  return most;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static bool within(const char *what, double difference, double allowed) {
  printf("%s: largest relative difference %.2g, allowed %.2g\n", what, difference, allowed);
  return difference <= allowed;
}

/* Against libm, the block by block generator of Random123, qsort and OpenBLAS. */
static int verify(void) {
  enum { N = 1000, ROWS = 36, COLUMNS = 21 };
  bool good = true;
  work u = times_of(N, true), t = times_of(N, false);
  double *expected = memory(N * sizeof *expected);
  logs(&u);
  for (int i = 0; i < N; i++) expected[i] = -log(u.a[i]);
  good &= within("log", largest_difference(u.b, expected, N), 1e-14);
  for (int i = 0; i < N; i++) t.a[i] = -t.a[i];
  exps(&t);
  for (int i = 0; i < N; i++) expected[i] = exp(t.a[i]);
  good &= within("exp", largest_difference(t.b, expected, N), 1e-14);
  in_order(&t);
  memcpy(expected, t.a, N * sizeof *expected);
  qsort(expected, N, sizeof *expected, by_size);
  good &= within("sort", largest_difference(t.b, expected, N), 0);
  draw_one_by_one(&t);
  memcpy(expected, t.a, N * sizeof *expected);
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) {
    draw_by_four(&t);
    good &= within("draws by four", largest_difference(t.a, expected, N), 1e-12);
  }
  if (__builtin_cpu_supports("avx512dq")) {
    draw_by_eight(&t);
    good &= within("draws by eight", largest_difference(t.a, expected, N), 1e-12);
  }
#endif
  work x = {.a = numbers(ROWS * COLUMNS),
            .b = numbers(2 * COLUMNS),
            .c = numbers(ROWS),
            .n = ROWS,
            .m = COLUMNS};
  pass_by_gemv(&x);
  memcpy(expected, x.b + COLUMNS, COLUMNS * sizeof *expected);
  pass_by_rows(&x);
  good &= within("pass", largest_difference(x.b + COLUMNS, expected, COLUMNS), 1e-12);
  double *mine[] = {u.a, u.b, u.c, t.a, t.b, t.c, x.a, x.b, x.c, expected};
  for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) free(mine[i]);
  return good ? EX_OK : EX_SOFTWARE;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "verify") == 0) return verify();
  int i = 1;
  for (; i + 1 < argc && argv[i][0] == '-'; i += 2)
    if (strcmp(argv[i], "--ms") == 0)
      budget_s = 1e-3 * strtod(argv[i + 1], NULL);
    else if (strcmp(argv[i], "--database") == 0)
      source_path = argv[i + 1];
    else if (strcmp(argv[i], "--folder") == 0)
      folder = argv[i + 1];
    else
      give_up(EX_USAGE, argv[i], "there is no such option");
  if (i >= argc) give_up(EX_USAGE, "TERM", "expected at least one");
  printf("{\"core\": \"%s\",\n  \"units\": [", openblas_get_corename());
  double floor_s = 0, most = 0;
  char bound[16] = "";
  bool first = true;
  for (; i < argc; i++) {
    double term = 0, longest = 0;
    char of_term[16] = "";
    for (char *rest = NULL, *sum = strtok_r(argv[i], "|", &rest); sum;
         sum = strtok_r(NULL, "|", &rest)) {
      double of_sum;
      char kind[16] = "";
      double s = sum_seconds(sum, &first, &of_sum, kind);
      if (s <= term) continue;
      term = s;
      longest = of_sum;
      memcpy(of_term, kind, sizeof kind);
    }
    floor_s += term;
    if (longest > most) {
      most = longest;
      memcpy(bound, of_term, sizeof bound);
    }
  }
  printf("],\n  \"seconds\": %.9g, \"bound\": \"%s\", \"share\": %.3g}\n", floor_s, bound,
         most / floor_s);
  return EX_OK;
}
