#include "hub/groups.h"
#include "hub/ring.h"
#include "hub_fixture.h"
#include "test.h"

static struct schema *schema;

static struct hub *hub_with(uint32_t events, size_t bytes) {
  struct hub *hub = hub_new(schema, &(struct hub_options){events, bytes, 2, 15000});
  hub_set_name(hub, "db", 100);
  hub_admit(hub); /* somebody listens */
  return hub;
}

static void publish_rows(struct hub *hub, int64_t from, int64_t to) {
  for (int64_t row = from; row <= to; row++)
    publish(hub, schema, "{\"request_id\":\"r\"}", row);
}

static void test_bounds(void) {
  struct hub *hub = hub_with(10, 1 << 20);
  struct stretch stretch;
  publish_rows(hub, 101, 125);
  hub_read(hub, 0, UINT64_MAX, STRETCH_BYTES, &stretch);
  CHECK(stretch.lost == 15 && stretch.from == 15 && stretch.to == 25 &&
        stretch.tail == 25 && stretch.count == 10);
  CHECK(stretch.events[0]->place.row == 116 && stretch.place.row == 125);
  stretch_clear(&stretch);
  hub_read(hub, 20, 22, STRETCH_BYTES, &stretch);
  CHECK(stretch.lost == 0 && stretch.count == 2 && stretch.place.row == 122);
  publish_rows(hub, 126, 140); /* what is held survives the ring */
  CHECK(stretch.events[0]->place.row == 121 &&
        strstr(stretch.events[0]->frame, "id: db-121-") == stretch.events[0]->frame);
  stretch_clear(&stretch);
  hub_read(hub, 40, UINT64_MAX, STRETCH_BYTES, &stretch);
  CHECK(stretch.lost == 0 && stretch.count == 0 && stretch.to == 40);
  hub_free(hub);

  hub = hub_with(1000, 20000);
  publish_rows(hub, 101, 200);
  struct hub_stats stats;
  hub_stats(hub, &stats);
  CHECK(stats.published == 100 && stats.ring_events > 10 && stats.ring_events < 100 &&
        stats.ring_bytes <= 20000);
  struct buf large = {0};
  buf_puts(&large, "{\"request_id\":\"");
  for (int i = 0; i < 30000; i++)
    buf_putc(&large, 'x');
  buf_append(&large, "\"}", 3);
  publish(hub, schema, large.data, 201);
  hub_stats(hub, &stats);
  CHECK(stats.ring_events == 1);
  buf_clear(&large);
  hub_free(hub);
}

static void test_silence(void) {
  struct hub *hub = hub_new(schema, &(struct hub_options){10, 1 << 20, 2, 15000});
  hub_set_name(hub, "db", 100);
  struct place before = {100, 0};
  struct resumption at;
  publish(hub, schema,
          "{\"type\":\"request_start\",\"request_id\":\"a\"}\n{\"request_id\":\"a\"}\n",
          101);
  hub_seek(hub, before, &at);
  CHECK(at.floor.row == 101 && at.gone == 1 && at.next == 2 && at.tail == 2);
  CHECK(hub_admit(hub) == 0 && hub_admit(hub) == 0 && hub_admit(hub) == UV_EMFILE);
  publish_rows(hub, 102, 104);
  hub_seek(hub, at.floor, &at);
  CHECK(at.floor.row == 101 && at.next == 2 && at.tail == 5);
  hub_dismiss(hub);
  hub_dismiss(hub);
  publish_rows(hub, 105, 105);
  hub_seek(hub, before, &at);
  CHECK(at.tail == 6 && at.first == 2);
  hub_free(hub);
}

static void test_places(void) {
  struct hub *hub = hub_with(100, 1 << 20);
  struct stretch stretch;
  publish(hub, schema,
          "{\"type\":\"request_start\",\"request_id\":\"a\"}\n{\"request_id\":\"a\"}\n{"
          "\"request_id\":\"b\"}\n",
          101);
  publish(hub, schema, "{\"request_id\":\"a\"}\n", 101); /* a merge: its row is an old one */
  hub_publish(hub, "mine", "{}", 2);
  publish(hub, schema, "{\"request_id\":\"c\"}\n", 103);
  hub_read(hub, 0, UINT64_MAX, STRETCH_BYTES, &stretch);
  CHECK(stretch.count == 6);
  int64_t n = stretch.events[0]->place.n - 1;
  static const struct {
    int64_t row, n;
  } expected[] = {{100, 1}, {101, 1}, {102, 1}, {102, 2}, {102, 3}, {103, 3}};
  for (size_t i = 0; i < 6; i++) {
    struct place place = stretch.events[i]->place;
    CHECK(place.row == expected[i].row && place.n == n + expected[i].n);
    struct resumption at;
    hub_seek(hub, place, &at);
    CHECK(at.next == i + 1 && at.gone == 0);

    char id[80];
    const char *frame = stretch.events[i]->frame + 4;
    size_t len = (size_t) (strchr(frame, '\n') - frame);
    memcpy(id, frame, len);
    id[len] = '\0';
    struct place read;
    CHECK(hub_parse_id(hub, id, &read) && read.row == place.row && read.n == place.n);
  }
  CHECK_BYTES(stretch.events[4]->frame + strcspn(stretch.events[4]->frame, "\n"),
              strlen("\ndata: {}\n\n"), "\ndata: {}\n\n");
  stretch_clear(&stretch);
  static const char *const foreign[] = {
      "",          "db",    "db-1",    "db--1",   "db-1-",
      "xdb-1-1",   "d-1-1", "db-1-1x", "db-1x-1", "db-1-99999999999999999999",
      "undefined", "--"};
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    struct place place;
    CHECK(!hub_parse_id(hub, foreign[i], &place));
  }
  hub_free(hub);
}

static struct conditions *text_condition(const char *column, enum condition_op op,
                                         const char *const *values, size_t n) {
  struct conditions *c = conditions_new();
  conditions_add(c, schema_column(schema, column, strlen(column)), op);
  for (size_t i = 0; i < n; i++)
    conditions_value_text(c, values[i], strlen(values[i]));
  return c;
}

static struct conditions *is(const char *column, const char *value) {
  return text_condition(column, OP_EQ, &value, 1);
}

static struct event *event(const char *json) {
  struct hub *hub = hub_with(4, 1 << 20);
  struct stretch stretch;
  publish(hub, schema, json, 101);
  hub_read(hub, 0, UINT64_MAX, STRETCH_BYTES, &stretch);
  struct event *e = event_ref(stretch.events[0]);
  stretch_clear(&stretch);
  hub_free(hub);
  return e;
}

/* How many groups an event hits, and whether g is one of them. */
static size_t hits(struct groups *groups, const char *json, const struct group *g, bool *hit) {
  size_t n = 0;
  struct event *e = event(json);
  groups_match(groups, e);
  *hit = false;
  while (groups->hit != NULL) {
    struct group *one = groups->hit;
    groups->hit = one->next_hit;
    *hit |= one == g;
    CHECK(one->nhits == 1);
    group_clear_hits(one);
    n++;
  }
  event_unref(e);
  return n;
}

static void test_groups(void) {
  struct groups groups = {.schema = schema};
  bool is_new, hit;
  const char *two[] = {"opus", "haiku"}, *same_two[] = {"haiku", "opus"};
  struct group *all = groups_join(&groups, "logs", NULL, &is_new);
  CHECK(is_new && groups_join(&groups, "logs", conditions_new(), &is_new) == all && !is_new);
  struct group *opus = groups_join(&groups, "logs", is("model", "opus"), &is_new);
  CHECK(is_new && groups_join(&groups, "logs", is("model", "opus"), &is_new) == opus && !is_new);
  struct group *either = groups_join(&groups, "logs",
                                     text_condition("model", OP_IN, two, 2), &is_new);
  CHECK(is_new &&
        groups_join(&groups, "logs", text_condition("model", OP_IN, same_two, 2),
                    &is_new) == either &&
        !is_new);
  struct group *not_opus = groups_join(&groups, "logs",
                                       text_condition("model", OP_NE, two, 1), &is_new);
  struct group *other_topic = groups_join(&groups, "mine", NULL, &is_new);
  CHECK(is_new);

  struct conditions *narrow = is("model", "opus");
  conditions_add(narrow, schema_column(schema, "status_code", 11), OP_GE);
  conditions_value(narrow, (union value){.i = 500});
  struct group *opus_errors = groups_join(&groups, "logs", narrow, &is_new);
  CHECK(is_new);

  /* an absent status passes every bound */
  CHECK(hits(&groups, "{\"model\":\"opus\"}", opus, &hit) == 4 && hit);
  CHECK(hits(&groups, "{\"model\":\"opus\",\"status_code\":503}", opus_errors, &hit) == 4 && hit);
  /* all, either, not_opus */
  CHECK(hits(&groups, "{\"model\":\"haiku\"}", either, &hit) == 3 && hit);
  CHECK(hits(&groups, "{\"model\":\"\"}", not_opus, &hit) == 2 && hit);
  /* all, not_opus */
  CHECK(hits(&groups, "{\"status_code\":503}", opus_errors, &hit) == 2 && !hit);
  /* never filtered */
  CHECK(hits(&groups, "{\"type\":\"request_error\"}", opus_errors, &hit) == 5 && hit);

  struct group *members[] = {all,    all,      opus,        opus,       either,
                             either, not_opus, other_topic, opus_errors};
  size_t gone = 0;
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    gone += groups_leave(&groups, members[i]);
  CHECK(gone == 6 && groups.topics == NULL);
}

static void test_many_groups(void) {
  struct groups groups = {.schema = schema};
  struct group *g[300];
  char model[32];
  bool is_new, hit;
  for (int i = 0; i < 300; i++) {
    snprintf(model, sizeof model, "model-%d", i / 2);
    struct conditions *c = is("model", model);
    conditions_add(c, schema_column(schema, "duration_ms", 11), OP_GE);
    conditions_value(c, (union value){.f = i % 2});
    g[i] = groups_join(&groups, "logs", c, &is_new);
    CHECK(is_new);
  }
  CHECK(hits(&groups, "{\"model\":\"model-77\",\"duration_ms\":5}", g[155], &hit) == 2 && hit);
  for (int i = 0; i < 300; i += 2)
    CHECK(groups_leave(&groups, g[i]));
  CHECK(hits(&groups, "{\"model\":\"model-77\",\"duration_ms\":5}", g[155], &hit) == 1 && hit);
  CHECK(hits(&groups, "{\"model\":\"model-77\",\"duration_ms\":0.5}", g[155], &hit) == 0 && !hit);
  for (int i = 1; i < 300; i += 2)
    CHECK(groups_leave(&groups, g[i]));
  CHECK(groups.topics == NULL);
}

int main(void) {
  schema = load_schema();
  test_bounds();
  test_silence();
  test_places();
  test_groups();
  test_many_groups();
  schema_free(schema);
  return TEST_END;
}
