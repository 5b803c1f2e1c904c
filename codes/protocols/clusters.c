/* SPDX-License-Identifier: MIT */
/* Gradient coding in clusters, static and dynamic (Buyukates, Ozfatura, Ulukus, Gündüz 2020,
 * arXiv:2011.01922 and 2103.01206; a reconstruction from the abstracts).
 *
 * P clusters of n/P workers (⌊n/P⌋ or one more) each own a share of the data in proportion to their
 * size, cut into as many parts as they have places. Who is at a place holds the part of that place
 * and the s after it, round the cluster, and sends their combination by the matrix of cyclic.h: a
 * cluster is done when all but s of its workers have answered, the master when all clusters are.
 *
 * Dynamic: each worker stores the data of h clusters, its own in the static assignment and the
 * h − 1 after it, so that it can take any place of these. Before each iteration the stragglers of
 * the last one, as far as the master saw them (those that had not answered when it ended, or with
 * them those that came last, P s in all), are dealt to the clusters so that Σ (number of them in a
 * cluster)² is as small as the storage allows: counts differ by at most one where that can be had.
 * Such an assignment is a flow of least cost from workers to clusters; it is reached from the last
 * one by cancelling cycles of negative cost, so that few workers move. A worker that moves takes
 * the place of another that does. Its code is then that of its place; it is told so by a small
 * message. */
#include "codes/frame/protocol.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/groups.h"

#include <math.h>
#include <string.h>

#define ROWS_CLUSTERS                                                                              \
  SG_ROW_INT("clusters", 1, SG_UNBOUNDED, "number of clusters, whose sizes differ by one at most", \
             .flags = SG_REQUIRED),                                                                \
      SG_ROW_INT("s", 0, SG_UNBOUNDED,                                                             \
                 "stragglers tolerated in each cluster; a worker computes s + 1 of n shares",      \
                 .flags = SG_REQUIRED),                                                            \
      SG_ROW_CHOICE("grouping", sg_grouping_names, SG_IN_ORDER,                                    \
                    "who is in a cluster at first: workers that follow one another, or by known "  \
                    "speed, so that slow workers are spread over the clusters")

static const sg_param params[] = {ROWS_CLUSTERS, {0}};
static const char *const memories[] = {"unanswered", "slowest", NULL};
enum { UNANSWERED, SLOWEST };
static const sg_param params_dynamic[] = {
    ROWS_CLUSTERS,
    SG_ROW_INT("stored", 1, SG_UNBOUNDED,
               "clusters whose data a worker stores (h), so that it can be in any of them",
               .fallback = 2),
    SG_ROW_CHOICE("stragglers", memories, UNANSWERED,
                  "whom the master remembers: the workers that had not answered when the last "
                  "iteration ended, of which a cluster has s at most; or with them those that came "
                  "last, s for each cluster in all"),
    {0}};

typedef struct tables {
  sg_groups groups;
  int s, stored;
  int remembered; /* so many workers at least count as stragglers */
  int *first; /* count + 1: the first place of each cluster; a place's number is that of its part */
  int *home;  /* per worker: its place in the static assignment */
  int *column;          /* count × n: of each worker in the code of each cluster, −1; static */
  sg_cyclic *cyclic[2]; /* of the smaller and the larger clusters */
} tables;

/* What has come in this round: round_size bytes, and all of the static code's state. */
typedef struct progress {
  int come;
  int complete; /* clusters */
  int have[];   /* per cluster: answers */
} progress;

/* Of the dynamic code, behind it. Nodes of the graph of moves: cluster c, and S(c) = count + c,
 * through which stragglers get into and out of it. */
typedef struct assignment {
  int *place;  /* per worker */
  int *column; /* as in the tables */
  int *late;   /* per cluster: stragglers of the last round */
  double *distance;
  int *mover, *from; /* per node: by whose move it was reached, −1: by nobody's; from which node */
  int *around;       /* nodes of a cycle */
  int *come;         /* per worker: its number of arrival in this round, from 1; 0: not yet */
  unsigned char *slow, *moved; /* per worker: a straggler of the last round; since then */
} assignment;

static size_t rounded(size_t bytes) {
  size_t step = sizeof(double);
  return (bytes + step - 1) / step * step;
}

static size_t progress_size(const tables *t) {
  return rounded(sizeof(progress) + (size_t)t->groups.count * sizeof(int));
}

/* Where things are in the state; returns how large it is. */
static size_t lay_out(const tables *t, void *state, assignment *a) {
  size_t n = (size_t)t->groups.workers, count = (size_t)t->groups.count, nodes = 2 * count;
  size_t ints = 2 * n + count * n + count + 3 * nodes;
  char *at = state ? (char *)state + progress_size(t) : NULL;
  size_t size = progress_size(t) + nodes * sizeof(double) + ints * sizeof(int) + 2 * n;
  if (!at) return size;
  a->distance = (double *)(void *)at;
  a->place = (int *)(void *)(a->distance + nodes);
  a->column = a->place + n;
  a->late = a->column + count * n;
  a->mover = a->late + count;
  a->from = a->mover + nodes;
  a->around = a->from + nodes;
  a->come = a->around + nodes;
  a->slow = (unsigned char *)(a->come + n);
  a->moved = a->slow + n;
  return size;
}

static assignment of_state(const tables *t, const void *state) {
  assignment a = {0};
  lay_out(t, (void *)(uintptr_t)state, &a); /* what is read of a constant state is constant */
  return a;
}

static bool is_dynamic(const tables *t) {
  return t->stored > 1;
}

static const int *places(const tables *t, const void *state) {
  return is_dynamic(t) ? of_state(t, state).place : t->home;
}

static int size_of(const tables *t, int cluster) {
  return t->first[cluster + 1] - t->first[cluster];
}

static const sg_cyclic *code_of(const tables *t, int cluster) {
  return t->cyclic[size_of(t, cluster) > t->groups.least];
}

/* The larger clusters are the first. */
static int cluster_at(const tables *t, int place) {
  const sg_groups *g = &t->groups;
  int most = g->larger ? g->least + 1 : g->least, larger = g->larger * most;
  return place < larger ? place / most : g->larger + (place - larger) / g->least;
}

/* --- Making ----------------------------------------------------------------------------------- */

static sg_status make_tables(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  sg_groups *g = &t->groups;
  size_t n = (size_t)g->workers, count = (size_t)g->count;
  t->first = sg_code_alloc(code, count + 1, sizeof *t->first);
  t->home = sg_code_alloc(code, n, sizeof *t->home);
  t->column = sg_code_alloc(code, count * n, sizeof *t->column);
  if (!t->first || !t->home || !t->column) return sg_fail_memory(e);
  for (int c = 0; c < g->count; c++) t->first[c + 1] = t->first[c] + sg_group_size(g, c);
  for (size_t i = 0; i < count * n; i++) t->column[i] = -1;
  for (int i = 0; i < g->workers; i++) {
    t->home[i] = t->first[g->group[i]] + g->position[i];
    t->column[g->group[i] * g->workers + i] = g->position[i];
  }
  for (int k = 0; k < 2; k++) {
    int size = k ? g->most : g->least;
    t->cyclic[k] = t->cyclic[0];
    if (k && size == g->least) break;
    sg_status status = sg_cyclic_new(code, values, size, t->s, code->shape.seed, &t->cyclic[k], e);
    if (status) return status;
  }
  return SG_OK;
}

extern const sg_code_type sg_dynamic_clusters;

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  long count = sg_int(values, "clusters"), s = sg_int(values, "s"), h = 1;
  if (code->type == &sg_dynamic_clusters) h = sg_int(values, "stored");
  if (count > n)
    return sg_fail_at(e, values, "clusters", "expected at most n = %d clusters, found %ld", n,
                      count);
  if (s >= n / count)
    return sg_fail_at(e, values, "s",
                      "expected s below the size of the smallest cluster (0 to %ld: %ld clusters "
                      "of %d workers), found %ld",
                      n / count - 1, count, n, s);
  if (h > count)
    return sg_fail_at(e, values, "stored",
                      "expected at most as many clusters as there are (1 to %ld), found %ld", count,
                      h);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->s = (int)s;
  t->stored = (int)h;
  sg_status status = sg_groups_make(code, (int)count, sg_choice(values, "grouping"), &t->groups, e);
  if (!status) status = make_tables(code, t, values, e);
  if (status) return status;
  code->parts = n;
  code->promised = t->s;
  code->round_size = code->state_size = progress_size(t);
  if (is_dynamic(t)) {
    if (sg_choice(values, "stragglers") == SLOWEST) t->remembered = t->groups.count * t->s;
    code->state_size = lay_out(t, NULL, NULL);
    code->flags |= SG_REMEMBERS;
    code->load = (double)shape->subsets / n * (double)(s + 1);
    double copies = 0;
    for (int i = 0; i < n; i++)
      for (int k = 0; k < t->stored; k++)
        copies += (double)size_of(t, (t->groups.group[i] + k) % t->groups.count) / n;
    code->stored = copies;
  }
  return sg_code_one_segment(code, values, "s", 1, n - t->s * t->groups.count, e);
}

/* --- Who is where ----------------------------------------------------------------------------- */

static void put(const tables *t, const assignment *a, int worker, int place) {
  int n = t->groups.workers, cluster = cluster_at(t, place);
  a->column[cluster_at(t, a->place[worker]) * n + worker] = -1;
  a->place[worker] = place;
  a->column[cluster * n + worker] = place - t->first[cluster];
}

/* What a node's next straggler adds to the cost, or its last one has added. */
static double marginal(int late) {
  return 2.0 * late + 1;
}

static bool shorten(const assignment *a, int from, int to, double length, int mover) {
  if (!(a->distance[from] + length < a->distance[to] - 0.5)) return false; /* whole numbers */
  a->distance[to] = a->distance[from] + length;
  a->from[to] = from;
  a->mover[to] = mover;
  return true;
}

/* One pass over the moves that there are: a straggler from S(c) to S(d), another worker from c to
 * d; a straggler fewer in c, from c to S(c), and one more, from S(c) to c. Returns a node whose
 * distance became less, −1. */
static int pass(const tables *t, const assignment *a) {
  const sg_groups *g = &t->groups;
  int count = g->count, changed = -1;
  for (int i = 0; i < g->workers; i++) {
    int here = cluster_at(t, a->place[i]), side = a->slow[i] ? count : 0;
    for (int k = 0; k < t->stored; k++) {
      int there = (g->group[i] + k) % count;
      if (there != here && shorten(a, side + here, side + there, 0, i)) changed = side + there;
    }
  }
  for (int c = 0; c < count; c++) {
    if (a->late[c] > 0 && shorten(a, c, count + c, -marginal(a->late[c] - 1), -1))
      changed = count + c;
    if (shorten(a, count + c, c, marginal(a->late[c]), -1)) changed = c;
  }
  return changed;
}

/* Moves the workers of a cycle of negative cost; false: there is none (Bellman and Ford). */
static bool improve(const tables *t, const assignment *a) {
  int nodes = 2 * t->groups.count, node = 0, length = 0;
  for (int v = 0; v < nodes; v++) {
    a->distance[v] = 0;
    a->from[v] = a->mover[v] = -1;
  }
  for (int round = 0; round < nodes && node >= 0; round++) node = pass(t, a);
  if (node < 0) return false;
  for (int k = 0; k < nodes; k++) node = a->from[node]; /* onto the cycle, wherever it began */
  int first = node;
  do {
    a->around[length++] = node;
    node = a->from[node];
  } while (node != first);
  int last = 0; /* the mover whose place the first one takes: the places go round the cycle */
  for (int k = 0; k < length; k++)
    if (a->mover[a->around[k]] >= 0) last = a->mover[a->around[k]];
  for (int k = 0, open = a->place[last]; k < length; k++) {
    int mover = a->mover[a->around[k]];
    if (mover < 0) continue;
    int left = a->place[mover];
    a->late[cluster_at(t, left)] -= a->slow[mover];
    a->late[cluster_at(t, open)] += a->slow[mover];
    put(t, a, mover, open);
    a->moved[mover] = 1;
    open = left; /* for the one before it on the cycle, which enters where it has left */
  }
  return true;
}

static bool is_balanced(const tables *t, const assignment *a) {
  int least = a->late[0], most = a->late[0];
  for (int c = 1; c < t->groups.count; c++) {
    if (a->late[c] < least) least = a->late[c];
    if (a->late[c] > most) most = a->late[c];
  }
  return most <= least + 1;
}

static void begin_round(const sg_code *code, void *state, int round) {
  const tables *t = code->self;
  if (!is_dynamic(t)) return;
  assignment a = of_state(t, state);
  size_t n = (size_t)t->groups.workers, count = (size_t)t->groups.count;
  memset(a.moved, 0, n);
  if (round == 0) {
    memcpy(a.place, t->home, n * sizeof *a.place);
    memcpy(a.column, t->column, count * n * sizeof *a.column);
  } else {
    memset(a.late, 0, count * sizeof *a.late);
    for (size_t i = 0; i < n; i++) {
      a.slow[i] = a.come[i] == 0 || a.come[i] > t->groups.workers - t->remembered;
      a.late[cluster_at(t, a.place[i])] += a.slow[i];
    }
    while (!is_balanced(t, &a) && improve(t, &a)) continue;
  }
  memset(a.come, 0, n * sizeof *a.come);
}

/* --- Rounds ----------------------------------------------------------------------------------- */

/* Who has moved is told to which cluster. */
static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  double work = (double)code->shape.subsets / t->groups.workers * (t->s + 1);
  if (is_dynamic(t)) {
    const assignment a = of_state(t, state);
    for (int i = 0; i < t->groups.workers; i++)
      if (a.moved[i]) sg_tell(o, i, cluster_at(t, a.place[i]));
  }
  sg_task(o, SG_ALL, snapshot, work, work < 1 ? 1 : (int)lround(work), 0);
  sg_send(o, SG_ALL, SG_MASTER, snapshot, 0, 0, 0);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int place = places(t, row->state)[message->from], cluster = cluster_at(t, place);
  int first = t->first[cluster], size = size_of(t, cluster), own = place - first;
  const double *coef = code_of(t, cluster)->coef + own * (t->s + 1);
  for (int k = 0; k <= t->s; k++) sg_row_part(row, first + (own + k) % size, 0, coef[k]);
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  progress *p = state;
  int cluster = cluster_at(t, places(t, state)[message->from]);
  if (is_dynamic(t)) of_state(t, state).come[message->from] = ++p->come;
  int come = ++p->have[cluster], need = size_of(t, cluster) - t->s;
  p->complete += come == need;
  if (p->complete == t->groups.count) return SG_READY;
  return come > need ? SG_SKIP : SG_WAIT;
}

/* Cluster by cluster. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  const int *column = is_dynamic(t) ? of_state(t, used->state).column : t->column;
  sg_decode_info *info = used->info, all = *info;
  for (int c = 0; c < t->groups.count; c++) {
    *info = (sg_decode_info){.cond1 = 1, .alpha_error = NAN, .alpha_sum = NAN};
    sg_status status =
        sg_parity_weights(code_of(t, c)->parity, used, 0, column + c * t->groups.workers);
    if (status) return status;
    all.cond1 = fmax(all.cond1, info->cond1);
    all.flops += info->flops;
  }
  *info = all;
  return SG_OK;
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  for (int c = 0; c < t->groups.count; c++) {
    int missing = 0;
    for (int i = 0; i < t->groups.workers; i++) missing += t->groups.group[i] == c && !present[i];
    if (missing > t->s) return false;
  }
  return true;
}

const sg_code_type sg_clustered = {
    .about = {.name = "clustered",
              .brief = "cyclic repetition inside clusters",
              .summary = "Clusters of workers with cyclic repetition inside (GC-SC): any s "
                         "stragglers in each cluster, load s + 1.",
              .reference = "Ozfatura, Gündüz, Ulukus (2019), arXiv:1903.01974, and Buyukates, "
                           "Ozfatura, Ulukus, Gündüz (2020), arXiv:2011.01922 (abstracts "
                           "published; construction derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .arrive = arrive,
};

/* What is promised holds in every round, wherever workers are. */
const sg_code_type sg_dynamic_clusters = {
    .about = {.name = "dynamic-clusters",
              .brief = "clusters formed anew by who straggled",
              .summary =
                  "Clusters that are formed anew in each iteration, so that the workers that "
                  "straggled in the last one are spread over them (GC-DC).",
              .reference = "Buyukates, Ozfatura, Ulukus, Gündüz (2020), arXiv:2011.01922, "
                           "2103.01206 (abstracts published; a reconstruction).",
              .params = params_dynamic},
    .create = create,
    .encode = encode,
    .weights = weights,
    .begin_round = begin_round,
    .plan = plan,
    .arrive = arrive,
};
