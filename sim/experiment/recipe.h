/* SPDX-License-Identifier: MIT */
/* The recipe of one decode of one run: from the code's rows and weights to kernel sets.
 *
 * All arrays are used again by the next decode, so that nothing is allocated after the first
 * rounds. */
#ifndef SG_SIM_RECIPE_H
#define SG_SIM_RECIPE_H

#include "sim/experiment/alphas.h"
#include "sim/experiment/form.h"
#include "sim/experiment/inner_states.h"
#include "sim/experiment/snapshots.h"

typedef struct sg_recipe {
  const sg_world *world;
  sg_snapshots *snapshots;
  sg_pass *pass;
  sg_decoder *decoder;
  sg_former *former;          /* for compressors that want whole vectors; NULL: not wanted */
  sg_alphas *alphas;          /* of α; NULL: not wanted */
  sg_inner_states states;     /* of the workers' optimisers */
  double *decoded, *previous; /* length l; previous: NULL, or the last decoded vector */
  /* The decode at hand: pass->set[first_set] … pass->set[first_set + n_sets − 1]. */
  int first_set, n_sets, n_sum;
  double *norm2; /* n_sum: ‖g‖² of each partial gradient of the sum that ĝ is compared with */
  double decode_flops;   /* to find the weights and to apply them */
  int n_used;            /* messages with a weight that is not zero */
  double bits;           /* of those */
  double lost2, formed2; /* ‖C(y) − y‖² and ‖y‖² over those that a former has formed */
  sg_decode_info info;   /* worst over segments; alpha_error: their sum; alpha_sum: mean over
                            coordinates */
  double n_alpha;        /* coefficients α, one for each part and piece of all segments */
  double samples;        /* training rows whose gradients are in ĝ, each once; NAN: not known */
  double staleness_sum, staleness_max; /* over used messages: updates since their snapshots */
  bool names_used; /* n_used records of the messages behind it; else `used` is NULL */
  sg_used_record *used;
  int used_capacity;
  /* Arrays of the sets. */
  struct sg_recipe_range { /* where a set's begin, until growing is over and pointers can be set */
    int start, weight, bias;
  } * range;
  sg_kernel_term *term;
  sg_kernel_link *link;
  int *start, *link_start; /* offsets per message and one past the last */
  double *weight, *bias;
  int *sum_item;
  double *sum_coef;
  const sg_message **message; /* with a former, as `start`: the message before the offset, and */
  const double **payload;     /* what the receiver has of it, NULL: not formed yet */
  int n_terms, n_links, n_starts, n_weights, n_bias, messages_capacity, payloads_capacity;
  int ranges_capacity, terms_capacity, links_capacity, starts_capacity, link_starts_capacity,
      weights_capacity, bias_capacity, sum_capacity, coef_capacity, norm_capacity;
  /* While they are made. */
  int first_item;
  int *item_of; /* snapshot by snapshot, part by part: the last partial gradient, or −1 */
  int n_item_of, item_of_capacity;
  int *before; /* of each partial gradient: the one before it with another batch, or −1 */
  int before_capacity;
  long *seen; /* of each part: the last decode that used it, by number */
  long decode;
  int steps; /* local steps of the rows; −1: there is none yet */
  double rate;
  int last_snapshot; /* of the last used message, and its age */
  long last_age;
  const sg_message **known; /* messages of the set so far, which relays may be made from */
  int n_known, known_capacity;
  sg_row *relayed; /* rows of messages that reach the master through relays, by depth */
  int n_relayed, relayed_capacity;
  int *input; /* the known messages that relays under construction are made from */
  int n_input, input_capacity;
} sg_recipe;

/* decoded, previous: see above; NULL when timing only. false: no memory; sg_recipe_free all the
 * same. */
bool sg_recipe_init(sg_recipe *r, sg_snapshots *snapshots, uint32_t replication, double *decoded,
                    double *previous);
void sg_recipe_free(sg_recipe *r);

/* Takes down the moments of α from now on, where the code is not exact and has such
 * (recipe->alphas then is not NULL). false: no memory. */
bool sg_recipe_take_alphas(sg_recipe *r);

/* Makes the sets of the run's decode and adds them, and what they need, to the pass; when timing
 * only, counts flops and messages. SG_UNDECODABLE: the weights were refused, and the pass is as it
 * was. Other faults go to `e`. */
sg_status sg_recipe_make(sg_recipe *r, const sg_run *run, sg_error *e);

/* Forms the messages of the decode that the kernel cannot form in its tiles. After sg_problem_begin
 * with the pass's request. SG_NO_MEMORY. */
sg_status sg_recipe_form(sg_recipe *r, const sg_run *run, sg_kernel *kernel, sg_workspace *ws,
                         const sg_gradient_request *request);

/* The update counts: what the senders of its messages remember advances. */
void sg_recipe_used(const sg_recipe *r);

#endif
