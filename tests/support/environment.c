/* SPDX-License-Identifier: MIT */
#include "tests/support/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void check(sg_status status, sg_error *e) {
  if (status != SG_OK)
    fail_msg("%s: %s", e->count ? e->fault[0].place : "", e->count ? e->fault[0].message : "?");
  sg_error_clear(e);
}

static void set_number(sg_values *v, const char *name, double number) {
  sg_error e = {0};
  check(sg_values_set_number(v, name, number, &e), &e);
}

static void set_string(sg_values *v, const char *name, const char *text) {
  sg_error e = {0};
  if (text) check(sg_values_set_string(v, name, text, &e), &e);
}

sg_values *test_variant(const sg_family *family, const sg_param *common, const char *name,
                        const double *by) {
  const sg_variant *variant = sg_family_find(family, name);
  assert_non_null(variant);
  sg_values *v = sg_values_new(common, variant, "");
  assert_non_null(v);
  if (variant->params)
    for (int i = 0; variant->params[i].name; i++) {
      const sg_param *p = &variant->params[i];
      sg_error e = {0};
      if (family == &sg_compressor_family && p->flags & SG_OPTIONAL) continue;
      if (p->kind == SG_BOOL)
        check(sg_values_set_bool(v, p->name, by[i] != 0, &e), &e);
      else if (p->kind == SG_CHOICE) /* by number of the word */
        check(sg_values_set_string(v, p->name, p->choices[(int)by[i]], &e), &e);
      else
        set_number(v, p->name, by[i]);
    }
  return v;
}

sg_values *test_cluster(int workers, const double *speed) {
  sg_values *v = sg_values_new(sg_cluster_params, NULL, "/cluster");
  assert_non_null(v);
  set_number(v, "workers", workers);
  if (!speed) return v;
  sg_value *classes = sg_values_find(v, "classes");
  classes->given = true;
  classes->count = workers;
  classes->item = calloc((size_t)workers, sizeof *classes->item);
  assert_non_null(classes->item);
  for (int i = 0; i < workers; i++) {
    const sg_param *fields = sg_values_param(v, "classes")->fields[0].fields;
    classes->item[i].object = sg_values_new(fields, NULL, "/cluster/classes/0");
    set_number(classes->item[i].object, "share", 1.0 / workers);
    set_number(classes->item[i].object, "speed", speed[i]);
  }
  set_string(v, "assign", "in-order");
  return v;
}

static void choose(sg_values *network, const char *member, const char *name, const double *by) {
  if (!name) return;
  const sg_param *row = sg_values_param(network, member);
  sg_value *value = sg_values_find(network, member);
  sg_values_free(value->object);
  value->object = test_variant(row->family, row->fields, name, by);
}

/* A class of links for each worker, in order. */
static void set_links(sg_values *network, const test_setup *s) {
  if (!s->uplink_speed && !s->downlink_speed) return;
  sg_value *classes = sg_values_find(network, "classes");
  classes->given = true;
  classes->count = s->workers;
  classes->item = calloc((size_t)s->workers, sizeof *classes->item);
  assert_non_null(classes->item);
  for (int i = 0; i < s->workers; i++) {
    const sg_param *fields = sg_values_param(network, "classes")->fields[0].fields;
    sg_values *item = classes->item[i].object = sg_values_new(fields, NULL, "/network/classes/0");
    set_number(item, "share", 1.0 / s->workers);
    if (s->uplink_speed) set_number(item, "uplink_speed", s->uplink_speed[i]);
    if (s->downlink_speed) set_number(item, "downlink_speed", s->downlink_speed[i]);
  }
  set_string(network, "assign", "in-order");
}

static sg_values *network_values(const test_setup *s) {
  sg_values *v = sg_values_new(sg_network_params, NULL, "/network");
  assert_non_null(v);
  choose(v, "uplink", s->uplink, s->uplink_by);
  choose(v, "ingress", s->ingress, &s->ingress_Bps);
  choose(v, "broadcast", s->broadcast, s->broadcast_by);
  set_number(sg_values_find(v, "uplink")->object, "per_message_s", s->per_message_s);
  set_string(sg_values_find(v, "uplink")->object, "draw", s->draw);
  choose(sg_values_find(v, "uplink")->object, "jitter", s->jitter, s->jitter_by);
  set_links(v, s);
  set_string(v, "duplex", s->duplex);
  set_number(v, "signal_latency_s", s->signal_latency_s);
  set_string(v, "late_messages", s->late_messages);
  return v;
}

void test_environment_make(test_environment *t, const test_setup *s) {
  sg_error e = {0};
  sg_values *cluster = test_cluster(s->workers, s->speed);
  sg_values *delay = test_variant(&sg_delay_family, sg_delay_params, s->delay, s->delay_by);
  sg_values *network = network_values(s);
  set_string(delay, "unit", s->unit);
  set_string(delay, "scaling", s->scaling);
  set_number(delay, "per_subset_s", s->per_subset_s);
  check(sg_delay_new(cluster, delay, s->subsets ? s->subsets : 1, 0, s->seed, &t->delay, &e), &e);
  check(sg_network_new(network, s->workers, s->seed, &t->network, &e), &e);
  t->env = (sg_environment){.delay = t->delay,
                            .network = t->network,
                            .late_work = s->late_work,
                            .update_s = s->update_s,
                            .header_bytes = s->header_bytes,
                            .length = s->length ? s->length : 1,
                            .seed = s->seed};
  if (s->compressor) {
    t->compressor = test_compressor(s->compressor, s->compressor_by);
    t->env.compressor = &t->compressor;
  }
  sg_values_free(cluster);
  sg_values_free(delay);
  sg_values_free(network);
}

sg_compressor test_compressor(const char *name, const double *by) {
  sg_error e = {0};
  sg_compressor c;
  sg_values *v = test_variant(&sg_compressor_family, NULL, name, by);
  check(sg_compressor_init(&c, v, &e), &e);
  sg_values_free(v);
  return c;
}

void test_environment_free(test_environment *t) {
  sg_delay_free(t->delay);
  sg_network_free(t->network);
}

sg_code *test_code(const sg_code_type *type, const sg_shape *shape, const char *name,
                   double number) {
  sg_error e = {0};
  sg_code *code = NULL;
  sg_values *v = sg_values_new(NULL, &type->about, "");
  assert_non_null(v);
  if (name) set_number(v, name, number);
  check(sg_code_new(type, shape, v, &code, &e), &e);
  sg_values_free(v);
  return code;
}
