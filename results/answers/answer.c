/* SPDX-License-Identifier: MIT */
/* What a comparison says in words: which scheme is the fastest of its environment, by how much and
 * whether beyond chance, which are not exact, and where the time goes. */
#include "results/answers/compare.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void three_digits(double x, char out[32]) {
  snprintf(out, 32, x >= 99.95 ? "%.0f" : "%#.3g", x);
}

void sg_put_ratio(const sg_ratio *r, sg_buffer *out) {
  char ratio[32], low[32], high[32];
  if (r->n == 0 || isnan(r->ratio)) {
    sg_put(out, r->n == 0 ? "—" : "censored");
    return;
  }
  three_digits(r->ratio, ratio);
  three_digits(r->low, low);
  three_digits(r->high, high);
  if (isnan(r->low))
    sg_putf(out, "%s× (%d pair%s)", ratio, r->n, r->n == 1 ? "" : "s");
  else
    sg_putf(out, "%s× [%s, %s]", ratio, low, high);
}

void sg_put_time(const sg_judged_environment *v, const sg_judged *s, sg_buffer *out) {
  double low = s->median_low, high = s->median_high;
  if (!v->to_target)
    sg_putf(out, "%.4g", s->summary.iter_mean_s);
  else if (low > 0 && isfinite(low) && isfinite(high) && low < high)
    sg_putf(out, "%.4g–%.4g", low, high);
  else if (isfinite(high))
    sg_putf(out, "%s%.4g", low < high ? "≤ " : "", high);
  else if (low > 0 && isfinite(low))
    sg_putf(out, "> %.4g", low);
  else
    sg_put(out, "—");
  if (v->to_target && s->n_reached < s->n_runs) sg_putf(out, " (%d/%d)", s->n_reached, s->n_runs);
}

void sg_put_paragraph(const char *text, int width, sg_buffer *out) {
  int room = width < 0 ? INT_MAX : width > 20 && width < 100 ? width : 100;
  sg_put_wrapped(out, "", "", text, room);
}

/* ", of which … " : how certain it is that the best is ahead of all. */
static void put_certainty(const sg_comparison *c, const sg_lead *l, sg_buffer *out) {
  const char *doubt = l->doubt >= 0 ? c->scheme[l->doubt].point.scheme_label : "";
  double level = 100 * (1 - c->alpha_of_lead);
  if (l->holds && l->n == 2)
    sg_putf(out, ". That is beyond chance (%.4g %%).", level);
  else if (l->holds)
    sg_putf(out, ". It is ahead of all %d others beyond chance (%.4g %% for that).", l->n - 1,
            level);
  else if (!l->tested)
    sg_putf(out, ". Whether that is more than chance is not known (%s).", l->verdict);
  else if (l->doubt == l->next && strcmp(l->verdict, "slower") != 0)
    sg_put(out, ". That is within chance: either may be the faster one.");
  else if (l->doubt == l->next)
    sg_put(out, ". But pair by pair it is the slower one: means and medians mislead here.");
  else
    sg_putf(out, ". It is ahead of the next beyond chance, but not of %s.", doubt);
}

/* ", 1.2× the next, NAME": how far the best is ahead, where that is known. */
static void put_lead(const sg_comparison *c, const sg_lead *l, sg_buffer *out) {
  const char *next = c->scheme[l->next].point.scheme_label;
  if (l->ratio.n > 0 && isnan(l->ratio.ratio)) {
    sg_putf(out, ", by a censored lead over the next, %s", next);
    return;
  }
  sg_put(out, ", ");
  sg_put_ratio(&l->ratio, out);
  sg_putf(out, " the next, %s", next);
}

static void put_fastest(const sg_comparison *c, const sg_judged_environment *v, sg_buffer *out) {
  const sg_lead *l = &v->fastest;
  if (l->n == 0) {
    sg_put(out,
           v->to_target
               ? "No scheme that gives the exact gradient reached the target."
               : "No scheme is the fastest: none gives the exact gradient in all its runs, and "
                 "iteration times of others are not comparable. A target loss makes times "
                 "comparable.");
    return;
  }
  const sg_judged *best = &c->scheme[l->best];
  sg_putf(out, "← fastest: %s", best->point.scheme_label);
  if (l->best == v->baseline) {
    sg_put(out, ", the baseline");
  } else if (!isnan(best->ratio.ratio) && l->next != v->baseline) {
    sg_put(out, ", ");
    sg_put_ratio(&best->ratio, out);
    sg_putf(out, " as fast as %s", c->scheme[v->baseline].point.scheme_label);
  }
  if (l->n_ties) sg_putf(out, " (the same in every run: %s", c->scheme[l->tie].point.scheme_label);
  if (l->n_ties > 1) sg_putf(out, " and %d more", l->n_ties - 1);
  if (l->n_ties) sg_put(out, ")");
  if (l->n == 1) {
    sg_put(out, l->n_ties ? "." : "; no other can be ranked.");
  } else {
    put_lead(c, l, out);
    if (l->next == v->baseline) sg_put(out, ", the baseline");
    put_certainty(c, l, out);
  }
  double work = sg_work(best);
  if (work > 1.005)
    sg_putf(out, " Its workers compute %.3g times as much as without redundancy.", work);
}

/* What is fastest without giving the gradient; only times to target can tell. */
static void put_fastest_of_all(const sg_comparison *c, const sg_judged_environment *v, int width,
                               sg_buffer *out) {
  const sg_lead *l = &v->of_all;
  if (l->n == 0 || l->best == v->fastest.best) return;
  sg_buffer text = {0};
  sg_putf(&text, "Fastest of all, inexact: %s", c->scheme[l->best].point.scheme_label);
  if (l->n > 1) {
    put_lead(c, l, &text);
    put_certainty(c, l, &text);
  }
  sg_put(&text, "");
  out->failed |= text.failed;
  if (!text.failed) sg_put_paragraph(text.data, width, out);
  sg_buffer_free(&text);
}

/* Of mini-batches and local steps the sum that was asked for is right but for rounding; what it is
 * not is the gradient, and an error of 1e-16 would say the opposite. */
static void put_error(const sg_judged *s, sg_buffer *out) {
  double scaled = s->summary.grad_scaled_err_max, coefficients = s->summary.err_norm_mean;
  bool rounding = !s->point.exact && scaled < SG_LARGEST_EXACT_ERROR;
  if (sg_uses_old_models(s))
    sg_put(out, "gradients of older models");
  else if (s->point.exact && s->summary.undecodable_iters > 0)
    sg_putf(out, "%lld rounds skipped", (long long)s->summary.undecodable_iters);
  else if (!isnan(scaled) && scaled > 0 && !rounding)
    sg_putf(out, "error %.2g", scaled);
  else if (s->point.exact && s->point.compressed)
    sg_putf(out, "messages as %s", s->point.compression);
  else if (coefficients > SG_LARGEST_EXACT_ERROR)
    sg_putf(out, "decoding error %.2g", coefficients);
  else
    sg_put(out, "by its rule not the exact gradient");
}

static void put_inexact(const sg_comparison *c, const sg_judged_environment *v, int width,
                        sg_buffer *out) {
  sg_buffer text = {0};
  for (int i = v->begin; i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    if (sg_gives_gradient(s)) continue;
    sg_putf(&text, "%s%s (", text.length ? ", " : "~ inexact: ", s->point.scheme_label);
    put_error(s, &text);
    sg_put(&text, ")");
  }
  if (text.length && !v->to_target)
    sg_put(&text, ". Their iterations do something else, and so are not ranked: set a target loss "
                  "(stop.target_loss, stop.target_grad_norm2) to judge them.");
  else if (text.length)
    sg_put(&text, ".");
  out->failed |= text.failed;
  if (text.length && !text.failed) sg_put_paragraph(text.data, width, out);
  sg_buffer_free(&text);
}

/* --- What an update uses ---------------------------------------------------------------------- */

/* A share of rows that no partition makes by rounding. */
#define SAME_AMOUNT 1e-3

static bool is_other(double a, double b) {
  return fabs(a - b) > SAME_AMOUNT * fmax(a, b); /* false where one is not known */
}

bool sg_samples_differ(const sg_comparison *c, const sg_judged_environment *v) {
  double of_base = sg_samples(&c->scheme[v->baseline]);
  for (int i = v->begin; i < v->end; i++)
    if (is_other(sg_samples(&c->scheme[i]), of_base)) return true;
  return false;
}

static void put_sample(const sg_judged *s, sg_buffer *out) {
  double scale = s->point.timing_only ? 1 : 1000;
  char seconds[32];
  three_digits(scale * s->summary.iter_mean_s / sg_samples(s), seconds);
  sg_putf(out, "%s s", seconds);
}

/* Iteration times of schemes whose updates use more, or less, than the baseline's compare different
 * amounts of learning: which, and what as much takes. */
static void put_samples(const sg_comparison *c, const sg_judged_environment *v, int width,
                        sg_buffer *out) {
  enum { MOST_NAMED = 4 };
  const sg_judged *base = &c->scheme[v->baseline];
  const char *unit = sg_samples_unit(base);
  sg_buffer text = {0};
  int others = 0;
  for (int i = v->begin; i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    if (!is_other(sg_samples(s), sg_samples(base)) || ++others > MOST_NAMED) continue;
    if (others == 1) {
      sg_putf(&text,
              "Iteration times compare different amounts of learning: an update of %s uses %.4g "
              "%s (%s ",
              base->point.scheme_label, sg_samples(base), unit,
              base->point.timing_only ? "a subset takes" : "1000 take");
      put_sample(base, &text);
      sg_put(&text, ")");
    }
    sg_putf(&text, ", of %s %.4g (", s->point.scheme_label, sg_samples(s));
    put_sample(s, &text);
    sg_put(&text, ")");
  }
  if (others > MOST_NAMED) sg_putf(&text, ", and %d more use other amounts", others - MOST_NAMED);
  if (others) sg_put(&text, v->to_target ? ". Times to the target loss count that." : ".");
  out->failed |= text.failed;
  if (text.length && !text.failed) sg_put_paragraph(text.data, width, out);
  sg_buffer_free(&text);
}

/* --- Where time goes -------------------------------------------------------------------------- */

const char *const sg_spent_on[SG_SPENT] = {"computing", "queueing at the master", "decoding",
                                           "updating", "sending and waiting for others"};

bool sg_find_spent(const sg_judged *s, double part[SG_SPENT]) {
  const sg_summary_record *r = &s->summary;
  double whole = r->iter_mean_s, decode = isnan(r->decode_mean_s) ? 0 : r->decode_mean_s,
         queue = isnan(r->queued_mean_s) ? 0 : r->queued_mean_s / s->point.n_workers;
  part[0] = r->worker_busy_share * whole;
  part[1] = queue;
  part[2] = decode;
  part[3] = whole - r->wait_mean_s - decode;
  part[4] = whole - part[0] - part[1] - part[2] - part[3];
  bool known = whole > 0;
  for (int k = 0; k < SG_SPENT; k++) {
    /* Rounding of sums of thousands of iterations is no time. */
    if (k >= 3 && fabs(part[k]) < 1e-9 * whole) part[k] = 0;
    known = known && part[k] >= 0;
  }
  return known;
}

static void put_times(const sg_judged *s, const double part[SG_SPENT], sg_buffer *out) {
  bool first = true;
  char seconds[32];
  three_digits(s->summary.iter_mean_s, seconds);
  sg_putf(out, " %s %s s:", s->point.scheme_label, seconds);
  for (int done = 0; done < SG_SPENT; done++) { /* the largest first */
    int largest = -1;
    for (int k = 0; k < SG_SPENT; k++) {
      int before = 0;
      for (int j = 0; j < SG_SPENT; j++)
        before += part[j] > part[k] || (part[j] == part[k] && j < k);
      if (before == done) largest = k;
    }
    double share = 100 * part[largest] / s->summary.iter_mean_s;
    if (share < 0.05) break;
    three_digits(part[largest], seconds);
    sg_putf(out, "%s %s %s (%.*f %%)", first ? "" : ",", sg_spent_on[largest], seconds,
            share < 0.95 ? 1 : 0, share);
    first = false;
  }
}

static void put_where(const sg_comparison *c, const sg_judged_environment *v, int width,
                      sg_buffer *out) {
  sg_buffer text = {0};
  const int of[] = {v->baseline, v->fastest.best != v->baseline ? v->fastest.best : -1};
  for (int k = 0; k < 2; k++) {
    if (of[k] < 0) continue;
    double part[SG_SPENT];
    if (!sg_find_spent(&c->scheme[of[k]], part)) continue;
    sg_put(&text, text.length ? ";" : "Time of an iteration, for the mean worker:");
    put_times(&c->scheme[of[k]], part, &text);
  }
  if (text.length) sg_put(&text, ".");
  out->failed |= text.failed;
  if (text.length && !text.failed) sg_put_paragraph(text.data, width, out);
  sg_buffer_free(&text);
}

void sg_put_answer(const sg_comparison *c, const sg_judged_environment *v, int width,
                   sg_buffer *out) {
  sg_buffer text = {0};
  put_fastest(c, v, &text);
  out->failed |= text.failed;
  if (!text.failed) sg_put_paragraph(text.data, width, out);
  sg_buffer_free(&text);
  put_fastest_of_all(c, v, width, out);
  put_inexact(c, v, width, out);
  put_samples(c, v, width, out);
  put_where(c, v, width, out);
}

void sg_put_multiplicity(const sg_comparison *c, int width, sg_buffer *out) {
  sg_buffer text = {0};
  bool together = c->alpha < 0.05 || c->alpha_of_lead < 0.05;
  if (together) {
    sg_putf(
        &text,
        "All %d intervals and verdicts against a baseline hold together at 95 %%, and so do all "
        "%d claims of a fastest.",
        c->n_tested, c->n_leads);
  } else if (c->n_tested > 1) {
    sg_putf(&text,
            "Each interval and verdict is wrong in 5 %% of cases by itself: of the %d here up to "
            "about %.2g.",
            c->n_tested, 0.05 * c->n_tested);
    if (c->n_leads > 1)
      sg_putf(&text,
              " That a scheme is the fastest is claimed wrongly in up to 5 %% of "
              "environments: of %d in up to about %.2g.",
              c->n_leads, 0.05 * c->n_leads);
    if (c->n_environments > 1)
      sg_put(&text, " Environments of a sweep share their random numbers, so that wrong ones come "
                    "in packs.");
    sg_put(&text, " --simultaneous holds all of them together.");
  }
  out->failed |= text.failed;
  if (text.length && !text.failed) sg_put_paragraph(text.data, width, out);
  sg_buffer_free(&text);
}
