/* SPDX-License-Identifier: MIT */
/* A code's stop, found by feeding its protocol and decoding what it does not promise. */
#include "sim/expect/rule.h"

#include "codes/frame/protocol.h"
#include "codes/frame/stop.h"
#include "sim/core/random.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  MOST_ENUMERATED = 16, /* workers of a group whose 2^n subsets are all asked for */
  RANDOM_ORDERS = 40,
  MOST_SAMPLED = 1 << 25, /* arrivals that all orders of all groups may cost; fewer orders else */
  MOST_RUNS = 1 << 22     /* arrivals that are spent on enumerating */
};

/* --- Asking a code ---------------------------------------------------------------------------- */

typedef struct prober {
  const sg_code *code;
  const sg_compressor *compressor;
  sg_protocol *protocol;
  sg_decoder *decoder;
  sg_orders orders;
  int nodes, messages;
  int *first, *sends;  /* per node: its messages, and how many it has in a round */
  sg_message *message; /* all messages of a round */
  const sg_message **view;
  const sg_message **held, **segment; /* what the master holds; those of one segment */
  int n_held;
  bool *present;     /* nodes that have answered */
  int *list, *order; /* of nodes: workspace */
  bool waits, refused_for_good, failed;
  int round;
} prober;

static void prober_free(prober *p) {
  sg_protocol_free(p->protocol);
  sg_decoder_free(p->decoder);
  sg_orders_free(&p->orders);
  free(p->first); /* and sends, list, order */
  free(p->message);
  free(p->view); /* and held, segment */
  free(p->present);
}

static void tell(prober *p, const sg_event *event) {
  sg_orders_clear(&p->orders);
  sg_protocol_event(p->protocol, event, &p->orders);
  if (p->orders.failed) p->failed = true;
}

static bool is_promised(const prober *p) {
  const sg_code *code = p->code;
  if (!code->exact) return false;
  if (code->type->promises) return code->type->promises(code, p->present);
  int missing = 0;
  for (int i = 0; i < p->nodes; i++) missing += !p->present[i];
  return missing <= code->promised;
}

/* Whether what is held can be decoded. */
static bool decodes(prober *p) {
  if (is_promised(p)) return true;
  for (int s = 0; s < p->code->segments; s++) {
    int n = 0;
    for (int i = 0; i < p->n_held; i++)
      if (p->held[i]->segment == s) p->segment[n++] = p->held[i];
    sg_weights weights;
    sg_status status =
        sg_decoder_weights_in(p->decoder, p->protocol, s, n, p->segment, &weights, NULL);
    if (status == SG_NO_MEMORY) p->failed = true;
    if (status) return false;
  }
  return true;
}

static void drop(prober *p, const sg_message *message) {
  int kept = 0;
  for (int i = 0; i < p->n_held; i++)
    if (p->held[i] != message) p->held[kept++] = p->held[i];
  p->n_held = kept;
}

/* Whether the orders at hand end the round with a decode that succeeds. */
static bool carried_out(prober *p) {
  for (int i = 0; i < p->orders.count; i++) {
    const sg_order *order = &p->orders.order[i];
    if (order->kind == SG_ORDER_DROP) drop(p, order->message);
    if (order->kind != SG_ORDER_DECODE) continue;
    if (decodes(p)) return true;
    if (!p->waits) p->refused_for_good = true;
    tell(p, &(sg_event){.kind = SG_UPDATED, .round = p->round, .at = SG_MASTER});
    return false;
  }
  return false;
}

/* Delivers these nodes' transmissions; after how many the round is decoded, n + 1: never. */
static int deliver(prober *p, int n, const int *node) {
  p->n_held = 0;
  memset(p->present, 0, (size_t)p->nodes * sizeof *p->present);
  tell(p, &(sg_event){.kind = SG_BEGIN, .round = p->round, .at = SG_MASTER});
  for (int i = 0; i < n; i++) {
    int from = node[i];
    p->present[from] = true;
    if (p->sends[from] == 0) continue;
    const sg_message *const *view = p->view + p->first[from];
    for (int k = 0; k < p->sends[from]; k++) p->held[p->n_held++] = view[k];
    tell(p, &(sg_event){.kind = SG_ARRIVAL,
                        .round = p->round,
                        .at = SG_MASTER,
                        .from = from,
                        .count = p->sends[from],
                        .message = view});
    if (carried_out(p)) return i + 1;
  }
  return n + 1;
}

/* --- The plan --------------------------------------------------------------------------------- */

static sg_status refuse(sg_error *e, const char *why) {
  return sg_fail(e, SG_INVALID, NULL, "%s", why);
}

static const char *read_task(sg_rule_worker *w, const sg_order *o, int sent) {
  int draws = o->draws > 0 ? o->draws : 1;
  if (sent) return "workers compute and send in several stages";
  if (w->tasks && w->draws > 0 && o->work > 0 &&
      fabs(w->work / w->draws - o->work / draws) > 1e-12 * w->work / w->draws)
    return "a worker's tasks are of different sizes";
  w->tasks++;
  w->work += o->work;
  w->draws += draws;
  return NULL;
}

/* One round's orders as what each worker does; turn: as in sg_rule. */
static const char *read_plan(prober *p, double deadline, sg_rule_worker *worker, int *turn) {
  const sg_code *code = p->code;
  int n = 0;
  memset(p->sends, 0, (size_t)p->nodes * sizeof *p->sends);
  for (int i = 0; i < p->orders.count; i++) {
    const sg_order *o = &p->orders.order[i];
    if (o->kind == SG_ORDER_SNAPSHOT) continue;
    if (o->kind == SG_ORDER_TIMER && o->rule == SG_AFTER_SECONDS && o->value >= deadline) continue;
    if (o->kind == SG_ORDER_TIMER) return "the master sets a timer";
    if (o->kind != SG_ORDER_TASK && o->kind != SG_ORDER_SEND)
      return "the master gives commands in mid-iteration";
    int from, to;
    sg_order_nodes(o, code, &from, &to);
    for (int w = from; w < to; w++) {
      if (o->kind == SG_ORDER_TASK) {
        if (!worker[w].tasks) turn[n++] = w;
        const char *why = read_task(&worker[w], o, p->sends[w]);
        if (why) return why;
        continue;
      }
      if (o->to != SG_MASTER && !(o->to == SG_UP && !code->parent))
        return "messages go by way of other workers";
      if (o->after >= 0) return "messages go while a worker still computes";
      if (p->sends[w] && !(o->flags & SG_WITH_PREVIOUS))
        return "a worker sends more than one message in an iteration";
      p->sends[w]++;
      worker[w].answers = true;
      long length = sg_segment_length(&code->segment[o->segment]);
      worker[w].bytes += sg_bytes_of(sg_compressor_bits(p->compressor, length));
    }
  }
  return NULL;
}

static const char *cannot(const sg_code *code) {
  if (code->flags & SG_ASYNC) return "the scheme has no barrier: there is no iteration of its own";
  if (code->type->on_event) return "the scheme has a protocol of its own";
  if (code->flags & SG_SEE_CUTS) return "the scheme decodes at times that it sets itself";
  if (code->parent) return "messages go by way of other workers";
  if (code->models > 1) return "several models are trained in turns";
  if (code->type->updated) return "the scheme adapts to earlier iterations";
  return NULL;
}

/* The messages of the round whose orders are at hand. */
static bool make_messages(prober *p) {
  for (int i = 0; i < p->nodes; i++) {
    p->first[i] = p->messages;
    p->messages += p->sends[i];
    p->list[i] = p->first[i]; /* the next one */
  }
  size_t all = (size_t)p->messages + 1;
  p->message = calloc(all, sizeof *p->message);
  p->view = calloc(3 * all, sizeof *p->view);
  if (!p->message || !p->view) return false;
  p->held = p->view + all;
  p->segment = p->held + all;
  for (int i = 0; i < p->orders.count; i++) {
    const sg_order *o = &p->orders.order[i];
    if (o->kind != SG_ORDER_SEND) continue;
    int from, to;
    sg_order_nodes(o, p->code, &from, &to);
    for (int w = from; w < to; w++) {
      int id = p->list[w]++;
      p->message[id] = sg_order_message(o, p->code, w);
      p->message[id].id = id;
      p->message[id].round = p->round;
      p->view[id] = &p->message[id];
    }
  }
  return true;
}

/* Reads the plan of the first rounds, which must be alike, and makes the messages of one. */
static sg_status read_rounds(prober *p, sg_rule *rule, sg_error *e) {
  size_t n = (size_t)p->nodes;
  sg_rule_worker *again = calloc(n, sizeof *again);
  if (!again) return sg_fail_memory(e);
  const char *why = NULL;
  int rounds = p->code->type->plan ? 3 : 1;
  for (int round = 0; round < rounds && !why && !p->failed; round++) {
    memset(again, 0, n * sizeof *again);
    p->round = round;
    tell(p, &(sg_event){.kind = SG_BEGIN, .round = round, .at = SG_MASTER});
    why = read_plan(p, rule->deadline, round ? again : rule->worker, rule->turn);
    for (int i = 0; round && !why && i < p->nodes; i++)
      if (again[i].work != rule->worker[i].work || again[i].bytes != rule->worker[i].bytes ||
          again[i].draws != rule->worker[i].draws)
        why = "workers' tasks change from round to round";
  }
  free(again);
  for (int i = 0; i < p->nodes; i++) rule->computing += rule->worker[i].tasks > 0;
  if (why) return refuse(e, why);
  return !p->failed && make_messages(p) ? SG_OK : sg_fail_memory(e);
}

/* --- Groups of workers ------------------------------------------------------------------------ */

static int root_of(int *parent, int i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

/* Joins workers that hold a part in common; group[i]: the least worker of i's group. */
static bool connect(const prober *p, int *group) {
  const sg_code *code = p->code;
  int all = code->parts + code->coded_parts;
  int *holder = malloc((size_t)all * sizeof *holder);
  if (!holder) return false;
  for (int i = 0; i < all; i++) holder[i] = -1;
  for (int i = 0; i < p->nodes; i++) group[i] = i;
  sg_row row = {0};
  bool ok = true;
  for (int i = 0; i < p->messages && ok; i++) {
    ok = sg_encode(code, sg_protocol_state(p->protocol), &p->message[i], &row);
    int from = p->message[i].from;
    for (int t = 0; t < row.n_terms; t++) {
      int part = row.term[t].part;
      if (holder[part] < 0) holder[part] = from;
      int a = root_of(group, holder[part]), b = root_of(group, from);
      group[a > b ? a : b] = a > b ? b : a;
    }
  }
  for (int i = 0; i < p->nodes; i++) group[i] = root_of(group, i);
  sg_row_free(&row);
  free(holder);
  return ok;
}

/* Orders of n things: ascending, descending, by strides, then at random. */
static void make_order(int number, int n, int *order) {
  int stride = number >= 2 && number < 8 ? number : 1, k = 0;
  for (int s = 0; s < stride; s++)
    for (int i = s; i < n; i += stride) order[k++] = i;
  if (number == 1)
    for (int i = 0; i < n; i++) order[i] = n - 1 - i;
  if (number < 8) return;
  sg_stream stream;
  for (int i = n - 1; i > 0; i--) {
    if (i == n - 1 || i % 60000 == 0)
      sg_stream_at(&stream, 1, (uint32_t)number, SG_FOR_CHECK, 0, 0, (uint32_t)(i / 60000));
    int j = (int)(sg_uniform(&stream) * (i + 1)), moved = order[i];
    order[i] = order[j];
    order[j] = moved;
  }
}

/* The others first, then n members in the order p->order. */
static int answers_after_others(prober *p, const sg_rule_group *g, int n) {
  int k = 0, m = 0;
  for (int i = 0; i < p->nodes; i++) {
    while (m < g->count && g->member[m] < i) m++;
    if (m == g->count || g->member[m] != i) p->list[k++] = i;
  }
  int others = k;
  for (int i = 0; i < n; i++) p->list[k++] = g->member[p->order[i]];
  return deliver(p, k, p->list) - others;
}

/* Sets g->need if all sampled orders end with one count. */
static void sample_count(prober *p, sg_rule_group *g, int groups) {
  int need = 0;
  bool few = (double)groups * p->nodes * (8 + RANDOM_ORDERS) > MOST_SAMPLED;
  for (int i = 0; i < 8 + RANDOM_ORDERS; i++) {
    if (few && i > 2 && i < 8 + RANDOM_ORDERS - 2) continue;
    make_order(i, g->count, p->order);
    int r = answers_after_others(p, g, g->count);
    if (r < 1 || r > g->count || (i && r != need)) return;
    need = r;
  }
  g->need = need;
}

/* Fills g->enough, and sets g->need if it is a count after all. What is enough stays so when more
 * answer; that the order does not matter is checked on the way. */
static sg_status enumerate(prober *p, sg_rule_group *g, sg_error *e) {
  size_t sets = (size_t)1 << g->count;
  g->enough = calloc(sets, 1);
  if (!g->enough) return sg_fail_memory(e);
  int least[2] = {g->count + 1, -1}; /* the fewest that are enough, the most that are not */
  for (size_t set = 0; set < sets; set++) {
    int n = 0;
    for (int i = 0; i < g->count && !g->enough[set]; i++)
      if (set >> i & 1) g->enough[set] = g->enough[set & ~((size_t)1 << i)];
    for (int i = 0; i < g->count; i++)
      if (set >> i & 1) p->order[n++] = i;
    if (!g->enough[set]) {
      g->enough[set] = answers_after_others(p, g, n) <= n;
      n = 0; /* the other way round */
      for (int i = g->count - 1; i >= 0; i--)
        if (set >> i & 1) p->order[n++] = i;
      if (set % 7 == 0 && g->enough[set] != (answers_after_others(p, g, n) <= n))
        return refuse(e, "the stop depends on the order of arrival");
    }
    if (g->enough[set] && n < least[0]) least[0] = n;
    if (!g->enough[set] && n > least[1]) least[1] = n;
  }
  if (!g->enough[sets - 1]) return refuse(e, "the answers of all workers are not enough");
  g->need = least[0] > least[1] ? least[0] : 0;
  return SG_OK;
}

/* of[i]: the least member of i's group. */
static void make_groups(sg_rule *rule, const int *of) {
  int *next = rule->member;
  rule->groups = 0;
  for (int i = 0; i < rule->workers; i++) {
    if (of[i] != i) continue;
    sg_rule_group *g = &rule->group[rule->groups++];
    *g = (sg_rule_group){.member = next};
    for (int j = i; j < rule->workers; j++)
      if (of[j] == i) g->member[g->count++] = j;
    next += g->count;
  }
}

/* Whether a few random sets are judged by the code as by its groups. */
static bool agrees(prober *p, const sg_rule *rule) {
  for (int number = 8; number < 8 + RANDOM_ORDERS; number++) {
    make_order(number, p->nodes, p->order);
    int n = 1 + (number * 7919) % p->nodes;
    memset(p->present, 0, (size_t)p->nodes * sizeof *p->present);
    for (int i = 0; i < n; i++) p->present[p->order[i]] = true;
    bool enough = true;
    for (int g = 0; g < rule->groups; g++) {
      const sg_rule_group *group = &rule->group[g];
      size_t set = 0;
      int have = 0;
      for (int i = 0; i < group->count; i++)
        if (p->present[group->member[i]]) {
          have++;
          if (group->enough) set |= (size_t)1 << i;
        }
      enough = enough && (group->need ? have >= group->need : group->enough[set]);
    }
    if ((deliver(p, n, p->order) <= n) != enough) return false;
  }
  return true;
}

/* Whether the default protocol counts messages, so that there is nothing to find out. */
static bool counts_by_construction(const sg_code *code) {
  return strcmp(code->policy->type->about.name, "count") == 0 && code->segments == 1 &&
         code->exact && !code->type->promises &&
         code->segment[0].need >= code->nodes - code->promised;
}

static sg_status find_groups(prober *p, sg_rule *rule, sg_error *e) {
  rule->basis = "construction";
  memset(p->order, 0, (size_t)p->nodes * sizeof *p->order);
  make_groups(rule, p->order); /* everybody in one */
  sample_count(p, rule->group, 1);
  if (rule->group->need && counts_by_construction(p->code)) return SG_OK;
  bool whole = rule->group->need;
  if (!whole) {
    if (!connect(p, p->order)) return sg_fail_memory(e);
    make_groups(rule, p->order);
  }
  rule->basis = "all subsets";
  for (int i = 0; i < rule->groups; i++) {
    sg_rule_group *g = &rule->group[i];
    if (!whole) sample_count(p, g, rule->groups);
    bool cheap = g->count <= MOST_ENUMERATED &&
                 ldexp(p->nodes, g->count) * rule->groups <= (g->need ? MOST_RUNS / 16 : MOST_RUNS);
    if (cheap) {
      sg_status status = enumerate(p, g, e);
      if (status) return status;
    } else if (g->need) {
      rule->basis = "sampled orders";
    } else if (g->count > MOST_ENUMERATED) {
      return sg_fail(e, SG_INVALID, NULL,
                     "which sets of %d workers are enough is enumerated up to %d workers only",
                     g->count, MOST_ENUMERATED);
    } else {
      return refuse(e, "there are too many groups whose sets would have to be enumerated");
    }
  }
  if (!agrees(p, rule)) return refuse(e, "the stop is not a conjunction of groups of workers");
  return SG_OK;
}

static void describe(sg_rule *rule) {
  int least = INT32_MAX, most = 0, alike = 1;
  for (int i = 0; i < rule->groups; i++) {
    const sg_rule_group *g = &rule->group[i];
    if (g->count < least) least = g->count;
    if (g->count > most) most = g->count;
    if (g->need != rule->group[0].need || g->count != rule->group[0].count) alike = 0;
  }
  const sg_rule_group *g = rule->group;
  size_t size = sizeof rule->text;
  if (rule->groups == 1 && g->need)
    snprintf(rule->text, size, "%d of %d", g->need, g->count);
  else if (rule->groups == 1)
    snprintf(rule->text, size, "response count, %d workers", g->count);
  else if (alike && g->need)
    snprintf(rule->text, size, "%d groups, %d of %d each", rule->groups, g->need, g->count);
  else if (alike)
    snprintf(rule->text, size, "%d groups of %d, by rank", rule->groups, g->count);
  else
    snprintf(rule->text, size, "%d groups of %d to %d", rule->groups, least, most);
}

static bool prober_init(prober *p, sg_rule *rule) {
  size_t n = (size_t)p->nodes;
  p->protocol = sg_protocol_new(p->code);
  p->decoder = sg_decoder_new(p->code);
  p->present = calloc(n, sizeof *p->present);
  p->first = calloc(4 * n, sizeof *p->first);
  rule->worker = calloc(n, sizeof *rule->worker);
  rule->group = calloc(n, sizeof *rule->group);
  rule->turn = calloc(2 * n, sizeof *rule->turn);
  if (!p->protocol || !p->decoder || !p->present || !p->first || !rule->worker || !rule->group ||
      !rule->turn)
    return false;
  p->sends = p->first + n;
  p->order = p->sends + n;
  p->list = p->order + n;
  rule->member = rule->turn + n;
  return true;
}

sg_status sg_rule_find(const sg_code *code, const sg_compressor *compressor,
                       sg_undecodable undecodable, sg_rule **out, sg_error *e) {
  *out = NULL;
  bool other = false;
  double deadline = sg_stop_deadline(code->policy, &other);
  const char *why = cannot(code);
  if (!why && !sg_compressor_fixed(compressor)) why = "the bits of messages depend on the data";
  if (!why && other) why = "the master's stop depends on the time of the first arrival";
  /* Without the sum a round goes on after its deadline, or ends the run. */
  if (!why && deadline < INFINITY && code->exact && undecodable != SG_UNDEC_SKIP)
    why = "what has come by the deadline may not determine the sum: expected stop.undecodable "
          "\"skip\"";
  if (why) return refuse(e, why);
  sg_rule *rule = calloc(1, sizeof *rule);
  if (!rule) return sg_fail_memory(e);
  *rule = (sg_rule){.workers = code->nodes, .deadline = deadline};
  prober p = {.code = code,
              .compressor = compressor,
              .nodes = code->nodes,
              .waits = undecodable == SG_UNDEC_WAIT};
  sg_status status = prober_init(&p, rule) ? SG_OK : sg_fail_memory(e);
  if (!status) status = read_rounds(&p, rule, e);
  if (!status) status = find_groups(&p, rule, e);
  if (p.failed) { /* then what was found out about the rule may be wrong */
    sg_error_clear(e);
    status = sg_fail_memory(e);
  }
  if (!status && p.refused_for_good)
    status = refuse(e, "some rounds are undecodable and end without an update");
  if (!status) describe(rule);
  prober_free(&p);
  if (status)
    sg_rule_free(rule);
  else
    *out = rule;
  return status;
}

void sg_rule_free(sg_rule *rule) {
  if (!rule) return;
  for (int i = 0; i < rule->groups; i++) free(rule->group[i].enough);
  free(rule->group);
  free(rule->worker);
  free(rule->turn); /* and member */
  free(rule);
}

/* --- Response counts -------------------------------------------------------------------------- */

bool sg_rule_responses(const sg_rule *rule, double *cumulative) {
  enum { MOST = 1000 }; /* binom(1000, 500) is still a double */
  int n = rule->workers;
  if (n > MOST) return false;
  for (int i = 0; i < n; i++)
    if (!rule->worker[i].answers) return false;
  double *product = calloc(2 * ((size_t)n + 1), sizeof *product);
  if (!product) return false;
  double *enough = product + n + 1;
  product[0] = 1;
  int degree = 0;
  for (int g = 0; g < rule->groups; g++) {
    const sg_rule_group *group = &rule->group[g];
    memset(enough, 0, ((size_t)group->count + 1) * sizeof *enough);
    if (group->need)
      for (int i = group->need; i <= group->count; i++)
        enough[i] = gsl_sf_choose((unsigned)group->count, (unsigned)i);
    else
      for (size_t set = 0; set < (size_t)1 << group->count; set++)
        if (group->enough[set]) enough[__builtin_popcountll(set)]++;
    for (int f = degree + group->count; f >= 0; f--) {
      double sum = 0;
      for (int i = 0; i <= group->count && i <= f; i++)
        if (f - i <= degree) sum += enough[i] * product[f - i];
      product[f] = sum;
    }
    degree += group->count;
  }
  for (int f = 0; f <= n; f++) cumulative[f] = product[f] / gsl_sf_choose((unsigned)n, (unsigned)f);
  free(product);
  return true;
}
