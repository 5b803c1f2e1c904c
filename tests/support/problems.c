/* SPDX-License-Identifier: MIT */
#include "tests/support/problems.h"
#include "models/learning/data.h"
#include "models/learning/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void insist(bool fine, const char *what) {
  if (fine) return;
  fprintf(stderr, "bad setting in a test: %s\n", what);
  abort();
}

/* Puts a family's object in place of a member. */
static void choose(sg_values *v, const char *member, const char *variant, const sg_param *params,
                   const sg_family *family) {
  sg_value *value = sg_values_find(v, member);
  const sg_variant *found = sg_family_find(family, variant);
  insist(value && found, variant);
  char pointer[64];
  snprintf(pointer, sizeof pointer, "/learning/%s", member);
  sg_values_free(value->object);
  value->object = sg_values_new(params, found, pointer);
  value->given = true;
  insist(value->object, member);
}

static void set(sg_values *v, char *setting) {
  char *value = strchr(setting, '='), *dot = strchr(setting, '.');
  insist(value != NULL, setting);
  *value++ = '\0';
  sg_error e = {0};
  if (strcmp(setting, "data") == 0)
    choose(v, setting, value, sg_data_params, &sg_data_family);
  else if (strcmp(setting, "optimizer") == 0)
    choose(v, setting, value, sg_optimizer_params, &sg_optimizer_family);
  else if (dot && dot < value - 1) {
    *dot = '\0';
    sg_value *object = sg_values_find(v, setting);
    insist(object && object->object && !sg_values_parse(object->object, dot + 1, value, &e), value);
  } else
    insist(!sg_values_parse(v, setting, value, &e), setting);
}

sg_values *learning_values(const char *problem, const char *settings) {
  const sg_variant *variant = sg_family_find(&sg_problem_family, problem);
  insist(variant != NULL, problem);
  sg_values *v = sg_values_new(sg_learning_params, variant, "/learning");
  char *copy = strdup(settings), *rest = copy;
  insist(v && copy, "memory");
  for (char *word; (word = strsep(&rest, " "));)
    if (*word) set(v, word);
  free(copy);
  return v;
}

sg_problem *learning_problem(const char *problem, const char *settings, int workers, uint64_t seed,
                             sg_error *e) {
  sg_values *v = learning_values(problem, settings);
  sg_problem *p = NULL;
  sg_problem_new(v, workers, seed, &p, e);
  sg_values_free(v);
  return p;
}
