/* SPDX-License-Identifier: MIT */
/* The root table of the format, and the tables of members that belong to no model. */
#include "codes/frame/code.h"
#include "models/delay/delay.h"
#include "models/learning/problem.h"
#include "models/network/network.h"
#include "sim/scenario/scenario.h"

static const sg_param flops[] = {
    {.name = "flops_per_s",
     .kind = SG_REAL,
     .summary = "Floating-point operations of the master per second.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .flags = SG_REQUIRED | SG_MIN_OPEN},
    {0},
};

static const sg_variant decode[] = {
    {.name = "none", .summary = "Decoding takes no time.", .reference = ""},
    {.name = "flops",
     .summary = "Decoding takes its operations divided by a given rate.",
     .reference = "",
     .params = flops},
    {.name = "measured",
     .summary = "Decoding takes the time measured on this machine, once; the table is kept in the "
                "database.",
     .reference = ""},
};

static const sg_variant *decode_at(int i) {
  return i < (int)(sizeof decode / sizeof *decode) ? &decode[i] : NULL;
}

static const sg_family decode_family = {
    .selector = "model", .what = "decode time model", .at = decode_at, .fallback = "none"};

static const sg_param master[] = {
    {.name = "decode",
     .kind = SG_FAMILY,
     .summary = "How long the master takes to decode.",
     .family = &decode_family},
    {.name = "update_s",
     .kind = SG_REAL,
     .summary = "Seconds the master takes to update the model.",
     .min = 0,
     .max = SG_UNBOUNDED},
    {0},
};

static const char *const late_work[] = {"cancel", "finish-first", "keep-partial", NULL};
static const char *const undecodable[] = {"wait", "skip", "error", NULL};
static const char *const invalid_combinations[] = {"skip", "error", NULL};
static const char *const detail[] = {"summary", "iteration", "worker", NULL};

static const sg_param scheme[] = {
    {.name = "scheme",
     .kind = SG_FAMILY,
     .summary = "A gradient code with its parameters; each scalar may be {\"each\": […]}.",
     .fields = sg_scheme_params,
     .family = &sg_code_family},
    {0},
};

static const sg_param cause[] = {
    {.name = "cause",
     .kind = SG_TEXT,
     .summary = "stalls, memory, common, crashes, erasures, randomness (of compute times: their "
                "mean instead), speeds (all workers as the median one), slowest or worker=K (that "
                "worker as the median one), uplink=F, ingress=F or links=F (F times as fast; 2 "
                "without a number)."},
    {0},
};

static const sg_param sweep_value[] = {
    {.name = "value", .kind = SG_ANY, .summary = "A value that the member at the path may have."},
    {0},
};

static const sg_param sweep[] = {
    {.name = "name",
     .kind = SG_TEXT,
     .summary = "Name of the axis in the results.",
     .flags = SG_REQUIRED},
    {.name = "path",
     .kind = SG_TEXT,
     .summary = "JSON pointer of the member that is varied, such as /cluster/workers.",
     .flags = SG_REQUIRED},
    {.name = "values",
     .kind = SG_LIST,
     .summary = "The values it takes.",
     .min = 1,
     .fields = sweep_value,
     .flags = SG_REQUIRED},
    {0},
};

static const sg_param sweep_axis[] = {
    {.name = "axis",
     .kind = SG_OBJECT,
     .summary = "An axis of the grid of environments.",
     .fields = sweep},
    {0},
};

static const sg_param randomness[] = {
    {.name = "seed",
     .kind = SG_SEED,
     .summary = "Everything random follows from it: a whole number up to 2^53, or a string of "
                "digits up to 2^64 − 1.",
     .text = "1"},
    {0},
};

static const sg_param stop[] = {
    {.name = "iterations",
     .kind = SG_INT,
     .summary = "Most iterations of a run.",
     .min = 1,
     .max = 1e9,
     .fallback = 100},
    {.name = "target_loss",
     .kind = SG_REAL,
     .summary = "A run ends when its training loss is at most this.",
     .min = -SG_UNBOUNDED,
     .max = SG_UNBOUNDED,
     .flags = SG_OPTIONAL},
    {.name = "sim_time_s",
     .kind = SG_REAL,
     .summary = "A run ends after so many simulated seconds.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .flags = SG_OPTIONAL | SG_MIN_OPEN},
    {.name = "undecodable",
     .kind = SG_CHOICE,
     .summary = "When the messages that a scheme waits for do not determine the sum: wait for "
                "more, skip the iteration, or end the run as undecodable.",
     .choices = undecodable},
    {0},
};

static const sg_param output[] = {
    {.name = "database",
     .kind = SG_TEXT,
     .summary = "The result database; the scenario's file name with .db when absent.",
     .flags = SG_OPTIONAL | SG_UNHASHED | SG_IS_PATH},
    {.name = "detail",
     .kind = SG_CHOICE,
     .summary = "What is kept of a run: its summary, a row per iteration, or a row per worker and "
                "iteration as well.",
     .fallback = 1,
     .choices = detail,
     .flags = SG_UNHASHED},
    {0},
};

const sg_param sg_scenario_params[] = {
    {.name = "$schema",
     .kind = SG_TEXT,
     .summary = "The JSON Schema, for editors; not read.",
     .flags = SG_OPTIONAL | SG_UNHASHED},
    {.name = "format",
     .kind = SG_INT,
     .summary = "Version of the scenario format.",
     .min = 1,
     .max = 1,
     .flags = SG_REQUIRED},
    {.name = "name",
     .kind = SG_TEXT,
     .summary = "Name of the scenario in results; the file's name when absent.",
     .flags = SG_OPTIONAL | SG_UNHASHED},
    {.name = "description",
     .kind = SG_TEXT,
     .summary = "What the scenario is about.",
     .flags = SG_OPTIONAL | SG_UNHASHED},
    {.name = "cluster",
     .kind = SG_OBJECT,
     .summary = "The workers and their speeds.",
     .fields = sg_cluster_params,
     .flags = SG_REQUIRED},
    {.name = "delay",
     .kind = SG_FAMILY,
     .summary = "How long a worker computes.",
     .fields = sg_delay_params,
     .family = &sg_delay_family,
     .flags = SG_REQUIRED},
    {.name = "network",
     .kind = SG_OBJECT,
     .summary = "How long messages travel.",
     .fields = sg_network_params},
    {.name = "master",
     .kind = SG_OBJECT,
     .summary = "What the master's own work costs.",
     .fields = master},
    {.name = "late_work",
     .kind = SG_CHOICE,
     .summary = "What a worker does when the iteration ends before it has finished: drop the work; "
                "finish it and begin the next iteration late; or keep finished tasks and drop the "
                "running one.",
     .choices = late_work},
    {.name = "learning",
     .kind = SG_FAMILY,
     .summary = "What is learned, from which data.",
     .fields = sg_learning_params,
     .family = &sg_problem_family,
     .flags = SG_REQUIRED},
    {.name = "schemes",
     .kind = SG_LIST,
     .summary = "The schemes to compare.",
     .min = 1,
     .fields = scheme,
     .flags = SG_REQUIRED},
    {.name = "baseline",
     .kind = SG_TEXT,
     .summary = "The scheme that others are compared with: a code's name, or a scheme's label.",
     .flags = SG_OPTIONAL | SG_UNHASHED},
    {.name = "sweep",
     .kind = SG_LIST,
     .summary = "Members that are varied; the axes multiply.",
     .fields = sweep_axis,
     .flags = SG_UNHASHED},
    {.name = "without",
     .kind = SG_LIST,
     .summary = "Causes of lost time that are taken away, all else and all random numbers being "
                "the same.",
     .max = 20,
     .fields = cause,
     .flags = SG_OPTIONAL},
    {.name = "what_if",
     .kind = SG_LIST,
     .summary = "The causes that run --what-if auto takes away, in this order; absent: all that "
                "the scenario has.",
     .max = 20,
     .fields = cause,
     .flags = SG_OPTIONAL | SG_UNHASHED},
    {.name = "replications",
     .kind = SG_INT,
     .summary = "Independent runs of every point.",
     .min = 1,
     .max = (1 << 24) - 1,
     .fallback = 1,
     .flags = SG_UNHASHED},
    {.name = "random", .kind = SG_OBJECT, .summary = "Random numbers.", .fields = randomness},
    {.name = "stop", .kind = SG_OBJECT, .summary = "When a run ends.", .fields = stop},
    {.name = "invalid_combinations",
     .kind = SG_CHOICE,
     .summary = "Combinations of sweep and each that a scheme cannot have: list and skip them, or "
                "refuse the scenario.",
     .choices = invalid_combinations,
     .flags = SG_UNHASHED},
    {.name = "output",
     .kind = SG_OBJECT,
     .summary = "Where results go, and how much is kept.",
     .fields = output,
     .flags = SG_UNHASHED},
    {0},
};
