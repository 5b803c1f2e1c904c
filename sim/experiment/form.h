/* SPDX-License-Identifier: MIT */
/* Messages that are formed as whole vectors, for compressors that are not local to a tile: when
 * they are sent, where their bits depend on the data or the sender remembers, and otherwise when
 * they are used. What the receiver has is kept here until the message's number is used again.
 *
 * What senders remember (sg_feedback). A sender hears with the next model which of its messages the
 * master has used, one bit each, which is not counted. So its memory advances when a message is
 * used, and one that is late, cancelled, erased or given no weight leaves it as it was, to the last
 * bit; with EF21 both ends have the same. A message that is sent while an earlier one of the same
 * segment is open is made without memory, which the earlier one carries: whatever becomes of
 * either, nothing is lost or sent twice. */
#ifndef SG_SIM_FORM_H
#define SG_SIM_FORM_H

#include "sim/experiment/inner_states.h"
#include "sim/kernel.h"

typedef struct sg_former sg_former; /* of one run */

/* states: of the same run, which they advance with the messages that are used. NULL: no memory. */
sg_former *sg_former_new(const sg_world *world, uint32_t replication, sg_inner_states *states);
void sg_former_free(sg_former *former);

/* Bytes that a run keeps of what its workers remember: 8 per double, node and coordinate. */
double sg_former_memory(const sg_world *world);

/* Forms and compresses a message that is sent now. x: the point at
 * which its gradients are taken. Uses the workspace: no other request may be half done. *bits: the
 * message's. */
sg_status sg_former_send(sg_former *former, sg_kernel *kernel, sg_workspace *ws, const double *x,
                         const sg_run_sent *sent, double *bits, sg_error *e);

/* With the optimiser dgd-def: the loss of the point beside the model at which the gradient of the
 * last message was taken; otherwise NAN. */
double sg_former_beside_loss(const sg_former *former);

/* A message was used: its sender's memory advances. And: it will never be of use (again). */
void sg_former_used(sg_former *former, const sg_message *message);
void sg_former_gone(sg_former *former, const sg_message *message);

/* What the receiver has of a message that was formed when it was sent. */
const double *sg_former_payload(const sg_former *former, const sg_message *message);

/* What its sender's optimiser remembered when a message was formed, for one who takes its steps
 * once more: it is changed by them. NULL: nothing. */
double *sg_former_state(const sg_former *former, const sg_message *message);

/* Adds ‖C(y) − y‖² and ‖y‖² of a message that was formed, y, and of what the receiver has of it. */
void sg_former_loss(const sg_former *former, const sg_message *message, double *lost2,
                    double *formed2);

/* Forms what is missing in payload, n_messages entries that set->payload points to. message: those
 * of the set, in its order. After sg_problem_begin with the request. SG_NO_MEMORY. */
sg_status sg_former_fill(sg_former *former, sg_kernel *kernel, sg_workspace *ws,
                         const sg_gradient_request *request, const sg_run *run,
                         const sg_message *const *message, const sg_kernel_set *set,
                         const double **payload);

#endif
