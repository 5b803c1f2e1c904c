/* SPDX-License-Identifier: MIT */
/* What network.c tells ingress.c; everybody else includes network.h. */
#ifndef SG_MODELS_INGRESS_H
#define SG_MODELS_INGRESS_H

#include "models/network/network.h"

typedef enum sg_ingress_kind {
  SG_INGRESS_UNLIMITED,
  SG_INGRESS_FIFO,
  SG_INGRESS_FAIR_SHARE
} sg_ingress_kind;

/* bandwidth: bytes per second, not used by SG_INGRESS_UNLIMITED. NULL: no memory. */
sg_ingress *sg_ingress_make(sg_ingress_kind kind, double bandwidth);

#endif
