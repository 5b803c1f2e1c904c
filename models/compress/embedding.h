/* SPDX-License-Identifier: MIT */
/* Parseval frames F (D × M, F Fᵀ = I) and embeddings v = F x of a message v in more coordinates,
 * none of which is large (theory: embeddings; Saha, Pilanci, Goldsmith 2021, 2103.07578).
 *
 *   Hadamard     F = P diag(±1) H: P keeps D random rows, H is the orthonormal Hadamard matrix of
 *                order M = 2^⌈log2(Λ D)⌉; M log2 M additions
 *   orthonormal  the first D rows of a Haar-distributed orthogonal matrix of order M = ⌈Λ D⌉, as a
 *                product of M − 1 random reflections (Stewart 1980): 2 M² multiply-adds and M²/2
 *                numbers, for short messages
 *
 * Both ends draw F from the address of the message, anew for each. */
#ifndef SG_MODELS_EMBEDDING_H
#define SG_MODELS_EMBEDDING_H

#include "models/compress/quantiser.h"

typedef enum sg_frame_kind { SG_FRAME_HADAMARD, SG_FRAME_ORTHONORMAL } sg_frame_kind;

/* Longer messages have Hadamard frames whatever the scenario says. */
enum { SG_ORTHONORMAL_MOST = 512 };

typedef struct sg_frame {
  long d, m;
  sg_frame_kind kind;
  /* Hadamard */
  uint64_t key;
  sg_subset rows;
  double *buffer; /* of the transform */
  /* orthonormal: reflection i is of coordinates i … m − 1, unit vectors one after another */
  double *unit;
} sg_frame;

/* M, by the kind that a message of that length has; doubles of memory of the frame. */
long sg_frame_size(sg_frame_kind kind, double redundancy, long d);
long sg_frame_room(sg_frame_kind kind, double redundancy, long d);
void sg_frame_draw(sg_frame *f, sg_frame_kind kind, double redundancy, long d, uint64_t key,
                   double *room);
/* x = Fᵀ v, length m. Returns max |x_i|, NAN if there is one. */
double sg_frame_up(const sg_frame *f, const double *v, double *x);
/* v = F x; x is lost, and may be v where that has room for m. */
void sg_frame_down(const sg_frame *f, double *x, double *v);

/* v = F x with the largest |x_i| at most K |v|/√M, by the iteration of Lyubarskii and Vershynin
 * (2010): clip, subtract, repeat; at last what is left is added, so that v = F x but for rounding.
 * room: d + m doubles. Returns K. */
double sg_frame_democratic(const sg_frame *f, const double *v, double *x, double *room);

#endif
