/* SPDX-License-Identifier: MIT */
/* What `codes check` prints: a report for people, a row per code, JSON. */
#include "sim/cli/codes_check.h"
#include "sim/cli/output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- Texts ------------------------------------------------------------------------------------ */

void sg_put_missing(int n, const int *missing, sg_buffer *out) {
  sg_put(out, "[");
  for (int i = 0; i < n; i++) sg_putf(out, "%s%d", i ? "," : "", missing[i]);
  sg_put(out, "]");
}

/* "0 3 5", "none". */
static void put_workers(int n, const int *missing, sg_buffer *out) {
  if (n == 0) sg_put(out, "none");
  for (int i = 0; i < n; i++) sg_putf(out, "%s%d", i ? " " : "", missing[i]);
}

/* error: two digits, and infinite where a message overflowed. */
static void put_spread(sg_table *t, const char *name, const sg_check_spread *s, bool error) {
  const double x[] = {s->median, s->p90, s->p99, s->worst};
  sg_buffer missing = {0};
  sg_table_text(t, name);
  for (int k = 0; k < 4; k++)
    if (error && isinf(x[k]))
      sg_table_text(t, "overflow");
    else
      sg_table_number(t, x[k], error ? 2 : 4);
  put_workers(s->n_missing, s->missing, &missing);
  if (isnan(s->worst)) sg_buffer_free(&missing);
  sg_table_buffer(t, &missing);
}

static const char *s_found(const sg_check *c, char out[24]) {
  if (c->s_found < 0) return "none";
  snprintf(out, 24, "%s%d", c->s_proved ? "" : "~", c->s_found);
  return out;
}

static void put_spreads(const sg_check *c, sg_buffer *out) {
  static const char *const columns[] = {"of a pattern", "median", "90 %",
                                        "99 %",         "worst",  "worst when missing"};
  sg_table *t = sg_table_new(6, columns);
  put_spread(t, "condition number", &c->cond2, false);
  put_spread(t, "decode amplification", &c->amplification, false);
  put_spread(t, "residual", &c->residual, false);
  put_spread(t, "error, float64 messages", &c->error[SG_FLOAT64], true);
  put_spread(t, "error, float32 messages", &c->error[SG_FLOAT32], true);
  put_spread(t, "error, bfloat16 messages", &c->error[SG_BFLOAT16], true);
  sg_put_table(t, SG_FORMAT_TEXT, out);
}

/* Tried, or found by the adversary. */
static double worst_of(const sg_check_sets *s) {
  return isnan(s->greedy) || s->greedy < s->worst_deviation ? s->worst_deviation : s->greedy;
}

static void put_straggling(const sg_codes_check *s, const sg_check_straggling *b, bool exact,
                           sg_buffer *out) {
  sg_putf(out, "  straggling with p = %s, ", s->straggling);
  sg_putf(out, b->enumerated ? "all %ld patterns\n" : "%ld patterns drawn\n", b->tried);
  sg_putf(out, "    the sum is exact with probability %.6g, nothing is decoded with %.6g\n",
          b->recovered, b->refused);
  sg_putf(out, "    mean error %.9g", b->error);
  if (b->error_se > 0) sg_putf(out, " ± %.2g", b->error_se);
  sg_put(out, " (");
  if (!isnan(b->formula)) sg_putf(out, "by the code's formula %.9g; ", b->formula);
  sg_putf(out, "any decoder: at least %.9g)\n", b->bound);
  if (exact) return;
  sg_putf(out, "    mean of α %.9g; divided by it, mean error %.9g (unbiased: at least %.9g)\n",
          b->share, b->debiased, b->unbiased_bound);
}

/* Of approximate codes with the error of what they decode: Σ (α − 1)² per part. */
static void put_sets(const sg_check *c, sg_buffer *out) {
  static const char *const columns[] = {"responders",  "missing", "sets",       "tried",
                                        "decode",      "share",   "mean error", "at least",
                                        "worst error", "at least"};
  sg_table *t = sg_table_new(c->exact ? 6 : 10, columns);
  for (int i = 0; i < c->n_sets; i++) {
    const sg_check_sets *s = &c->sets[i];
    if (i > c->s_promised + 1 && s->decodable == 0) break;
    sg_table_integer(t, s->responders);
    sg_table_integer(t, c->workers - s->responders);
    sg_table_number(t, s->sets, 7);
    sg_table_integer(t, s->tried);
    sg_table_integer(t, s->decodable);
    sg_table_number(t, s->tried ? (double)s->decodable / (double)s->tried : NAN, 4);
    if (c->exact) continue;
    sg_table_number(t, s->mean_deviation, 4);
    sg_table_number(t, s->least_mean, 4);
    sg_table_number(t, worst_of(s), 4);
    sg_table_number(t, s->least_worst, 4);
  }
  sg_put_table(t, SG_FORMAT_TEXT, out);
}

/* "6 to 12", or one number. */
static void put_range(double least, double most, sg_buffer *out) {
  sg_putf(out, "%.4g", least);
  if (most > least) sg_putf(out, " to %.4g", most);
}

static void put_traffic(const sg_traffic_range *t, sg_buffer *out) {
  if (isnan(t->least.messages)) return;
  sg_put(out, "  an update takes ");
  put_range(t->least.messages, t->most.messages, out);
  sg_put(out, " messages (");
  put_range(t->least.gradients, t->most.gradients, out);
  sg_put(out, " gradients), ");
  put_range(t->least.up, t->most.up, out);
  sg_put(out, " reports and ");
  put_range(t->least.down, t->most.down, out);
  sg_put(out, " signals to workers\n");
}

/* For people: one code. */
static void put_report(const sg_codes_check *s, const sg_checked *i, sg_buffer *out) {
  const sg_check *c = i->check;
  char bytes[32], found[24];
  sg_putf(out, "%s\n  %d workers, %d subsets, gradient length %ld, seed %llu%s\n", i->label,
          c->workers, i->subsets, c->length, (unsigned long long)s->options.seed,
          c->exact ? "" : "; approximate: not the exact sum");
  sg_putf(out, "  patterns with at most %d %s: %.*g, ", c->s_promised,
          c->partial ? "late (only the first message comes)" : "missing",
          c->patterns < 1e15 ? 15 : 4, c->patterns);
  sg_putf(out, c->exhaustive ? "all tried\n\n" : "%ld sampled, %ld searched for the worst\n\n",
          c->tried, c->searched);
  sg_putf(out, "  promised  d = %.6g  s = %d  m = %.6g\n", c->d_promised, c->s_promised,
          c->m_promised);
  sg_putf(out, "  found     d = %.6g", c->d_found);
  if (c->exact) sg_putf(out, "  s = %s", s_found(c, found));
  sg_putf(out, "  m = %.6g", c->m_found);
  double each = c->m_promised / c->m_found;
  if (each > 1 + 1e-9 && c->m_promised >= 1) sg_putf(out, " (a worker sends %.4g messages)", each);
  sg_putf(out, "\n  %.6g copies of the data", c->copies);
  if (!isnan(c->slack))
    sg_putf(out, c->slack == 0 ? ": s + m, the optimum" : "; s + m = %.6g would be the optimum",
            c->s_found + c->m_found);
  sg_put(out, "\n");
  for (const char *line = i->note; line && *line;) {
    int n = (int)strcspn(line, "\n");
    sg_putf(out, "  %.*s\n", n, line);
    line += n + (line[n] != 0);
  }
  if (c->broken) {
    sg_putf(out, "  BROKEN    %ld promised patterns were refused, first with missing: ", c->broken);
    put_workers(c->n_broken_missing, c->broken_missing, out);
    sg_put(out, "\n");
  }
  if (c->inaccurate)
    sg_putf(
        out,
        "  UNSAFE    %ld of the %ld patterns decode with an error of 1e-6 or more, as float64\n",
        c->inaccurate, c->tried);
  sg_put(out, "\n");
  put_sets(c, out);
  sg_put(out, "\n");
  if (c->straggling.known) {
    put_straggling(s, &c->straggling, c->exact, out);
    sg_put(out, "\n");
  }
  put_spreads(c, out);
  sg_putf(out,
          "\n  encode: %.6g flop on the busiest worker\n"
          "  decode: %.6g flop to find weights, %.4g per coordinate to apply them\n"
          "  the master must receive %.6g messages: %.6g gradients, %s as float64\n",
          c->encode_flops, c->find_flops, c->apply_flops, c->least_messages, c->received,
          sg_format_bytes(8 * c->received * (double)c->length, bytes));
  put_traffic(&c->traffic, out);
  sg_putf(out,
          "\nCondition numbers are 2-norm, by SVD, of the rows of the messages that have a weight, "
          "over (part, piece).\n"
          "Errors are relative to the sum of the norms of random gradients; times %.4g they are "
          "relative to\nthe norm of the sum, which is one scale for all codes. "
          "~: as far as samples tell.\n",
          c->norms_ratio);
  if (!c->exact)
    sg_put(out, "Mean and worst error by number of responders: Σ (α − 1)² / parts, where Σ α g is "
                "what is decoded;\nworst: tried, or found by a greedy adversary; at least: of any "
                "decoder, by who holds what.\n");
}

/* --- One row per code ------------------------------------------------------------------------- */

static void put_row(const sg_codes_check *s, const sg_checked *i, sg_rows *r) {
  static const char *const errors[] = {"err_float64", "err_float32", "err_bfloat16"};
  const sg_check *c = i->check;
  char found[24];
  sg_row_text(r, "code", i->label);
  if (s->n_sizes > 1) sg_row_integer(r, "n", c->workers);
  sg_row_number(r, "d", c->d_found, 4);
  if (c->exact && c->s_proved && c->s_found >= 0)
    sg_row_integer(r, "s", c->s_found);
  else
    sg_row_text(r, "s", c->exact ? s_found(c, found) : NULL);
  sg_row_number(r, "m", c->m_found, 4);
  sg_row_number(r, "slack", c->slack, 4);
  sg_row_integer(r, "patterns", c->tried);
  sg_row_integer(r, "broken", c->broken);
  sg_row_integer(r, "inaccurate", c->inaccurate);
  sg_row_number(r, "cond2_median", c->cond2.median, 3);
  sg_row_number(r, "cond2_worst", c->cond2.worst, 3);
  sg_row_number(r, "amp_worst", c->amplification.worst, 3);
  for (int p = 0; p < SG_PRECISIONS; p++)
    if (isinf(c->error[p].worst))
      sg_row_text(r, errors[p], "overflow");
    else
      sg_row_number(r, errors[p], c->error[p].worst, 2);
  double common = c->error[SG_FLOAT32].worst * c->norms_ratio;
  if (isinf(common))
    sg_row_text(r, "rel_float32", "overflow");
  else
    sg_row_number(r, "rel_float32", common, 2);
  sg_row_number(r, "encode_flop", c->encode_flops, 4);
  sg_row_number(r, "find_flop", c->find_flops, 4);
  sg_row_number(r, "apply_flop_per_coord", c->apply_flops, 4);
  sg_row_number(r, "received", c->received, 4);
  if (s->straggling) { /* a column also where a code was not asked */
    sg_row_number(r, "straggling_err", c->straggling.error, 6);
    sg_row_number(r, "straggling_debiased", c->straggling.debiased, 6);
    sg_row_number(r, "straggling_exact", c->straggling.recovered, 6);
  }
  if (s->format != SG_FORMAT_CSV) return; /* wide enough for people */
  const sg_traffic_range *t = &c->traffic;
  sg_row_number(r, "messages_least", t->least.messages, 4);
  sg_row_number(r, "messages_most", t->most.messages, 4);
  sg_row_number(r, "gradients_least", t->least.gradients, 4);
  sg_row_number(r, "gradients_most", t->most.gradients, 4);
  sg_row_number(r, "signals_up_least", t->least.up, 4);
  sg_row_number(r, "signals_up_most", t->most.up, 4);
  sg_row_number(r, "signals_down_least", t->least.down, 4);
  sg_row_number(r, "signals_down_most", t->most.down, 4);
}

static void put_rows(const sg_codes_check *s, sg_buffer *out) {
  sg_rows r = {0};
  put_row(s, &(sg_checked){.check = &(sg_check){0}}, &r);
  r.table = sg_table_new(r.n, r.name);
  for (int k = 0; r.table && k < s->count; k++) put_row(s, &s->item[k], &r);
  sg_put_table(r.table, s->format, out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_json_spread(sg_buffer *out, const char *name, const sg_check_spread *s) {
  sg_put_json_raw_member(out, name, "{");
  SG_PUT_NUMBERS(out, {"median", s->median}, {"p90", s->p90}, {"p99", s->p99}, {"worst", s->worst});
  sg_put_json_bool_member(out, "overflow", isinf(s->worst));
  sg_put_json_name(out, "worst_missing");
  sg_put_missing(s->n_missing, s->missing, out);
  sg_put(out, "}");
}

static void put_json_straggling(const sg_codes_check *s, const sg_check_straggling *b,
                                sg_buffer *out) {
  sg_put_json_raw_member(out, "straggling", "{");
  sg_put_json_text_member(out, "p", s->straggling);
  sg_put_json_bool_member(out, "enumerated", b->enumerated);
  SG_PUT_NUMBERS(out, {"tried", (double)b->tried}, {"error", b->error}, {"error_se", b->error_se},
                 {"formula", b->formula}, {"kappa", b->share}, {"debiased", b->debiased},
                 {"recovered", b->recovered}, {"refused", b->refused}, {"bound", b->bound},
                 {"unbiased_bound", b->unbiased_bound});
  sg_put(out, "}");
}

static void put_json(const sg_codes_check *s, const sg_checked *i, sg_buffer *out) {
  const sg_check *c = i->check;
  static const char *const errors[] = {"error_float64", "error_float32", "error_bfloat16"};
  sg_put(out, "{");
  sg_put_json_text_member(out, "label", i->label);
  sg_put_json_text_member(out, "code", i->code);
  sg_put_json_raw_member(out, "config", i->config);
  SG_PUT_NUMBERS(out, {"workers", c->workers}, {"subsets", i->subsets},
                 {"length", (double)c->length});
  sg_put_json_text_member(out, "speeds", s->speeds);
  sg_put_json_name(out, "seed"); /* as a text: a number above 2^53 would not read back */
  sg_putf(out, "\"%llu\"", (unsigned long long)s->options.seed);
  sg_put_json_bool_member(out, "exact", c->exact);
  sg_put_json_bool_member(out, "partial", c->partial);
  sg_put_json_number_member(out, "patterns", c->patterns);
  sg_put_json_bool_member(out, "exhaustive", c->exhaustive);
  SG_PUT_NUMBERS(out, {"patterns_tried", (double)c->tried},
                 {"patterns_searched", (double)c->searched}, {"d_promised", c->d_promised},
                 {"s_promised", c->s_promised}, {"m_promised", c->m_promised},
                 {"d_found", c->d_found}, {"s_found", c->s_found});
  sg_put_json_bool_member(out, "s_proved", c->s_proved);
  SG_PUT_NUMBERS(out, {"m_found", c->m_found}, {"copies", c->copies}, {"slack", c->slack});
  if (i->note) sg_put_json_text_member(out, "note", i->note);
  SG_PUT_NUMBERS(out, {"broken_promises", (double)c->broken},
                 {"patterns_inaccurate", (double)c->inaccurate});
  sg_put_json_name(out, "broken_missing");
  if (c->broken)
    sg_put_missing(c->n_broken_missing, c->broken_missing, out);
  else
    sg_put(out, "null");
  sg_put_json_raw_member(out, "sets", "[");
  for (int k = 0; k < c->n_sets; k++) {
    sg_put(out, k ? ", {" : "{");
    SG_PUT_NUMBERS(out, {"responders", c->sets[k].responders}, {"sets", c->sets[k].sets},
                   {"tried", (double)c->sets[k].tried}, {"decodable", (double)c->sets[k].decodable},
                   {"mean_deviation", c->sets[k].mean_deviation},
                   {"worst_deviation", c->sets[k].worst_deviation},
                   {"greedy_deviation", c->sets[k].greedy},
                   {"mean_deviation_bound", c->sets[k].least_mean},
                   {"worst_deviation_bound", c->sets[k].least_worst});
    sg_put(out, "}");
  }
  sg_put(out, "]");
  if (c->straggling.known) put_json_straggling(s, &c->straggling, out);
  put_json_spread(out, "cond2", &c->cond2);
  put_json_spread(out, "amplification", &c->amplification);
  put_json_spread(out, "residual", &c->residual);
  for (int p = 0; p < SG_PRECISIONS; p++) put_json_spread(out, errors[p], &c->error[p]);
  SG_PUT_NUMBERS(out, {"norms_ratio", c->norms_ratio}, {"encode_flops", c->encode_flops},
                 {"find_flops", c->find_flops}, {"apply_flops_per_coordinate", c->apply_flops},
                 {"least_messages", c->least_messages}, {"received_gradients", c->received},
                 {"received_bytes", 8 * c->received * (double)c->length});
  const sg_traffic_range *t = &c->traffic;
  SG_PUT_NUMBERS(out, {"messages_least", t->least.messages}, {"messages_most", t->most.messages},
                 {"gradients_least", t->least.gradients}, {"gradients_most", t->most.gradients},
                 {"signals_up_least", t->least.up}, {"signals_up_most", t->most.up},
                 {"signals_down_least", t->least.down}, {"signals_down_most", t->most.down});
  sg_put(out, "}");
}

int sg_print_checks(const sg_codes_check *s) {
  sg_buffer out = {0};
  if (s->format == SG_FORMAT_JSON) {
    if (s->many) sg_put(&out, "[");
    for (int i = 0; i < s->count; i++) {
      if (i > 0) sg_put(&out, ",\n");
      put_json(s, &s->item[i], &out);
    }
    sg_put(&out, s->many ? "]\n" : "\n");
  } else if (s->format == SG_FORMAT_TEXT && !s->many) {
    put_report(s, s->item, &out);
  } else {
    put_rows(s, &out);
    if (s->format == SG_FORMAT_TEXT)
      sg_putf(&out,
              "\ncond2: 2-norm condition number of the rows that have a weight; amp: rounding "
              "errors over those of an uncoded\nsum; err: worst error over the sum of norms of "
              "random gradients, by format of messages; rel: over the\nnorm of their sum, one "
              "scale for all codes; received: gradients.%s\n",
              s->all ? " Parameters that change none of these numbers are shown once." : "");
  }
  return sg_print(&out);
}
