/* SPDX-License-Identifier: MIT */
/* Width 1 of dense data for several columns together, with the bits of one alone.
 *
 * Eight vectors (models, class by class) meet a block of rows while it is in the cache. Every sum
 * is made in the order in which dense.c makes it for one vector; lanes are vectors in margins,
 * columns of the data in gradients. So fewer numbers are fetched for each multiplication, no lanes
 * are added up, and data that do not fit the cache are read once for all. With AVX-512 only: eight
 * sums of eight vectors do not fit the registers of AVX2, where one vector alone is as fast. */
#ifndef SG_MODELS_ABREAST_H
#define SG_MODELS_ABREAST_H

#include "models/learning/internal.h"

enum { SG_ABREAST = 8 };

/* Whether the processor has the loops. */
bool sg_abreast_here(void);

/* Whether a request of width 1 is faster this way: most columns want most parts, all rows of them.
 * O(columns + items). */
bool sg_abreast_suits(const sg_problem *problem, const sg_gradient_request *request);

/* As sg_problem_begin in width 1. ws->vectors and ws->window get what dense.c puts there. */
sg_status sg_abreast_begin(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *request);

#endif
