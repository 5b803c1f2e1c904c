/* SPDX-License-Identifier: MIT */
/* A code on the bench: its rows and weights without an engine. Codes whose messages are those that
 * the first round's plan sends, whatever happens. */
#ifndef SG_TESTS_CODE_BENCH_H
#define SG_TESTS_CODE_BENCH_H

#include "codes/frame/protocol.h"
#include "sim/core/random.h"

enum { BENCH_MOST = 64, BENCH_LENGTH = 60, BENCH_MESSAGES = 4 * BENCH_MOST };

typedef struct bench {
  sg_values *values;
  sg_code *code;
  sg_decoder *decoder;
  void *state;
  int messages;
  sg_message message[BENCH_MESSAGES];      /* all that the first round's plan sends, by sender */
  const sg_message *order[BENCH_MESSAGES]; /* of the last decode */
  char label[160];
} bench;

/* n workers and subsets; values stay the caller's. A fault is returned. */
sg_status bench_open(bench *b, sg_values *values, int n, uint64_t seed, sg_error *e);
sg_status bench_open_shaped(bench *b, sg_values *values, const sg_shape *shape, sg_error *e);
void bench_close(bench *b);

/* A registered code by name and a list of name, text pairs, ended by NULL; a fault fails the
 * test. */
sg_values *bench_values(const char *name, ...);
void bench_open_named(bench *b, sg_values *values, int n, uint64_t seed);
/* The code is refused, there (NULL: anywhere) and in these words, among others. Frees the values.
 */
void bench_refused(sg_values *values, int n, const char *place, const char *words);
/* Values and code. */
void bench_close_named(bench *b);

/* Whether a message comes when exactly the workers of the bit set answer, and whether the code
 * promises to decode then. */
bool bench_comes(const bench *b, int message, unsigned long present);
bool bench_is_promised(const bench *b, unsigned long present);

/* A random set of workers of whom exactly so many of n are missing. */
unsigned long bench_sample(sg_stream *s, int n, int missing);

/* Weights of a segment when exactly the workers of the bit set answer; `turn` varies the order of
 * arrival, which goes to `order` (BENCH_MESSAGES entries). */
sg_status bench_decode_segment(bench *b, int segment, unsigned long present, int turn,
                               sg_weights *w, const sg_message **order);
sg_status bench_decode(bench *b, unsigned long present, int turn, sg_weights *w,
                       const sg_message **order); /* segment 0 */

/* The largest deviation of Σ w · row from what a decoded segment must be, relays followed: 1 at
 * its piece of each part, 0 elsewhere. With coded parts that of Σ w u², u being numbers in place of
 * the data, plus the constant, from the whole gradient, relative to it. INFINITY where messages
 * with a weight are of different snapshots. */
double bench_deviation(const sg_code *code, const void *state, int segment, const sg_weights *w,
                       const sg_message *const *order);

/* The rules that a code's rows, work, load and m must keep. */
void bench_check_rows(bench *b);

/* What a pattern gives of codes of one piece, from rows as they are written, not from any table of
 * the code; a refusal fails the test. */
typedef struct bench_decoded {
  int count, parts;
  double w[BENCH_MOST], alpha[BENCH_MOST], row[BENCH_MOST][BENCH_MOST];
  double error, sum, square; /* ‖α − 1‖², 1ᵀα, ‖α‖² */
} bench_decoded;
void bench_decode_rows(bench *b, unsigned long present, bench_decoded *out);

#endif
