/* SPDX-License-Identifier: MIT */
/* The one kernel that encodes and decodes for all codes.
 *
 * Tile by tile: the partial gradients of a tile are made, messages are formed from their rows, and
 * the decoded tile is formed from the messages and the weights, while all of it is in cache. Encode
 * and decode stay two steps: weights are never multiplied into the rows, or the arithmetic that
 * straggle is about would vanish. */
#ifndef SG_SIM_KERNEL_H
#define SG_SIM_KERNEL_H

#include "models/compress/compress.h"
#include "models/learning/problem.h"

typedef struct sg_kernel_term {
  int item, piece; /* item: index into the gradient request */
  double coef;
} sg_kernel_term;

typedef struct sg_kernel_link {
  int message; /* a message earlier in the same set */
  double coef;
} sg_kernel_link;

/* One segment of one decode of one run. */
typedef struct sg_kernel_set {
  /* in */
  long begin, end; /* coordinates */
  int pieces, n_messages;
  const int *term_start; /* n_messages + 1; terms of message i: term[term_start[i]] … */
  const sg_kernel_term *term;
  const int *link_start; /* n_messages + 1, or NULL: no relays */
  const sg_kernel_link *link;
  const double *weight; /* n_messages × pieces, row-major */
  /* Coded data: constant vector of the problem (length l, sg_partition_constant), of which decoded
   * piece q gets bias[q]. NULL: nothing is added. bias (pieces values): NULL only with constant. */
  const double *constant, *bias;
  /* What becomes of messages when they have been formed, in their tile if it is LOCAL (NULL:
   * float64); a relay is formed from what has become of others. */
  const sg_compressor *compressor;
  /* NULL, or n_messages entries: what the receiver has of a message that was formed earlier, of the
   * length of a piece; NULL: it is formed here. A compressor that is not LOCAL needs all that have
   * weights. */
  const double *const *payload;
  int n_sum; /* the exact sum to compare with: Σ sum_coef · item; 0: no comparison */
  const int *sum_item;
  const double *sum_coef; /* NULL: all 1 */
  const double *previous; /* NULL, or the previous decoded vector, for dot_previous */
  double *decoded;        /* out: length l; [begin, end) is written */
  /* out */
  double error2; /* ‖ĝ − Σ‖² over the segment, the sum in compensated arithmetic */
  double sum2;   /* ‖Σ‖² */
  double norm2;  /* ‖ĝ‖² */
  double dot_previous;
  double *item_norm2; /* NULL, or n_sum values to which ‖item‖² over the segment is added */
} sg_kernel_set;

typedef struct sg_kernel sg_kernel; /* buffers; one per thread */
sg_kernel *sg_kernel_new(void);
void sg_kernel_free(sg_kernel *kernel);

/* Encodes and decodes all sets. Call after sg_problem_begin with the same request. Sets with equal
 * (begin, end, pieces) share tiles. The result of a set does not depend on the others. */
sg_status sg_kernel_decode(sg_kernel *kernel, const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *request, int n_sets, sg_kernel_set *set);

/* Forms message i of a set in out[i], of the length of a piece, where out[i] is not NULL. Nothing
 * is compressed; what the message is made from has a payload. */
sg_status sg_kernel_form(sg_kernel *kernel, const sg_problem *problem, sg_workspace *ws,
                         const sg_gradient_request *request, const sg_kernel_set *set,
                         double *const *out);

/* Flops of applying the weights, for the decode-time model: 2 per weight or bias and coordinate. A
 * bias counts where `bias` is given, also without the constant (timing only). */
double sg_kernel_decode_flops(const sg_kernel_set *set);

#endif
