/* SPDX-License-Identifier: MIT */
#include "tests/support/targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPONENTIAL(shift, excess)                                                                 \
  "\"model\":\"shifted-exponential\",\"shift_s\":" shift ",\"mean_excess_s\":" excess
#define COMPUTE          EXPONENTIAL("1.6", "1.25")
#define UPLINK           EXPONENTIAL("6", "10")
#define COMPUTE_ROW      EXPONENTIAL("1.5", "1.6666666666666667")
#define UPLINK_ROW(mean) EXPONENTIAL("1.5", mean)
#define UPLINK_ONE       EXPONENTIAL("1", "1")
#define NOTHING          "\"model\":\"none\""
#define NO_DELAY         "\"model\":\"deterministic\",\"value_s\":0"
#define UNCODED          "\"code\":\"uncoded\""
#define YE_ABBE(d, m)    "\"code\":\"ye-abbe\",\"d\":" #d ",\"m\":" #m ",\"construction\":\"random\""
#define GROUP(d, m)                                                                                \
  "\"code\":\"group\",\"d\":" #d ",\"m\":" #m ",\"linear_code\":\"harmonic\",\"stop\":"            \
  "\"decodable\""
#define EXTENDED_HAMMING                                                                           \
  "\"code\":\"group\",\"d\":8,\"m\":4,\"linear_code\":\"extended-hamming\",\"stop\":\"decodable\""
#define HAMMING                                                                                    \
  "\"code\":\"group\",\"d\":7,\"m\":4,\"linear_code\":\"hamming\",\"stop\":\"decodable\""
#define CYCLIC(s) "\"code\":\"cyclic-repetition\",\"s\":" #s
#define FRC(s)    "\"code\":\"fractional-repetition\",\"s\":" #s
#define H12       3.1032106782106783 /* 1 + 1/2 + … + 1/12 */

/* The sources are sections of docs/theory.md: mean-times, first-row and grouped have printed values
 * of E[T], responses laws of response counts, closed-forms formulas; hamming is the [8, 4] code. */
const target targets[] = {
    {true, "mean-times, recalled", 8, UNCODED, COMPUTE, UPLINK, DURATION, 0, "36.1138", 0, ""},
    {true, "mean-times, recalled", 8, YE_ABBE(8, 1), COMPUTE, UPLINK, DURATION, 0, "24.1063", 0,
     ""},
    {false, "mean-times, recalled", 8, YE_ABBE(2, 2), COMPUTE, UPLINK, DURATION, 0, "23.1036", 0,
     ""},
    {true, "mean-times, recalled", 8, YE_ABBE(4, 3), COMPUTE, UPLINK, DURATION, 0, "21.3697", 0,
     ""},
    {false, "mean-times, derived", 8, CYCLIC(1), COMPUTE, UPLINK, DURATION, 0, "29.2288", 0, ""},
    {false, "mean-times, derived", 8, CYCLIC(2), COMPUTE, UPLINK, DURATION, 0, "27.3351", 0, ""},
    {false, "mean-times, derived", 8, CYCLIC(3), COMPUTE, UPLINK, DURATION, 0, "26.7469", 0, ""},
    {false, "mean-times, derived", 8, CYCLIC(4), COMPUTE, UPLINK, DURATION, 0, "26.4574", 0, ""},
    {false, "mean-times, derived", 8, CYCLIC(5), COMPUTE, UPLINK, DURATION, 0, "26.0891", 0, ""},
    {false, "mean-times, derived", 8, CYCLIC(6), COMPUTE, UPLINK, DURATION, 0, "25.4172", 0, ""},
    {false, "mean-times, derived (a = b)", 8, CYCLIC(7), COMPUTE, UPLINK, DURATION, 0, "24.1063", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(3, 2), COMPUTE, UPLINK, DURATION, 0, "21.3994", 0,
     ""},
    {true, "mean-times, derived (a = b)", 8, YE_ABBE(4, 2), COMPUTE, UPLINK, DURATION, 0, "21.5369",
     0, ""},
    {false, "mean-times, derived", 8, YE_ABBE(5, 2), COMPUTE, UPLINK, DURATION, 0, "21.9114", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(6, 2), COMPUTE, UPLINK, DURATION, 0, "22.2099", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(7, 2), COMPUTE, UPLINK, DURATION, 0, "22.3189", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(8, 2), COMPUTE, UPLINK, DURATION, 0, "22.1405", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(3, 3), COMPUTE, UPLINK, DURATION, 0, "22.2604", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(5, 3), COMPUTE, UPLINK, DURATION, 0, "21.5749", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(6, 3), COMPUTE, UPLINK, DURATION, 0, "21.9095", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(7, 3), COMPUTE, UPLINK, DURATION, 0, "22.1707", 0,
     ""},
    {false, "mean-times, derived", 8, YE_ABBE(8, 3), COMPUTE, UPLINK, DURATION, 0, "22.2772", 0,
     ""},
    {false, "first-row, derived", 10, YE_ABBE(10, 1), COMPUTE_ROW, UPLINK_ROW("20"), DURATION, 0,
     "25.016", 0, ""},
    {false, "first-row, derived", 10, YE_ABBE(3, 2), COMPUTE_ROW, UPLINK_ROW("10"), DURATION, 0,
     "22.172", 0, ""},
    {false, "first-row, derived", 10, YE_ABBE(2, 2), COMPUTE_ROW, UPLINK_ROW("6.666666666666667"),
     DURATION, 0, "19.160", 0, ""},
    {false, "first-row, derived", 10, YE_ABBE(2, 2), COMPUTE_ROW, UPLINK_ROW("5"), DURATION, 0,
     "17.330", 0, ""},
    {false, "first-row, derived", 10, YE_ABBE(2, 2), COMPUTE_ROW, UPLINK_ROW("4"), DURATION, 0,
     "16.343", 0, ""},
    {false, "first-row, derived", 10, YE_ABBE(1, 1), COMPUTE_ROW, UPLINK_ROW("3.3333333333333335"),
     DURATION, 0, "14.992", 0, ""},
    {true, "grouped, derived", 8, GROUP(2, 1), COMPUTE, UPLINK, DURATION, 0, "22.3621", 0, ""},
    {false, "grouped, derived", 8, GROUP(2, 2), COMPUTE, UPLINK, DURATION, 0, "23.1036", 0, ""},
    {false, "grouped, derived", 8, GROUP(4, 1), COMPUTE, UPLINK, DURATION, 0, "20.2353", 0, ""},
    {true, "grouped, derived", 8, GROUP(4, 2), COMPUTE, UPLINK, DURATION, 0, "18.4528", 0, ""},
    {false, "grouped, derived", 8, GROUP(4, 3), COMPUTE, UPLINK, DURATION, 0, "19.7250", 0, ""},
    {true, "grouped, derived", 8, FRC(3), COMPUTE, UPLINK, DURATION, 0, "20.2353", 0, ""},
    {false, "grouped, derived", 12, CYCLIC(1), COMPUTE, UPLINK, DURATION, 0, "33.0995", 0, ""},
    {false, "grouped, derived", 12, GROUP(2, 1), COMPUTE, UPLINK, DURATION, 0, "24.2494", 0, ""},
    {false, "grouped, derived", 12, CYCLIC(2), COMPUTE, UPLINK, DURATION, 0, "31.3525", 0, ""},
    {false, "grouped, derived", 12, GROUP(3, 1), COMPUTE, UPLINK, DURATION, 0, "21.6374", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(3, 2), COMPUTE, UPLINK, DURATION, 0, "23.6460", 0, ""},
    {false, "grouped, derived", 12, GROUP(3, 2), COMPUTE, UPLINK, DURATION, 0, "20.0540", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(3, 3), COMPUTE, UPLINK, DURATION, 0, "23.9540", 0, ""},
    {false, "grouped, derived", 12, GROUP(3, 3), COMPUTE, UPLINK, DURATION, 0, "23.9540", 0, ""},
    {false, "grouped, derived", 12, CYCLIC(3), COMPUTE, UPLINK, DURATION, 0, "31.1248", 0, ""},
    {false, "grouped, derived", 12, GROUP(4, 1), COMPUTE, UPLINK, DURATION, 0, "21.4433", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(4, 2), COMPUTE, UPLINK, DURATION, 0, "24.2153", 0, ""},
    {true, "grouped, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, DURATION, 0, "19.5255", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(4, 3), COMPUTE, UPLINK, DURATION, 0, "23.5353", 0, ""},
    {false, "grouped, derived", 12, GROUP(4, 3), COMPUTE, UPLINK, DURATION, 0, "20.9572", 0, ""},
    {false, "grouped, derived", 12, CYCLIC(5), COMPUTE, UPLINK, DURATION, 0, "31.7726", 0, ""},
    {false, "grouped, derived", 12, GROUP(6, 1), COMPUTE, UPLINK, DURATION, 0, "22.8876", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(6, 2), COMPUTE, UPLINK, DURATION, 0, "25.9989", 0, ""},
    {false, "grouped, derived", 12, GROUP(6, 2), COMPUTE, UPLINK, DURATION, 0, "20.8454", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(6, 3), COMPUTE, UPLINK, DURATION, 0, "25.1052", 0, ""},
    {false, "grouped, derived", 12, GROUP(6, 3), COMPUTE, UPLINK, DURATION, 0, "21.3005", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(6, 4), COMPUTE, UPLINK, DURATION, 0, "26.0880", 0, ""},
    {false, "grouped, derived", 12, GROUP(6, 4), COMPUTE, UPLINK, DURATION, 0, "23.1136", 0, ""},
    {false, "grouped, derived", 12, YE_ABBE(6, 5), COMPUTE, UPLINK, DURATION, 0, "28.8898", 0, ""},
    {false, "grouped, derived", 12, GROUP(6, 5), COMPUTE, UPLINK, DURATION, 0, "26.8363", 0, ""},
    {false, "grouped best, derived", 4, UNCODED, COMPUTE, UPLINK, DURATION, 0, "29.7671", 0, ""},
    {false, "grouped best, derived", 4, CYCLIC(3), COMPUTE, UPLINK, DURATION, 0, "18.2214", 0, ""},
    {false, "grouped best, derived", 4, FRC(3), COMPUTE, UPLINK, DURATION, 0, "18.2214", 0, ""},
    {false, "grouped best, derived", 4, YE_ABBE(4, 2), COMPUTE, UPLINK, DURATION, 0, "16.5889", 0,
     ""},
    {false, "grouped best, derived", 4, GROUP(4, 2), COMPUTE, UPLINK, DURATION, 0, "16.5889", 0,
     ""},
    {false, "grouped best, derived", 6, UNCODED, COMPUTE, UPLINK, DURATION, 0, "33.4350", 0, ""},
    {false, "grouped best, derived", 6, CYCLIC(5), COMPUTE, UPLINK, DURATION, 0, "21.0646", 0, ""},
    {false, "grouped best, derived", 6, FRC(2), COMPUTE, UPLINK, DURATION, 0, "19.2820", 0, ""},
    {false, "grouped best, derived", 6, YE_ABBE(6, 2), COMPUTE, UPLINK, DURATION, 0, "19.1915", 0,
     ""},
    {false, "grouped best, derived", 6, GROUP(3, 2), COMPUTE, UPLINK, DURATION, 0, "17.9141", 0,
     ""},
    {false, "grouped best, derived", 12, UNCODED, COMPUTE, UPLINK, DURATION, 0, "39.9674", 0, ""},
    {false, "grouped best, derived", 12, CYCLIC(11), COMPUTE, UPLINK, DURATION, 0, "30.3599", 0,
     ""},
    {false, "grouped best, derived", 12, FRC(3), COMPUTE, UPLINK, DURATION, 0, "21.4433", 0, ""},
    {true, "responses, derived", 8, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES, 0, "4.6286", 0, ""},
    {false, "responses, derived", 8, GROUP(4, 1), COMPUTE, UPLINK, RESPONSES, 0, "2.6000", 0, ""},
    {false, "responses, derived", 8, GROUP(4, 3), COMPUTE, UPLINK, RESPONSES, 0, "6.4286", 0, ""},
    {false, "responses, derived", 12, GROUP(3, 2), COMPUTE, UPLINK, RESPONSES, 0, "9.5273", 0, ""},
    {false, "responses, derived", 12, GROUP(4, 1), COMPUTE, UPLINK, RESPONSES, 0, "4.4667", 0, ""},
    {true, "responses, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES, 0, "7.4753", 0, ""},
    {false, "responses, derived", 12, GROUP(4, 3), COMPUTE, UPLINK, RESPONSES, 0, "9.9818", 0, ""},
    {false, "responses, derived", 12, GROUP(6, 3), COMPUTE, UPLINK, RESPONSES, 0, "6.8701", 0, ""},
    {false, "responses, derived", 8, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 4, ".5143", 0,
     ""},
    {false, "responses, derived", 8, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 5, ".8571", 0,
     ""},
    {false, "responses, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 6, ".2338", 0,
     ""},
    {false, "responses, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 7, ".5455", 0,
     ""},
    {false, "responses, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 8, ".8000", 0,
     ""},
    {false, "responses, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 9, ".9455", 0,
     ""},
    {true, "closed-forms, derived", 12, CYCLIC(2), COMPUTE, NOTHING, DURATION, 0, NULL,
     3 * 1.6 + 3 * 1.25 * (H12 - 1.5), ""},
    {false, "closed-forms, derived", 12, FRC(2), COMPUTE, NOTHING, DURATION, 0, NULL,
     3 * 1.6 + 1.25 * 25 / 12, ""},
    {false, "closed-forms, derived", 12, UNCODED, COMPUTE, NOTHING, DURATION, 0, NULL,
     1.6 + 1.25 * H12, ""},
    {false, "closed-forms, derived", 12, CYCLIC(11), COMPUTE, NOTHING, DURATION, 0, NULL,
     12 * 1.6 + 12 * 1.25 / 12, ""},
    {false, "closed-forms, derived", 12, YE_ABBE(12, 1), NO_DELAY, UPLINK_ONE, DURATION, 0,
     "1.083333", 0, ""},
    {false, "closed-forms, derived", 12, YE_ABBE(12, 5), NO_DELAY, UPLINK_ONE, DURATION, 0, NULL,
     1.0 / 5 + (H12 - 363.0 / 140) / 5, ""},
    {true, "closed-forms, derived", 12, YE_ABBE(12, 9), NO_DELAY, UPLINK_ONE, DURATION, 0,
     ".252209", 0, ""},
    {false, "closed-forms, derived", 12, YE_ABBE(12, 12), NO_DELAY, UPLINK_ONE, DURATION, 0, NULL,
     1.0 / 12 + H12 / 12, ""},
    {true, "hamming, derived", 8, EXTENDED_HAMMING, COMPUTE, UPLINK, DURATION, 0, "23.6354", 0, ""},
    {false, "hamming, [7, 4]", 14, HAMMING, COMPUTE, UPLINK, DURATION, 0, NULL, NAN, ""},
    /* Other laws, scalings and speeds, for which there is nothing printed. */
    {false, "laws", 12, CYCLIC(2), "\"model\":\"weibull\",\"scale_s\":2,\"shape\":0.7",
     "\"model\":\"lognormal\",\"median_s\":2,\"sigma\":0.8", DURATION, 0, NULL, NAN, ""},
    {false, "laws", 12, GROUP(4, 2), "\"model\":\"lognormal\",\"median_s\":2,\"sigma\":0.8",
     "\"model\":\"weibull\",\"scale_s\":2,\"shape\":0.7", DURATION, 0, NULL, NAN, ""},
    {false, "laws", 12, GROUP(4, 2),
     "\"model\":\"gamma\",\"shift_s\":0.5,\"mean_s\":3,\"shape\":0.4", NOTHING, DURATION, 0, NULL,
     NAN, ""},
    {false, "laws", 12, FRC(2), "\"model\":\"pareto\",\"minimum_s\":1,\"shape\":3.5", NOTHING,
     DURATION, 0, NULL, NAN, ""},
    {false, "laws", 12, CYCLIC(3), "\"model\":\"pareto\",\"minimum_s\":1,\"shape\":3.5",
     "\"model\":\"pareto\",\"minimum_s\":2,\"shape\":4", DURATION, 0, NULL, NAN, ""},
    {false, "laws", 12, CYCLIC(2),
     "\"model\":\"bimodal\",\"fast_s\":1,\"slow_s\":8,\"slow_probability\":0.1",
     "\"model\":\"lognormal\",\"median_s\":2,\"sigma\":0.8", DURATION, 0, NULL, NAN, ""},
    {false, "laws", 12, UNCODED,
     "\"model\":\"mixture\",\"components\":[{\"weight\":0.9,\"model\":\"exponential\",\"mean_s\":1}"
     ",{\"weight\":0.1,\"model\":\"pareto\",\"minimum_s\":5,\"shape\":4}]",
     NOTHING, DURATION, 0, NULL, NAN, ""},
    {false, "laws", 12, GROUP(3, 2), "\"model\":\"empirical\",\"values_s\":[1,1.5,2,2,3,7]", UPLINK,
     DURATION, 0, NULL, NAN, ""},
    {false, "additive", 12, CYCLIC(2), COMPUTE ",\"scaling\":\"additive\"", UPLINK, DURATION, 0,
     NULL, NAN, ""},
    {false, "additive", 12, GROUP(4, 2),
     "\"model\":\"weibull\",\"scale_s\":2,\"shape\":0.7"
     ",\"scaling\":\"additive\"",
     NOTHING, DURATION, 0, NULL, NAN, ""},
    {false, "additive", 12, GROUP(3, 2),
     "\"model\":\"bimodal\",\"fast_s\":1,\"slow_s\":8,\"slow_probability\":0.1"
     ",\"scaling\":\"additive\"",
     "\"model\":\"lognormal\",\"median_s\":2,\"sigma\":0.8", DURATION, 0, NULL, NAN, ""},
    {false, "start-up", 12, CYCLIC(2),
     COMPUTE ",\"scaling\":\"startup\",\"per_subset_s\":0.4,\"fixed_s\":0.1", UPLINK, DURATION, 0,
     NULL, NAN, ""},
    {false, "start-up", 12, FRC(3),
     "\"model\":\"lognormal\",\"median_s\":2,\"sigma\":0.8"
     ",\"scaling\":\"startup\",\"per_subset_s\":0.4,\"fixed_s\":0.1",
     UPLINK, DURATION, 0, NULL, NAN, ""},
    {false, "two speeds", 12, CYCLIC(2), COMPUTE, UPLINK, DURATION, 0, NULL, NAN,
     ",\"classes\":[{\"share\":0.25,\"speed\":0.4},{\"share\":0.75,\"speed\":1}]"},
    {false, "two speeds", 12, GROUP(4, 2), COMPUTE, UPLINK, DURATION, 0, NULL, NAN,
     ",\"classes\":[{\"share\":0.25,\"speed\":0.4},{\"share\":0.75,\"speed\":1}]"},
    /* At the end, so that the others keep their delays. */
    {false, "grouped best, derived", 24, UNCODED, COMPUTE, UPLINK, DURATION, 0, "46.6949", 0, ""},
    {false, "grouped best, derived", 24, CYCLIC(2), COMPUTE, UPLINK, DURATION, 0, "38.2006", 0, ""},
    {false, "grouped best, derived", 24, YE_ABBE(3, 3), COMPUTE, UPLINK, DURATION, 0, "26.8355", 0,
     ""},
};
const int n_targets = sizeof targets / sizeof *targets;

const char *target_kind(const target *t) {
  if (strcmp(t->uplink, NOTHING) == 0) return ", computation only";
  return strcmp(t->compute, NO_DELAY) == 0 ? ", communication only" : "";
}

bool target_met(const target *t, double exact) {
  if (!t->printed) return isnan(t->closed) || fabs(exact - t->closed) <= 1e-10 * fabs(t->closed);
  const char *point = strchr(t->printed, '.');
  double half = 0.5 * pow(10, -(double)strlen(point + 1)) * (1 + 1e-9);
  return fabs(exact - strtod(t->printed, NULL)) <= half;
}

void target_close(target_world *w) {
  if (w->world) sg_world_free(w->world, w->plan->cache);
  sg_plan_free(w->plan);
  sg_scenario_free(w->scenario);
  *w = (target_world){0};
}

bool target_open_text(const char *text, target_world *w) {
  sg_error e = {0};
  *w = (target_world){0};
  sg_status status =
      sg_scenario_parse("target.json", text, strlen(text), 0, NULL, &w->scenario, &e);
  if (status == SG_OK) status = sg_plan_new(w->scenario, &w->plan, &e);
  if (status == SG_OK)
    status = sg_world_new(w->plan->point[0].point, w->plan->cache, NULL, &w->world, &e);
  for (int i = 0; i < e.count; i++)
    fprintf(stderr, "%s: %s\n", e.fault[i].place, e.fault[i].message);
  sg_error_clear(&e);
  if (status != SG_OK) target_close(w);
  return status == SG_OK;
}

bool target_open(const target *t, long iterations, target_world *w) {
  char text[2048];
  /* 27720 is divisible by every m used here: padding would lengthen messages. */
  snprintf(text, sizeof text,
           "{\"format\":1,\"cluster\":{\"workers\":%d%s},\"delay\":{%s,\"unit\":\"subset\"},"
           "\"network\":{\"uplink\":{%s}},\"learning\":{\"problem\":\"none\",\"length\":27720},"
           "\"schemes\":[{%s}],\"random\":{\"seed\":1},\"stop\":{\"iterations\":%ld}}",
           t->n, t->cluster, t->compute, t->uplink, t->scheme, iterations);
  return target_open_text(text, w);
}
