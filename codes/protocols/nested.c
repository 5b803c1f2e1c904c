/* SPDX-License-Identifier: MIT */
/* Nested gradient codes (reconstruction after Maßny et al. 2023, arXiv:2212.08580, whose abstract
 * says no more than that codes of different tolerance are concatenated and that small signals adapt
 * the load to the stragglers there are).
 *
 * Levels s_1 < … < s_K, a gradient code for each on the same n shares of the data: cyclic
 * repetition, where the shares of worker i for s stragglers are i, …, i + s (mod n) and so the
 * first of those for s' > s; or fractional repetition, whose groups of s + 1 workers merge if s + 1
 * divides s' + 1. A worker computes its shares level by level, a task each.
 *
 * With signals it reports each task. The first time that those who have reported a level can answer
 * for it, n − s workers or one of every group, that level is decided; of several at the same
 * instant the smallest. The master says so to all; whoever has got so far sends one combination,
 * the others are the stragglers of this iteration and stop. If who was to send fails, and nothing
 * else can come, the next level is asked for. Without signals a worker sends the combination of
 * each level when it has got there, and the master decodes the first level that it can, each by
 * itself.
 *
 * T = min over levels of the (n − s)-th smallest time to compute s + 1 shares, where messages and
 * signals take no time. (derived) */
#include "codes/frame/protocol.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"
#include "sim/core/owned.h"

#include <stdio.h>
#include <string.h>

static const char *const families[] = {"cyclic", "repetition", NULL};
enum { CYCLIC, REPETITION };
static const char *const signallings[] = {"stop", "no-signals", NULL};
enum { STOP, NO_SIGNALS };

static const sg_param level_row =
    SG_ROW_INT("level", 0, SG_UNBOUNDED, "number of stragglers tolerated");
static const sg_param params[] = {
    SG_ROW_INT("s_max", 0, SG_UNBOUNDED,
               "the levels are 0, 1, …, s_max stragglers; this or levels must be given",
               .flags = SG_OPTIONAL),
    SG_ROW_LIST("levels", &level_row, 1, SG_UNBOUNDED,
                "numbers of stragglers, rising; of the repetition family each s + 1 divides the "
                "next and the number of workers",
                .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("family", families, CYCLIC,
                  "the code of a level: cyclic repetition, or fractional repetition"),
    SG_ROW_CHOICE(
        "signalling", signallings, STOP,
        "stop: workers report tasks, the master says which level it wants, and each "
        "worker sends one message; no-signals: each worker sends a message for every level, "
        "which the master decodes separately"),
    {0}};

typedef struct level {
  int s, need;             /* how many workers, or groups, must answer */
  const sg_cyclic *cyclic; /* NULL: repetition, one answer of each group of s + 1 */
  int groups_at;           /* where its groups begin among those of all levels */
} level;

typedef struct tables {
  int n, levels, groups; /* groups: of all levels */
  bool signals;
  level level[];
} tables;

/* Who has got to a level, or answered for it: workers, or groups of which someone has. */
typedef struct tally {
  int *count;         /* per level */
  unsigned char *met; /* per group of all levels */
} tally;

typedef struct progress {
  int decided;   /* the level that was asked for last, plus one; 0: none yet */
  bool deciding; /* some level can be; at the end of this instant */
  bool resumed;  /* those who were stopped were told to go on */
  int counts[];  /* those of reports, those of answers, then the groups met likewise */
} progress;

static tally tally_of(const tables *t, progress *p, bool answers) {
  unsigned char *met = (unsigned char *)(p->counts + 2 * t->levels);
  return (tally){p->counts + (answers ? t->levels : 0), met + (answers ? t->groups : 0)};
}

/* Counts a worker. false: it adds nothing. */
static bool add(const tables *t, tally y, int k, int worker) {
  const level *l = &t->level[k];
  unsigned char *met = l->cyclic ? NULL : &y.met[l->groups_at + worker / (l->s + 1)];
  if (met && *met) return false;
  if (met) *met = 1;
  y.count[k]++;
  return true;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* The levels that remain, from the highest down, where each s + 1 divides the one above and n. */
static void nearest_levels(const int *s, int count, int n, char *out, size_t size) {
  SG_OWNED int *kept = malloc((size_t)count * sizeof *kept);
  int n_kept = 0, above = n;
  size_t at = 0;
  for (int k = count - 1; kept && k >= 0; k--)
    if (s[k] < n && above % (s[k] + 1) == 0) {
      kept[n_kept++] = s[k];
      above = s[k] + 1;
    }
  if (kept && n_kept == 0) kept[n_kept++] = 0;
  out[0] = '\0';
  while (n_kept > 0 && at + 16 < size)
    at += (size_t)snprintf(out + at, size - at, "%s%d", at ? ", " : "", kept[--n_kept]);
}

static sg_status check_levels(const sg_values *values, const int *s, int count, int n,
                              bool repetition, sg_error *e) {
  const char *member = sg_given(values, "levels") ? "levels" : "s_max";
  for (int k = 0; k < count; k++) {
    if (s[k] >= n)
      return sg_fail_at(e, values, member, "expected levels s < n = %d (0 to %d), found %d", n,
                        n - 1, s[k]);
    if (k > 0 && s[k] <= s[k - 1])
      return sg_fail_at(e, values, member, "expected levels that rise, found %d after %d", s[k],
                        s[k - 1]);
  }
  char nearest[120];
  for (int k = 0; k < count && repetition; k++) {
    int above = k + 1 < count ? s[k + 1] + 1 : n;
    if (above % (s[k] + 1) == 0) continue;
    nearest_levels(s, count, n, nearest, sizeof nearest);
    return sg_fail_at(e, values, member,
                      "expected levels whose s + 1 divides that of the next level and n = %d, so "
                      "that groups of workers merge (of these: %s), found s + 1 = %d below %d",
                      n, nearest, s[k] + 1, above);
  }
  return SG_OK;
}

static sg_status read_levels(sg_code *code, const sg_values *values, tables **out, sg_error *e) {
  bool listed = sg_given(values, "levels");
  int n = code->nodes;
  if (listed == sg_given(values, "s_max"))
    return sg_fail_at(e, values, NULL, "expected s_max or levels, found %s",
                      listed ? "both" : "neither");
  if (!listed && sg_int(values, "s_max") >= n)
    return sg_fail_at(e, values, "s_max", "expected s_max < n = %d (0 to %d), found %ld", n, n - 1,
                      sg_int(values, "s_max"));
  int count = listed ? sg_count(values, "levels") : (int)sg_int(values, "s_max") + 1;
  SG_OWNED int *s = malloc((size_t)count * sizeof *s);
  tables *t = sg_code_alloc(code, 1, sizeof *t + (size_t)count * sizeof *t->level);
  if (!s || !t) return sg_fail_memory(e);
  for (int k = 0; k < count; k++) {
    long x = listed ? (long)sg_item(values, "levels", k)->number : k;
    s[k] = x > n ? n : (int)x;
    t->level[k].s = s[k];
  }
  t->n = n;
  t->levels = count;
  *out = t;
  return check_levels(values, s, count, n, sg_choice(values, "family") == REPETITION, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = NULL;
  sg_status status = read_levels(code, values, &t, e);
  if (status) return status;
  int n = shape->workers, most = t->level[t->levels - 1].s;
  t->signals = sg_choice(values, "signalling") == STOP;
  if (t->signals && sg_values_param(values, "stop") && sg_given(values, "stop"))
    return sg_fail_at(
        e, values, "stop",
        "expected no \"stop\" with signals, by which the master decides what it waits "
        "for (or signalling \"no-signals\"), found \"%s\"",
        sg_object(values, "stop")->variant->name);
  for (int k = 0; k < t->levels; k++) {
    level *l = &t->level[k];
    /* Nothing to combine, or the same sum from everyone: both families are the same. */
    bool cyclic = sg_choice(values, "family") == CYCLIC && l->s > 0 && l->s < n - 1;
    sg_cyclic *code_of_level = NULL;
    if (cyclic) status = sg_cyclic_new(code, values, n, l->s, shape->seed, &code_of_level, e);
    if (status) return status;
    l->cyclic = code_of_level;
    l->need = cyclic ? n - l->s : n / (l->s + 1);
    l->groups_at = t->groups;
    t->groups += cyclic ? 0 : l->need;
  }
  code->self = t;
  code->parts = n;
  code->promised = most;
  code->load = (double)shape->subsets / n * (most + 1);
  code->flags = SG_ROUNDS | SG_WEIGHTS_PURE;
  code->state_size = code->round_size =
      sizeof(progress) + 2 * (size_t)t->levels * sizeof(int) + 2 * (size_t)t->groups;
  return sg_code_one_segment(code, values, NULL, 1, n, e);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* tag: the level. */
static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  const level *l = &t->level[message->tag];
  int i = message->from, size = l->s + 1;
  for (int c = 0; c < size; c++)
    if (l->cyclic)
      sg_row_part(row, (i + c) % t->n, 0, l->cyclic->coef[i * size + c]);
    else
      sg_row_part(row, i / size * size + c, 0, 1);
}

/* One answer of each group; messages are sorted by sender. */
static sg_status group_weights(const level *l, int tag, const sg_used *used) {
  int groups = 0, last = -1;
  for (int i = 0; i < used->count; i++) {
    int group = used->message[i]->from / (l->s + 1);
    used->W[i] = used->message[i]->tag == tag && group != last;
    if (used->W[i] == 0) continue;
    last = group;
    groups++;
  }
  if (groups == l->need) return SG_OK;
  memset(used->W, 0, (size_t)used->count * sizeof *used->W);
  return SG_UNDECODABLE;
}

/* By the smallest level that has come: its errors are amplified least. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  sg_status status = SG_UNDECODABLE;
  for (int k = 0; k < t->levels && status == SG_UNDECODABLE; k++) {
    const level *l = &t->level[k];
    status =
        l->cyclic ? sg_parity_weights(l->cyclic->parity, used, k, NULL) : group_weights(l, k, used);
  }
  return status;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

/* Tasks of the levels from `first` to `last`. */
static void compute(const sg_code *code, int node, int snapshot, int first, int last, bool report,
                    bool send, sg_orders *o) {
  const tables *t = code->self;
  double share = (double)code->shape.subsets / t->n;
  for (int k = first; k <= last; k++) {
    double work = share * (t->level[k].s - (k > 0 ? t->level[k - 1].s : -1));
    sg_task(o, node, snapshot, work, SG_DRAWS_OF_WORK, report ? SG_REPORT : 0);
    if (send) sg_send(o, node, SG_MASTER, snapshot, 0, k, 0);
  }
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  compute(code, SG_ALL, snapshot, 0, t->levels - 1, t->signals, !t->signals, o);
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  tally answers = tally_of(t, state, true);
  int k = message->tag;
  if (!add(t, answers, k, message->from)) return SG_SKIP;
  return answers.count[k] >= t->level[k].need ? SG_READY : SG_WAIT;
}

static void reported(const tables *t, progress *p, const sg_event *event, sg_orders *o) {
  tally reports = tally_of(t, p, false);
  int k = event->count - 1;
  if (p->decided || !add(t, reports, k, event->from)) return;
  if (reports.count[k] < t->level[k].need || p->deciding) return;
  p->deciding = true;
  sg_timer(o, SG_AFTER_SECONDS, 0, 0); /* a smaller one may follow at this very instant */
}

/* A command: a level, and who is to send its message. */
enum { IF_DONE = 1, IF_NOT_YET = 2, COMMANDS = 4 };

static void ask(int k, int who, sg_orders *o) {
  sg_tell(o, SG_ALL, k * COMMANDS + who);
}

static void decide(const tables *t, progress *p, sg_orders *o) {
  tally reports = tally_of(t, p, false);
  int k = 0;
  while (reports.count[k] < t->level[k].need) k++;
  p->decided = k + 1;
  ask(k, IF_DONE, o);
}

static void commanded(const sg_code *code, const sg_event *event, sg_orders *o) {
  int k = event->arg / COMMANDS, who = event->arg % COMMANDS;
  sg_stop(o, event->at);
  if (!(who & (event->count > k ? IF_DONE : IF_NOT_YET))) return;
  compute(code, event->at, event->round, event->count, k, false, false, o);
  sg_send(o, event->at, SG_MASTER, event->round, 0, k, 0);
}

/* Who was to send has failed, and nothing can come: first the others get as far, then all go on to
 * the next level. false: there is none. */
static bool ask_for_more(const tables *t, progress *p, sg_orders *o) {
  if (!p->decided || (p->resumed && p->decided == t->levels)) return false;
  if (p->resumed)
    ask(p->decided++, IF_DONE | IF_NOT_YET, o);
  else
    ask(p->decided - 1, IF_NOT_YET, o);
  p->resumed = true;
  return true;
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  switch (event->kind) {
  case SG_SIGNAL: reported(t, p, event, o); return;
  case SG_COMMAND: commanded(code, event, o); return;
  case SG_TIMER:
    if (event->arg == 0) decide(t, p, o);
    break;
  case SG_STALLED:
    if (ask_for_more(t, p, o)) return;
    break;
  default: break;
  }
  sg_round_event(event, o);
}

const sg_code_type sg_nested = {
    .about = {.name = "nested",
              .brief = "levels of tolerance, decided by signals",
              .summary = "Codes for several numbers of stragglers at once: workers report their "
                         "progress, and the master has them send for the first level that can be "
                         "decoded.",
              .reference =
                  "Reconstruction after Maßny, Hofmeister, Egger, Bitar, Wachter-Zeh (ITW "
                  "2023), arXiv:2212.08580 (idea published; levels, signals and the law of "
                  "T derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .plan = plan,
    .arrive = arrive,
    .on_event = on_event,
};
