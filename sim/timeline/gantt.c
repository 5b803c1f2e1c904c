/* SPDX-License-Identifier: MIT */
/* One iteration, or a few, as a Gantt chart: a row for the master, for each inner node and for each
 * worker. What came to nothing is hatched, so that it is told apart without colour. */
#include "results/pictures/svg.h"
#include "sim/timeline/timeline.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 900, LEFT = 112, RIGHT = 826, MASTER_HEIGHT = 30 };

/* The colours of what is drawn; numbers of series in the style sheet. */
enum { COMPUTE = 0, SEND = 1, DECODE = 2, WORD = 3, ENCODE = 4, RECEIVE = 5 };

typedef enum hatch { WHOLE, UNUSED, CANCELLED } hatch;

/* What occurs, so that the legend has nothing else. */
typedef struct seen {
  bool compute, unused, cancelled, send, encode, way, came, late, decode, update, model, down, word,
      receive, uses, lost;
} seen;

typedef struct picture {
  const sg_timeline *t;
  sg_buffer *out;
  double top, row, height; /* of the rows; of a row; of all */
  int inner;               /* inner nodes */
  bool tips;               /* there are not too many */
  seen seen;
} picture;

/* --- Places ----------------------------------------------------------------------------------- */

static double x_of(const picture *p, double time_s) {
  const sg_timeline *t = p->t;
  double length_s = t->end_s - t->begin_s;
  double share = length_s > 0 ? (time_s - t->begin_s) / length_s : 0;
  return LEFT + (RIGHT - LEFT) * fmin(fmax(share, 0), 1);
}

static bool is_inside(const picture *p, double time_s) {
  return time_s >= p->t->begin_s && time_s <= p->t->end_s;
}

/* The upper edge of a node's row: the master, inner nodes, workers. */
static double y_of(const picture *p, int node) {
  if (node == SG_MASTER) return p->top;
  int place = node < p->t->workers ? node + p->inner : node - p->t->workers;
  return p->top + MASTER_HEIGHT + p->row * place;
}

static double link_y(const picture *p, int node) {
  return y_of(p, node) + 0.72 * p->row;
}

/* --- Marks ------------------------------------------------------------------------------------ */

/* "worker 3 computes, 1.25 to 3.5 s" */
static void put_tip(const picture *p, int node, const char *what, double begin_s, double end_s) {
  if (!p->tips) return;
  sg_buffer text = {0};
  sg_put_node(p->t, node, &text);
  sg_putf(&text, " %s, ", what);
  sg_put_figure(&text, begin_s - p->t->begin_s, 4);
  sg_put(&text, " to ");
  sg_put_figure(&text, end_s - p->t->begin_s, 4);
  sg_put(&text, " s");
  sg_put(p->out, "<title>");
  sg_put_xml(p->out, text.data);
  sg_put(p->out, "</title>");
  p->out->failed |= text.failed;
  sg_buffer_free(&text);
}

static void put_rect(sg_buffer *out, double x, double y, double width, double height) {
  sg_put(out, "<rect");
  sg_put_svg_number(out, "x", x);
  sg_put_svg_number(out, "y", y);
  sg_put_svg_number(out, "width", width);
  sg_put_svg_number(out, "height", height);
}

static void put_bar(sg_buffer *out, double x, double y, double width, double height,
                    const char *color, hatch how) {
  put_rect(out, x, y, width, height);
  sg_putf(out, " class=\"%s\"/>", color);
  if (how == WHOLE) return;
  put_rect(out, x, y, width, height);
  sg_putf(out, " fill=\"url(#t-%s)\"/>", how == UNUSED ? "unused" : "cancelled");
}

/* At least so wide that it is seen. */
static void bar(const picture *p, int node, const char *what, double begin_s, double end_s,
                double y, double height, const char *color, hatch how) {
  if (isnan(begin_s) || end_s < p->t->begin_s || begin_s > p->t->end_s) return;
  double x = x_of(p, begin_s), width = fmax(x_of(p, end_s) - x, 0.6);
  sg_put(p->out, "<g>");
  put_tip(p, node, what, begin_s, end_s);
  put_bar(p->out, x, y, width, height, color, how);
  sg_put(p->out, "</g>\n");
}

/* --- What nodes do ---------------------------------------------------------------------------- */

static void draw_span(picture *p, const sg_span *s) {
  if (s->node < 0) return; /* timers are at the master, which knows */
  double y = y_of(p, s->node), middle = y + 0.33 * p->row;
  switch (s->kind) {
  case SG_LOG_TASK: {
    hatch how = s->cut ? CANCELLED : s->used ? WHOLE : UNUSED;
    p->seen.compute |= how == WHOLE;
    p->seen.unused |= how == UNUSED;
    p->seen.cancelled |= how == CANCELLED;
    bar(p, s->node,
        how == WHOLE    ? "computes"
        : how == UNUSED ? "computes what is not used"
                        : "computes until it is cancelled",
        s->begin_s, s->end_s, y + 0.1 * p->row, 0.46 * p->row, "sg-f0", how);
    break;
  }
  case SG_LOG_DOWN:
    p->seen.down = true;
    bar(p, s->node, "is down", s->begin_s, s->end_s, y + 0.2 * p->row, 0.26 * p->row, "sg-muted",
        CANCELLED);
    break;
  case SG_LOG_MODEL:
    if (!(s->end_s > s->begin_s)) break;
    p->seen.model = true;
    sg_put_svg_line(p->out, x_of(p, s->begin_s), middle, x_of(p, s->end_s), middle,
                    "class=\"sg-axis\" stroke-dasharray=\"1 2\"");
    break;
  case SG_LOG_SIGNAL:
  case SG_LOG_COMMAND:
  case SG_LOG_CANCEL: {
    if (!is_inside(p, s->begin_s)) break;
    p->seen.word = true;
    double x1 = x_of(p, s->begin_s), x2 = x_of(p, s->end_s), bottom = y + 0.95 * p->row;
    sg_put_svg_line(p->out, x1, bottom, x2, bottom,
                    s->cut ? "class=\"sg-bar sg-c3\" stroke-dasharray=\"2 2\""
                           : "class=\"sg-bar sg-c3\"");
    sg_put_svg_line(p->out, x1, bottom - 0.35 * p->row, x1, bottom, "class=\"sg-bar sg-c3\"");
    break;
  }
  default: break;
  }
}

/* A message: encoded, on the link, on its way, there. */
static void draw_message(picture *p, const sg_sent *s) {
  double y = link_y(p, s->from), height = 0.26 * p->row, r = fmin(0.17 * p->row, 3.2);
  hatch how = s->fate == SG_FATE_USED ? WHOLE : s->fate == SG_FATE_CANCELLED ? CANCELLED : UNUSED;
  if (s->ready_s > s->prepare_s) {
    p->seen.encode = true;
    bar(p, s->from, s->from < p->t->workers ? "encodes" : "decodes and encodes", s->prepare_s,
        s->ready_s, y - height / 2, height, "sg-f4", how);
  }
  if (!isnan(s->link_s)) {
    p->seen.send = true;
    p->seen.unused |= how == UNUSED;
    p->seen.cancelled |= how == CANCELLED;
    char what[64] = "sends, ";
    strcat(what, sg_fate_words[s->fate]);
    if (s->off_s > s->link_s)
      bar(p, s->from, what, s->link_s, s->off_s, y - height / 2, height, "sg-f1", how);
  }
  if (s->lost && is_inside(p, s->ready_s)) {
    p->seen.lost = true;
    double x = x_of(p, s->ready_s);
    sg_put_svg_line(p->out, x - r, y - r, x + r, y + r, "class=\"sg-ring\"");
    sg_put_svg_line(p->out, x - r, y + r, x + r, y - r, "class=\"sg-ring\"");
  }
  if (isnan(s->delivered_s)) return;
  if (s->delivered_s > s->off_s && s->off_s < p->t->end_s) {
    p->seen.way = true;
    sg_put_svg_line(p->out, x_of(p, s->off_s), y, x_of(p, s->delivered_s), y,
                    s->fate == SG_FATE_USED ? "class=\"sg-bar sg-c1\""
                                            : "class=\"sg-bar sg-c1\" stroke-dasharray=\"3 3\"");
  }
  if (!is_inside(p, s->delivered_s)) return;
  bool used = s->fate == SG_FATE_USED;
  p->seen.came |= used;
  p->seen.late |= !used;
  sg_put(p->out, "<circle");
  sg_put_svg_number(p->out, "cx", x_of(p, s->delivered_s));
  sg_put_svg_number(p->out, "cy", y);
  sg_put_svg_number(p->out, "r", r);
  sg_putf(p->out, " class=\"%s\"/>\n", used ? "sg-f1" : "sg-ring");
}

/* Lines from where messages came to what used them. */
static void draw_uses(picture *p) {
  const sg_timeline *t = p->t;
  const char *look = t->n_used <= 100 ? "class=\"sg-thin sg-c5\" stroke-opacity=\".7\""
                                      : "class=\"sg-thin sg-c5\" stroke-opacity=\".25\"";
  for (int i = 0; i < t->n_decodes; i++) {
    const sg_decoding *d = &t->decode[i];
    for (int k = 0; k < d->n_used && d->iteration >= 0; k++) {
      const sg_sent *s = sg_timeline_sent(t, t->used[d->first_used + k]);
      if (!s || s->to != SG_MASTER || isnan(s->delivered_s)) continue;
      p->seen.uses = true;
      sg_put_svg_line(p->out, x_of(p, s->delivered_s), link_y(p, s->from), x_of(p, d->begin_s),
                      p->top + 0.62 * MASTER_HEIGHT, look);
    }
  }
  for (int i = 0; i < t->n_sent; i++) {
    const sg_sent *s = &t->sent[i], *made = s->into >= 0 ? sg_timeline_sent(t, s->into) : NULL;
    if (!made || isnan(s->delivered_s)) continue;
    p->seen.uses = true;
    sg_put_svg_line(p->out, x_of(p, s->delivered_s), link_y(p, s->from), x_of(p, made->prepare_s),
                    link_y(p, made->from), look);
  }
}

static void draw_master(picture *p) {
  const sg_timeline *t = p->t;
  double y = p->top + 0.1 * MASTER_HEIGHT, height = 0.5 * MASTER_HEIGHT;
  for (int i = 0; t->fifo && i < t->n_sent; i++) {
    const sg_sent *s = &t->sent[i];
    if (s->to != SG_MASTER || !(s->delivered_s > s->taken_s)) continue;
    p->seen.receive = true;
    bar(p, SG_MASTER, "receives", s->taken_s, s->delivered_s, p->top + 0.68 * MASTER_HEIGHT,
        0.22 * MASTER_HEIGHT, "sg-f5", s->fate == SG_FATE_USED ? WHOLE : UNUSED);
  }
  for (int i = 0; i < t->n_decodes; i++) {
    const sg_decoding *d = &t->decode[i];
    p->seen.decode = true;
    p->seen.update |= d->end_s > d->decoded_s;
    bar(p, SG_MASTER, d->iteration < 0 ? "cannot decode" : "decodes", d->begin_s, d->decoded_s, y,
        height, "sg-f2", d->iteration < 0 ? CANCELLED : WHOLE);
    if (d->end_s > d->decoded_s)
      bar(p, SG_MASTER, "updates the model", d->decoded_s, d->end_s, y + 0.25 * height,
          0.5 * height, "sg-f2", WHOLE);
    double x = x_of(p, d->begin_s);
    sg_put_svg_line(p->out, x, p->top, x, y + height + 3, "class=\"sg-line sg-c2\"");
  }
}

/* --- Around it -------------------------------------------------------------------------------- */

static void draw_frame(picture *p) {
  const sg_timeline *t = p->t;
  sg_buffer *out = p->out;
  double bottom = p->top + p->height;
  sg_ticks ticks;
  sg_find_ticks(0, t->end_s - t->begin_s, false, 7, &ticks);
  for (int i = 0; i < ticks.n; i++) {
    double x = x_of(p, t->begin_s + ticks.at[i]);
    sg_put_svg_line(out, x, p->top, x, bottom, "class=\"sg-grid\"");
    sg_put_svg_text(out, x, bottom + 16, "sg-small", "middle", ticks.text[i], 13, 0);
  }
  sg_put_svg_line(out, LEFT, bottom, RIGHT, bottom, "class=\"sg-axis\"");
  sg_put_svg_line(out, LEFT, p->top + MASTER_HEIGHT, RIGHT, p->top + MASTER_HEIGHT,
                  "class=\"sg-axis\"");
  for (long k = t->first; k < t->last; k++)
    sg_put_svg_line(out, x_of(p, t->row_end[k]), p->top, x_of(p, t->row_end[k]), bottom,
                    "class=\"sg-ref\"");
  sg_buffer title = {0};
  sg_putf(&title, "simulated time since the beginning of iteration %ld (s)", t->first);
  sg_put_svg_text(out, (LEFT + RIGHT) / 2.0, bottom + 36, NULL, "middle", title.data, 14, 0);
  out->failed |= title.failed;
  sg_buffer_free(&title);
}

/* All names, or every tenth where rows are thin. */
static void draw_names(const picture *p) {
  const sg_timeline *t = p->t;
  bool all = p->row >= 12;
  sg_put_svg_text(p->out, LEFT - 8, p->top + 0.5 * MASTER_HEIGHT, "sg-small", "end", "master", 13,
                  LEFT - 10);
  for (int v = 0; v < t->nodes; v++) {
    int place = v < t->workers ? v : v - t->workers;
    if (!all && place % 10 != 0) continue;
    sg_buffer name = {0};
    sg_put_node(t, v, &name);
    sg_put_svg_text(p->out, LEFT - 8, y_of(p, v) + 0.5 * p->row + 4,
                    p->row >= 16 ? "sg-small" : "sg-cell", "end", name.data, 13, LEFT - 10);
    p->out->failed |= name.failed;
    sg_buffer_free(&name);
  }
}

/* At the right: which number its first message had that came. Of several rounds each has its own.
 */
static void draw_orders(const picture *p) {
  const sg_timeline *t = p->t;
  bool any = false;
  if (t->barrier && t->last > t->first) return;
  for (int v = 0; v < t->nodes; v++) {
    const sg_sent *first = NULL;
    for (int i = 0; i < t->n_sent; i++) {
      const sg_sent *s = &t->sent[i];
      bool counts = s->from == v && s->order > 0 && is_inside(p, s->delivered_s);
      if (counts && (!first || s->delivered_s < first->delivered_s)) first = s;
    }
    if (!first || (p->row < 12 && v % 10 != 0)) continue;
    char text[16];
    any = true;
    snprintf(text, sizeof text, "%d", first->order);
    sg_put_svg_text(p->out, RIGHT + 44, y_of(p, v) + 0.5 * p->row + 4,
                    p->row >= 16 ? "sg-small" : "sg-cell", "end", text, 13, 0);
  }
  if (any)
    sg_put_svg_text(p->out, RIGHT + 8, p->top + 0.5 * MASTER_HEIGHT, "sg-small sg-muted", "start",
                    "arrival", 13, WIDTH - RIGHT - 8);
}

/* --- Legend ----------------------------------------------------------------------------------- */

typedef struct legend {
  double x, y;
} legend;

/* Room for a sample and its text; the next line where there is none. */
static void entry(const picture *p, legend *l, const char *text, double *x, double *y) {
  double width = 34 + sg_svg_text_width(text, 13) + 14;
  if (l->x > LEFT && l->x + width > WIDTH - 4) {
    l->x = LEFT;
    l->y += 20;
  }
  *x = l->x;
  *y = l->y;
  sg_put_svg_text(p->out, l->x + 34, l->y + 4, "sg-small", "start", text, 13, 0);
  l->x += width;
}

static void bar_entry(const picture *p, legend *l, bool there, const char *text, const char *color,
                      hatch how) {
  double x, y;
  if (!there) return;
  entry(p, l, text, &x, &y);
  put_bar(p->out, x, y - 5, 26, 10, color, how);
  sg_put(p->out, "\n");
}

static void line_entry(const picture *p, legend *l, bool there, const char *text,
                       const char *attributes) {
  double x, y;
  if (!there) return;
  entry(p, l, text, &x, &y);
  sg_put_svg_line(p->out, x, y, x + 26, y, attributes);
}

static void dot_entry(const picture *p, legend *l, bool there, const char *text,
                      const char *class_name) {
  double x, y;
  if (!there) return;
  entry(p, l, text, &x, &y);
  sg_put(p->out, "<circle");
  sg_put_svg_number(p->out, "cx", x + 13);
  sg_put_svg_number(p->out, "cy", y);
  sg_putf(p->out, " r=\"3.2\" class=\"%s\"/>\n", class_name);
}

/* Returns the lower edge. */
static double draw_legend(const picture *p, double y) {
  const seen *s = &p->seen;
  legend l = {.x = LEFT, .y = y};
  bar_entry(p, &l, s->compute, "computing", "sg-f0", WHOLE);
  bar_entry(p, &l, s->send, "sending", "sg-f1", WHOLE);
  bar_entry(p, &l, s->encode, "encoding", "sg-f4", WHOLE);
  bar_entry(p, &l, s->receive, "receiving", "sg-f5", WHOLE);
  bar_entry(p, &l, s->decode, s->update ? "decoding, updating" : "decoding", "sg-f2", WHOLE);
  bar_entry(p, &l, s->unused, "not used", "sg-f0", UNUSED);
  bar_entry(p, &l, s->cancelled, "cancelled", "sg-f0", CANCELLED);
  bar_entry(p, &l, s->down, "down", "sg-muted", CANCELLED);
  line_entry(p, &l, s->model, "model on its way", "class=\"sg-axis\" stroke-dasharray=\"1 2\"");
  line_entry(p, &l, s->way, "message on its way", "class=\"sg-bar sg-c1\"");
  dot_entry(p, &l, s->came, "arrives", "sg-f1");
  dot_entry(p, &l, s->late, "arrives and is not used", "sg-ring");
  line_entry(p, &l, s->uses, "used by", "class=\"sg-thin sg-c5\"");
  line_entry(p, &l, s->word, "signal or cancel", "class=\"sg-bar sg-c3\"");
  if (s->lost) {
    double x, at;
    entry(p, &l, "lost", &x, &at);
    sg_put_svg_line(p->out, x + 9, at - 4, x + 17, at + 4, "class=\"sg-ring\"");
    sg_put_svg_line(p->out, x + 9, at + 4, x + 17, at - 4, "class=\"sg-ring\"");
  }
  return l.y + 14;
}

/* --- The whole -------------------------------------------------------------------------------- */

/* What the picture says in words: of the first decode, by how many messages, and whose came last.
 */
static void put_summary(const sg_timeline *t, sg_buffer *out) {
  for (int i = 0; i < t->n_decodes; i++) {
    const sg_decoding *d = &t->decode[i];
    if (d->iteration != t->first) continue;
    const sg_sent *last = NULL;
    int came = 0;
    for (int k = 0; k < d->n_used; k++) {
      const sg_sent *s = sg_timeline_sent(t, t->used[d->first_used + k]);
      if (s && s->to == SG_MASTER && (!last || s->delivered_s > last->delivered_s)) last = s;
    }
    for (int k = 0; k < t->n_sent; k++)
      came += t->sent[k].to == SG_MASTER && t->sent[k].delivered_s <= d->begin_s &&
              t->sent[k].fate != SG_FATE_LATE;
    sg_put(out, "Decoded after ");
    sg_put_figure(out, d->begin_s - t->begin_s, 4);
    sg_putf(out, " s with %d message%s", d->n_direct, d->n_direct == 1 ? "" : "s");
    if (came > d->n_direct) sg_putf(out, " of %d that had come", came);
    if (last) {
      sg_put(out, "; the last one is of ");
      sg_put_node(t, last->from, out);
    }
    return;
  }
  sg_putf(out, "Iteration %ld was skipped", t->first);
}

static void put_title(const sg_timeline *t, sg_buffer *out) {
  sg_putf(out, "%s: iteration", t->label);
  if (t->last > t->first)
    sg_putf(out, "s %ld to %ld", t->first, t->last);
  else
    sg_putf(out, " %ld", t->first);
  sg_putf(out, " of run %lld (%s, replication %d)", t->run_id, t->scenario, t->replication);
}

static void put_patterns(sg_buffer *out) {
  sg_put(out,
         "<defs><pattern id=\"t-unused\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
         "patternTransform=\"rotate(45)\"><path d=\"M1 0V5\" class=\"sg-halo\"/></pattern>"
         "<pattern id=\"t-cancelled\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" "
         "patternTransform=\"rotate(45)\"><path d=\"M1 0V4M0 1H4\" class=\"sg-halo\"/>"
         "</pattern></defs>\n");
}

void sg_put_gantt(const sg_timeline *t, sg_buffer *out) {
  sg_buffer body = {0}, title = {0}, summary = {0};
  int nodes = t->nodes;
  picture p = {.t = t,
               .out = &body,
               .top = 62,
               .row = nodes <= 16    ? 26
                      : nodes <= 40  ? 18
                      : nodes <= 100 ? 12
                                     : 6,
               .inner = nodes - t->workers,
               .tips = t->n_spans + t->n_sent <= 6000};
  p.height = MASTER_HEIGHT + p.row * nodes;
  put_title(t, &title);
  put_summary(t, &summary);
  draw_frame(&p);
  draw_names(&p);
  for (int i = 0; i < t->n_spans; i++) draw_span(&p, &t->span[i]);
  draw_uses(&p);
  for (int i = 0; i < t->n_sent; i++) draw_message(&p, &t->sent[i]);
  draw_master(&p);
  draw_orders(&p);
  double height = draw_legend(&p, p.top + p.height + 62);

  sg_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sg\" viewBox=\"0 0 ");
  sg_putf(out, "%d ", WIDTH);
  sg_put_coordinate(out, height);
  sg_putf(out, "\" width=\"%d\"", WIDTH);
  sg_put_svg_number(out, "height", height);
  sg_put(out, " role=\"img\" aria-labelledby=\"t-t t-d\">\n<title id=\"t-t\">");
  sg_put_xml(out, title.data);
  sg_put(out, "</title>\n<desc id=\"t-d\">");
  sg_put_xml(out, summary.data);
  sg_put(out, "</desc>\n<style>\n");
  sg_put_svg_style(out);
  sg_put(out, "</style>\n");
  put_patterns(out);
  put_rect(out, 0, 0, WIDTH, height);
  sg_put(out, " class=\"sg-paper\"/>\n");
  sg_put_svg_text(out, 8, 22, "sg-title", "start", title.data ? title.data : "", 16, WIDTH - 16);
  sg_put_svg_text(out, 8, 44, "sg-small sg-muted", "start", summary.data ? summary.data : "", 13,
                  WIDTH - 16);
  sg_put(out, body.data ? body.data : "");
  sg_put(out, "</svg>\n");
  out->failed |= body.failed || title.failed || summary.failed;
  sg_buffer_free(&body);
  sg_buffer_free(&title);
  sg_buffer_free(&summary);
}
