/* SPDX-License-Identifier: MIT */
/* Compressors of messages: float64, float32, bfloat16, QSGD, top-k, …
 *
 * A compressor is a constant descriptor with a small state that the caller stores. Adding one: one
 * file with the descriptor sg_compressor_NAME, and one line in the table of compress.c. A worker
 * forms its message in float64; what the receiver has is what the compressor makes of it:
 *
 *   round      every coordinate is rounded by itself, so that the kernel can do it in its tiles
 *   encode     the vector is encoded into bits as a whole, and the receiver decodes these bits and
 *              nothing else: what the link carries is what was counted
 *
 * Where bits depend on the data, or the sender remembers what it has sent, a message must be formed
 * when it is sent, whether it is used later or not (sg_compressor_forms). Others are formed when
 * they are used. */
#ifndef SG_MODELS_COMPRESS_H
#define SG_MODELS_COMPRESS_H

#include "sim/core/param.h"
#include "sim/core/random.h"

#include <stddef.h>

/* Number formats: the first compressors of the family. */
typedef enum sg_precision { SG_FLOAT64, SG_FLOAT32, SG_BFLOAT16 } sg_precision;
enum { SG_PRECISIONS = 3 };

/* What a sender remembers of its earlier messages, one vector for each segment, 0 at first (theory:
 * error-feedback), whatever the compressor C:
 *
 *   classic   u = y + e, C(u) is sent; e becomes u − C(u)
 *   ef21      C(y − h) is sent; h becomes h + C(y − h), which is what the receiver takes for y
 *
 * Once the message is used, that is: of one that never is nothing is remembered (form.h). */
typedef enum sg_feedback { SG_FEEDBACK_NONE, SG_FEEDBACK_CLASSIC, SG_FEEDBACK_EF21 } sg_feedback;
extern const char *const sg_feedbacks[]; /* the words, NULL-terminated */

/* Bits as they are packed: least significant first, in whole bytes on the link. Zero-initialise;
 * free with sg_packed_free. */
typedef struct sg_packed {
  unsigned char *byte;
  size_t capacity; /* bytes */
  size_t count;    /* bits written */
  size_t at;       /* bits read */
  uint64_t key;    /* of the message's address, which both ends know, for what both draw */
  double *scratch;
  size_t scratch_room;
  int worker;  /* who sends, for compressors whose bits differ by worker: set by the caller */
  bool failed; /* out of memory */
} sg_packed;

/* The lowest n bits of value, n ≤ 64. Without memory `failed` is set and nothing is written. */
void sg_pack(sg_packed *p, uint64_t value, int n);
/* The next n bits, n ≤ 64; zeros past the end. */
uint64_t sg_unpack(sg_packed *p, int n);
/* A number as the 32 bits of a float, rounded to nearest. */
void sg_pack_float(sg_packed *p, double value);
double sg_unpack_float(sg_packed *p);
/* n doubles for a compressor's own use until it returns, not cleared; NULL (and failed): no memory.
 */
double *sg_packed_scratch(sg_packed *p, long n);
void sg_packed_free(sg_packed *p);

/* Uniforms in [0, 1) for one message, as many as it wants: addressed, as all randomness is, so that
 * what a worker draws depends on nobody else. Messages of different workers are independent. */
typedef struct sg_dither {
  uint64_t key;
  long used, filled;
  sg_stream stream, coarse;
} sg_dither;

/* draw: number of the transmission among those of this worker in this iteration; part: of the
 * message in the transmission. */
void sg_dither_at(sg_dither *d, uint64_t seed, uint32_t replication, int worker, uint32_t iteration,
                  uint32_t draw, int part);
double sg_dither_next(sg_dither *d);
/* n others, of 32 bits, at a fifth of the time (sg_coarse_uniforms). u has room for n rounded up to
 * a multiple of SG_COARSE, and all but the last n of a message are one. */
void sg_dither_fill(sg_dither *d, double *u, long n);

#define SG_COMPRESSOR_STATE 136 /* bytes */
#define SG_COMPRESSOR_FITS(type)                                                                   \
  _Static_assert(sizeof(type) <= SG_COMPRESSOR_STATE, "too large for a state")

typedef struct sg_compressor {
  const struct sg_compressor_type *type;
  double head_bits, number_bits; /* of a vector, of each number; 0: they depend on the numbers */
  sg_feedback feedback;
  bool unbiased; /* as the type says, unless `init` knows better */
  /* Of a vector of that length, where they are known and not so many a number; NULL otherwise. */
  double (*bits)(const void *state, long length);
  long least; /* numbers that a message must have; 0: any */
  _Alignas(16) unsigned char state[SG_COMPRESSOR_STATE];
} sg_compressor;

typedef struct sg_compressor_type {
  sg_variant about;
  bool unbiased; /* the mean over the randomness is the vector itself, whatever the parameters */
  double number_bits;
  sg_feedback feedback; /* where the scenario does not say */
  /* Fills in the state, and whatever else depends on it. NULL: no parameters. */
  sg_status (*init)(sg_compressor *c, const sg_values *values, sg_error *e);
  /* Rounds x in place. NULL, without encode: nothing is lost. */
  void (*round)(const void *state, long n, double *x);
  /* A vector that is not finite must not come out finite: its run has diverged. encode writes
   * nothing but what decode can read, and decode knows n, the bits and the key only.
   */
  void (*encode)(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out);
  void (*decode)(const void *state, long n, sg_packed *in, double *x);
} sg_compressor_type;

/* The scenario's "network.compression": selector "compressor", and what all have besides. */
extern const sg_family sg_compressor_family;
extern const sg_param sg_compression_params[];

/* values->variant must be one of the family's variants. */
sg_status sg_compressor_init(sg_compressor *c, const sg_values *values, sg_error *e);

/* Whether bits follow from the length, and those of a message of `length` numbers if they do; NULL
 * is float64. */
bool sg_compressor_fixed(const sg_compressor *c);
double sg_compressor_bits(const sg_compressor *c, long length);
/* Doubles that a sender remembers per coordinate: 0 or 1. */
int sg_compressor_memory(const sg_compressor *c);
/* Whether messages must be formed when they are sent. */
bool sg_compressor_forms(const sg_compressor *c);
/* Whether messages must be formed as whole vectors, not tile by tile. */
static inline bool sg_compressor_whole(const sg_compressor *c) {
  return c && (c->type->encode || c->feedback);
}

/* Turns x into what the receiver has of it, by way of the packed bits where the compressor encodes.
 * *bits: how many there are. packed: buffers, used again from message to message; dither may be
 * NULL for compressors without randomness. memory: what the sender remembers, n doubles, which
 * become what it remembers once the message is used; NULL without feedback. O(n). SG_NO_MEMORY. */
sg_status sg_compress(const sg_compressor *c, sg_packed *packed, sg_dither *dither, long n,
                      double *x, double *memory, double *bits);

/* Bytes on a link of a message of so many bits: whole ones. */
static inline double sg_bytes_of(double bits) {
  return (double)(uint64_t)((bits + 7) / 8);
}

#endif
