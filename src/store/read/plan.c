#include "store/read/plan.h"

#include "store/file/rollup_tables.h"

static bool narrow(struct span *window, const struct condition *item) {
  int64_t time = item->nvalues == 1 ? item->values[0].i : 0;
  int64_t after = time < INT64_MAX ? time + 1 : time;
  struct span s = {INT64_MIN, INT64_MAX};
  switch (item->op) {
  case OP_EQ: s = (struct span){time, after}; break;
  case OP_LT: s.to = time; break;
  case OP_LE: s.to = after; break;
  case OP_GT: s.from = after; break;
  case OP_GE: s.from = time; break;
  default: return false;
  }
  if (s.from > window->from)
    window->from = s.from;
  if (s.to < window->to)
    window->to = s.to;
  return true;
}

bool plan_window(const struct conditions *where, const struct schema *schema, struct span *window) {
  *window = (struct span){INT64_MIN, INT64_MAX};
  for (size_t i = 0; where != NULL && i < where->count; i++)
    if (where->items[i].column == schema->time && !narrow(window, &where->items[i]))
      return false;
  return true;
}

int plan_row_sign(const struct plan *plan, int64_t time) {
  for (size_t i = 0; i < plan->nrows; i++)
    if (time >= plan->rows[i].span.from && time < plan->rows[i].span.to)
      return plan->rows[i].sign;
  return 0;
}

static uint64_t distance(int64_t a, int64_t b) {
  return a < b ? (uint64_t) b - (uint64_t) a : (uint64_t) a - (uint64_t) b;
}

/* Since when each is complete, in microseconds; INT64_MAX: of no use to the question. */
struct reach {
  int64_t tiers[TIERS], rows;
};

static int64_t to_us(int64_t seconds) {
  return seconds == COVERS_EVER ? INT64_MIN : seconds * 1000000;
}

static struct reach reach_of(const struct coverage *coverage, const struct schema *schema,
                             const struct rollup_set *set, uint8_t tiers) {
  struct reach reach = {.rows = to_us(coverage->rows)};
  for (int tier = 0; tier < TIERS; tier++) {
    int64_t of_set = set != NULL ? coverage->sets[set - schema->sets][tier] : COVERS_EVER;
    int64_t since = coverage->tiers[tier] > of_set ? coverage->tiers[tier] : of_set;
    reach.tiers[tier] = tiers >> tier & 1 ? to_us(since) : INT64_MAX;
  }
  return reach;
}

/* Since when any of the cells is complete. */
static int64_t cells_reach(const struct reach *reach) {
  int64_t since = INT64_MAX;
  for (int tier = 0; tier < TIERS; tier++)
    since = reach->tiers[tier] < since ? reach->tiers[tier] : since;
  return since;
}

static int64_t earliest(const struct reach *reach) {
  int64_t cells = cells_reach(reach);
  return cells < reach->rows ? cells : reach->rows;
}

/* Moves an end of the window to where what is left can tell it: a whole cell further out.  Answers
 * since when what told it is complete. */
static int64_t snap(const struct reach *reach, int64_t *end, bool outwards_is_later) {
  if (reach->rows <= *end)
    return reach->rows;
  for (int tier = 0; tier < TIERS && *end != INT64_MIN; tier++) {
    int64_t width = tier_seconds[tier] * 1000000, floor = floor_to(*end, width);
    if (reach->tiers[tier] > floor)
      continue;
    *end = outwards_is_later && floor < *end ? floor + width : floor;
    return reach->tiers[tier];
  }
  if (*end < earliest(reach))
    *end = earliest(reach);
  return earliest(reach);
}

/* A whole cell's end near n.  What lies between is taken from what is complete since low. */
static int64_t nearest(int64_t n, int64_t width, int64_t low) {
  if (n == INT64_MIN || n == INT64_MAX)
    return n;
  int64_t floor = floor_to(n, width);
  return n - floor > width / 2 || (floor < n && floor < low) ? floor + width : floor;
}

static bool narrower_reaches(const struct reach *reach, int tier, int64_t from) {
  bool reaches = reach->rows <= from;
  while (--tier >= 0)
    reaches |= reach->tiers[tier] <= from;
  return reaches;
}

static void cover(struct plan *plan, const struct reach *reach, int tier, struct span window,
                  struct span low, int sign);

/* What lies between an end of the window and the wide cells that stand for it: too
 * little, or from > to, too much. */
static void cover_end(struct plan *plan, const struct reach *reach, int tier, struct span piece,
                      int64_t low, int sign) {
  struct span lows = {low, low};
  if (piece.from <= piece.to)
    cover(plan, reach, tier, piece, lows, sign);
  else
    cover(plan, reach, tier, (struct span){piece.to, piece.from}, lows, -sign);
}

/* Covers the window with the widest cells that fit, and what they leave open or
 * have too much at its ends with narrower ones, the rest with rows.  low: since when
 * that is complete which tells each end. */
static void cover(struct plan *plan, const struct reach *reach, int tier, struct span window,
                  struct span low, int sign) {
  if (window.from >= window.to)
    return;
  while (tier >= 0 && reach->tiers[tier] > window.from)
    tier--;
  if (tier < 0) {
    plan->rows[plan->nrows++] = (struct row_span){window, sign};
    return;
  }
  int64_t width = tier_seconds[tier] * 1000000;
  int64_t from = nearest(window.from, width, low.from), to = nearest(window.to, width, low.to);
  uint64_t left = distance(window.from, from) + distance(window.to, to);
  if ((from >= to || left >= distance(window.from, window.to)) &&
      narrower_reaches(reach, tier, window.from)) {
    cover(plan, reach, tier - 1, window, low, sign);
    return;
  }
  plan->cells[plan->ncells++] = (struct cell_span){(enum tier) tier, {from, to}, sign};
  cover_end(plan, reach, tier - 1, (struct span){window.from, from}, low.from, sign);
  cover_end(plan, reach, tier - 1, (struct span){to, window.to}, low.to, sign);
}

/* A measure that was declared later than the cells begin is not whole in them. */
static bool is_younger(const struct schema *schema, const struct coverage *coverage,
                       const struct question *question, const struct plan *plan) {
  int64_t since = COVERS_EVER;
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (question_wants(question, i) && coverage->measures[i] > since)
      since = coverage->measures[i];
  for (size_t i = 0; i < schema->nsketches; i++)
    if (question_wants_sketch(question, i) && coverage->sketches[i] > since)
      since = coverage->sketches[i];
  return plan->ncells > 0 && to_us(since) > plan->window.from;
}

/* Rows answer for what is older than all cells. */
static void cover_all(struct plan *plan, const struct reach *reach, struct span window) {
  struct span low, asked = window;
  low.from = snap(reach, &window.from, false);
  low.to = window.to == INT64_MAX ? INT64_MIN : snap(reach, &window.to, true);
  plan->window = window;
  plan->snapped = window.from != asked.from || window.to != asked.to;
  int64_t cells = cells_reach(reach);
  if (cells != INT64_MAX && window.from < cells && window.from < window.to) {
    int64_t to = cells < window.to ? cells : window.to;
    plan->rows[plan->nrows++] = (struct row_span){{window.from, to}, 1};
    window.from = to;
  }
  cover(plan, reach, TIERS - 1, window, low, 1);
}

static uint64_t columns_of(const int *by, size_t nby) {
  uint64_t columns = 0;
  for (size_t i = 0; i < nby; i++)
    columns |= UINT64_C(1) << by[i];
  return columns;
}

/* Cells must not straddle two buckets of the question. */
static bool fits_buckets(const struct question *question, int64_t tier_s) {
  for (size_t i = 0; i < question->nbounds; i++)
    if (question->bounds[i] % tier_s != 0)
      return false;
  return question->used_every_s % tier_s == 0;
}

static uint8_t usable_tiers(const struct rollup_set *set, const struct question *question) {
  uint8_t tiers = 0;
  for (int tier = 0; tier < TIERS; tier++)
    if (set->tiers >> tier & 1 && fits_buckets(question, tier_seconds[tier]))
      tiers |= (uint8_t) (1 << tier);
  return tiers;
}

/* One that reaches further back, as far as that is asked for; or is finer, or narrower. */
static bool is_better(const struct rollup_set *a, uint8_t a_tiers, int64_t a_from,
                      const struct rollup_set *b, uint8_t b_tiers, int64_t b_from) {
  if (b == NULL || a_from != b_from)
    return b == NULL || a_from < b_from;
  bool a_fine = a_tiers & 1 << TIER_MINUTE, b_fine = b_tiers & 1 << TIER_MINUTE;
  return a_fine != b_fine ? a_fine : a->nby < b->nby;
}

void plan_question(struct plan *plan, const struct schema *schema, const struct coverage *coverage,
                   const struct question *question, uint64_t columns, uint32_t usable,
                   struct span window) {
  *plan = (struct plan){0};
  uint64_t needed = columns | columns_of(question->by, question->nby);
  uint8_t tiers = 0;
  int64_t from = 0;
  for (size_t s = 0; s < schema->nsets; s++) {
    const struct rollup_set *set = &schema->sets[s];
    uint8_t set_tiers = usable_tiers(set, question);
    bool covers = (needed & ~columns_of(set->by, set->nby)) == 0;
    if (!(usable >> s & 1) || !covers || set_tiers == 0)
      continue;
    struct reach reach = reach_of(coverage, schema, set, set_tiers);
    int64_t set_from = earliest(&reach) > window.from ? earliest(&reach) : window.from;
    if (!is_better(set, set_tiers, set_from, plan->set, tiers, from))
      continue;
    plan->set = set;
    tiers = set_tiers;
    from = set_from;
  }
  struct reach reach = reach_of(coverage, schema, plan->set, tiers);
  cover_all(plan, &reach, window);
  plan->inexact = plan->snapped || is_younger(schema, coverage, question, plan);
}
