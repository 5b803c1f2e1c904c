/* SPDX-License-Identifier: MIT */
/* Reading a scenario: text → tree → overrides → values, then what only the whole can tell. */
#include "sim/core/nearest.h"
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Overrides -------------------------------------------------------------------------------- */

/* JSON, or a bare word. */
static cJSON *override_tree(const char *place, const char *text, sg_error *e) {
  sg_error own = {0};
  json_text json = sg_json_parse(place, text, strlen(text), &own);
  cJSON *value = json.tree;
  free(json.place);
  bool word = !value && !strchr("{[\"", text[0]) && sg_error_status(&own) == SG_INVALID;
  if (word || (!value && !text[0])) {
    sg_error_clear(&own);
    value = cJSON_CreateString(text);
    if (!value) sg_fail_memory(e);
  }
  for (int i = 0; i < own.count; i++) own.fault[i].status = SG_USAGE;
  sg_error_move(e, &own);
  return value;
}

static void apply_override(sg_scenario *s, const char *pointer, const char *text, sg_error *e) {
  sg_buffer place = {0};
  cJSON *value = NULL;
  sg_putf(&place, "--set %s", pointer);
  if (place.failed)
    sg_fail_memory(e);
  else if (sg_utf8_valid(text, strlen(text)) < strlen(text))
    sg_fail(e, SG_USAGE, place.data, "the value is not valid UTF-8");
  else
    value = override_tree(place.data, text, e);
  if (value) sg_put_at(s->tree, pointer, value, SG_USAGE, place.data, e);
  sg_buffer_free(&place);
}

/* --- What only the whole can tell ------------------------------------------------------------- */

static void check_size(const sg_scenario *s, sg_error *e) {
  int schemes = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(s->tree, "schemes"));
  double environments = 1, sum = 0;
  double *product = calloc((size_t)schemes + 1, sizeof *product);
  if (!product) {
    sg_fail_memory(e);
    return;
  }
  for (int i = 0; i < schemes; i++) product[i] = 1;
  for (int i = 0; i < s->axes.count; i++) {
    const scenario_axis *a = &s->axes.axis[i];
    double n = a->count;
    if (a->scheme < 0)
      environments *= n;
    else if (a->scheme < schemes)
      product[a->scheme] *= n;
  }
  for (int i = 0; i < schemes; i++) sum += product[i];
  free(product);
  if (environments * sum > MOST_POINTS)
    sg_fail(e, SG_INVALID, environments > sum ? "/sweep" : "/schemes",
            "these are %.0f environments × %.0f schemes = %.6g points; at most %d are allowed",
            environments, sum, environments * sum, MOST_POINTS);
}

static const scenario_axis *axis_at(const sg_scenario *s, const char *path) {
  for (int i = 0; i < s->axes.count; i++)
    if (strcmp(s->axes.axis[i].path, path) == 0) return &s->axes.axis[i];
  return NULL;
}

/* A law for one subset means another amount of data where the number of subsets changes: more
 * workers could only look worse. */
static void check_unit(const sg_scenario *s, sg_error *e) {
  const scenario_axis *a = axis_at(s, "/cluster/workers");
  if (!a) a = axis_at(s, "/learning/subsets");
  const sg_value *delay = sg_values_find(s->values, "delay");
  const sg_value *unit = delay && delay->object ? sg_values_find(delay->object, "unit") : NULL;
  if (!a || !unit || unit->given || axis_at(s, "/delay/unit")) return;
  sg_fail(e, SG_INVALID, "/delay/unit",
          "\"unit\" must be given because the sweep changes %s: \"subset\" if the law is for one "
          "subset of the data, \"dataset\" if it is for a pass over all data",
          a->path);
}

/* The list of schemes has been replaced by an override, and the baseline has not. */
static bool is_left_over(const sg_scenario *s) {
  bool schemes = false, baseline = false;
  for (int i = 0; i < s->n_overrides; i++) {
    schemes |= strncmp(s->override[i], "/schemes=", 9) == 0;
    baseline |= strncmp(s->override[i], "/baseline=", 10) == 0;
  }
  return schemes && !baseline;
}

/* The baseline names a code or a label of the list. */
static void check_baseline(const sg_scenario *s, sg_error *e) {
  const char *name = sg_scenario_baseline(s);
  scheme_names known = {.of = s};
  if (name && !sg_names_scheme(&known, name, e))
    sg_fail(e, SG_INVALID, "/baseline",
            "expected the code or the label of a scheme in the list, found \"%.60s\"%s%s", name,
            sg_suggest(name, known.name).text,
            is_left_over(s) ? "; the list is that of --set /schemes: --set /baseline says which of "
                              "these it is"
                            : "");
  sg_scheme_names_clear(&known);
}

/* "until" says how many runs there are. */
static void check_until(const sg_scenario *s, sg_error *e) {
  const sg_values *u = sg_scenario_until(s);
  if (!u) return;
  if (sg_given(s->values, "replications"))
    sg_fail(e, SG_INVALID, "/replications",
            "expected \"replications\" or \"until\", found both; \"until\" has least and most");
  if (sg_int(u, "least") > sg_int(u, "most"))
    sg_fail_at(e, u, "least", "expected least ≤ most = %ld, found %ld", sg_int(u, "most"),
               sg_int(u, "least"));
}

/* A scenario may come from anywhere: it may name results in its own folder only. */
static void check_database(const sg_scenario *s, sg_error *e) {
  const cJSON *output = cJSON_GetObjectItemCaseSensitive(s->tree, "output");
  const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(output, "database"));
  if (!name) return;
  size_t n = strlen(name);
  bool up = false;
  for (const char *at = name; at && !up; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
    up = strncmp(at, "..", 2) == 0 && (at[2] == '/' || !at[2]);
  if (n == 0 || name[n - 1] == '/')
    sg_fail(e, SG_INVALID, "/output/database", "expected the name of a file, found \"%.60s\"",
            name);
  else if (name[0] == '/' || up)
    sg_fail(e, SG_INVALID, "/output/database",
            "expected a file in the scenario's folder or below it, found \"%.60s\"; -o names any "
            "other place",
            name);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool set_names(sg_scenario *s, const char *path) {
  bool input = strcmp(path, "-") == 0;
  const char *slash = input ? NULL : strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const char *dot = strrchr(base, '.');
  s->path = strdup(input ? "<standard input>" : path);
  s->folder = strndup(path, slash ? (size_t)(slash + 1 - path) : 0);
  int n = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
  if (input) base = "scenario", n = 8;
  if (asprintf(&s->database, "%.*s%.*s.db", (int)strlen(s->folder ? s->folder : ""),
               s->folder ? s->folder : "", n, base) < 0)
    s->database = NULL;
  sg_buffer name = {0};
  sg_put_clean(&name, base, (size_t)n, "", '?');
  s->name = name.data;
  return s->path && s->folder && s->database && !name.failed;
}

static bool keep_overrides(sg_scenario *s, int n, const sg_override *override) {
  s->override = calloc((size_t)n + 1, sizeof *s->override);
  for (int i = 0; s->override && i < n; i++, s->n_overrides++)
    if (asprintf(&s->override[i], "%s=%s", override[i].pointer, override[i].value) < 0)
      return false;
  return s->override;
}

static void read_tree(sg_scenario *s, sg_error *e) {
  sg_error more = {0};
  sg_read_sweeps(s, &more);
  int sweeps = s->axes.count;
  reader r = {.folder = s->folder, .e = e, .each = &s->axes, .scheme = -1};
  s->values = sg_read_object(&r, sg_scenario_params, NULL, s->tree, "", NULL);
  s->complete = s->values && e->count == 0 && more.count == 0;
  if (s->values) {
    sg_check_axes(s, sweeps, e, &more);
    s->complete = s->complete && more.count == 0;
    check_size(s, &more);
    check_unit(s, &more);
    check_until(s, &more);
    check_database(s, &more);
  }
  sg_error_move(e, &more);
  check_baseline(s, e);
  sg_check_paper(s, e);
}

static void parse(sg_scenario *s, int n_overrides, const sg_override *override, sg_error *e) {
  s->written = sg_json_parse(s->path, s->text.data, s->text.length, e);
  s->tree = cJSON_Duplicate(s->written.tree, true);
  if (s->written.tree && !s->tree) sg_fail_memory(e);
  if (!s->tree) return;
  if (!cJSON_IsObject(s->tree)) {
    sg_fail(e, SG_INVALID, NULL, "expected an object {…} that describes a scenario");
    return;
  }
  for (int i = 0; i < n_overrides; i++)
    apply_override(s, override[i].pointer, override[i].value, e);
  read_tree(s, e);
}

sg_status sg_scenario_parse(const char *path, const char *text, size_t length, int n_overrides,
                            const sg_override *override, sg_scenario **out, sg_error *e) {
  *out = NULL;
  sg_scenario *s = calloc(1, sizeof *s);
  if (s) sg_put_bytes(&s->text, text, length);
  if (!s || s->text.failed || !set_names(s, path) || !keep_overrides(s, n_overrides, override)) {
    sg_scenario_free(s);
    return sg_fail_memory(e);
  }
  sg_error own = {0};
  parse(s, n_overrides, override, &own);
  sg_sort_faults(s, &own);
  sg_status status = sg_error_status(&own);
  s->usable = !status;
  if (e)
    sg_error_move(e, &own);
  else
    sg_error_clear(&own);
  *out = s;
  return status;
}

sg_status sg_scenario_read(const char *path, int n_overrides, const sg_override *override,
                           sg_scenario **out, sg_error *e) {
  char *text;
  size_t length;
  *out = NULL;
  sg_status status = sg_read_input(path, &text, &length, e);
  if (status) return status;
  status = sg_scenario_parse(path, text, length, n_overrides, override, out, e);
  free(text);
  return status;
}

void sg_scenario_free(sg_scenario *s) {
  if (!s) return;
  for (int i = 0; i < s->n_overrides; i++) free(s->override[i]);
  free(s->override);
  sg_axes_free(&s->axes);
  sg_values_free(s->values);
  cJSON_Delete(s->tree);
  sg_json_free(&s->written);
  free(s->path);
  free(s->folder);
  sg_buffer_free(&s->text);
  free(s->name);
  free(s->database);
  free(s);
}

/* --- Members that do not belong to a point ---------------------------------------------------- */

bool sg_scenario_is_complete(const sg_scenario *s) {
  return s->complete;
}

const char *sg_scenario_path(const sg_scenario *s) {
  return s->path;
}

const char *sg_scenario_folder(const sg_scenario *s) {
  return s->folder;
}

const char *sg_scenario_text(const sg_scenario *s) {
  return s->text.data;
}

const char *sg_scenario_name(const sg_scenario *s) {
  return s->values && sg_given(s->values, "name") ? sg_text(s->values, "name") : s->name;
}

int sg_scenario_replications(const sg_scenario *s) {
  const sg_values *u = sg_scenario_until(s);
  return (int)(u ? sg_int(u, "least") : sg_int(s->values, "replications"));
}

const sg_values *sg_scenario_until(const sg_scenario *s) {
  return sg_object(s->values, "until");
}

const char *sg_scenario_database(const sg_scenario *s) {
  const sg_values *output = s->values ? sg_object(s->values, "output") : NULL;
  return output && sg_given(output, "database") ? sg_text(output, "database") : s->database;
}

int sg_scenario_detail(const sg_scenario *s) {
  return sg_choice(sg_object(s->values, "output"), "detail");
}

const sg_values *sg_scenario_paper(const sg_scenario *s) {
  return s->values ? sg_object(s->values, "paper") : NULL;
}

const char *sg_scenario_baseline(const sg_scenario *s) {
  return s->values && sg_given(s->values, "baseline") ? sg_text(s->values, "baseline") : NULL;
}

bool sg_scenario_skips_invalid(const sg_scenario *s) {
  return sg_choice(s->values, "invalid_combinations") == 0;
}
