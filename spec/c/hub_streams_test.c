#include "base/mem.h"
#include "http/connection.h"
#include "hub/subscriber.h"
#include "hub_fixture.h"
#include "loop/loop.h"
#include "test.h"

/* The streams of one loop against sockets and a storage that are made here. */

struct client {
  struct conn conn;
  struct buf got;
  bool full; /* the socket takes nothing more */
  size_t writes;
};

size_t conn_send(struct conn *c, struct payload *p, size_t offset) {
  struct client *client = container_of(c, struct client, conn);
  client->writes++;
  if (c->closing)
    return 0;
  buf_append(&client->got, p->data + offset, p->len - offset);
  if (client->full)
    c->queued_bytes += p->len - offset;
  return client->full ? 0 : p->len - offset;
}

void conn_close(struct conn *c, const char *why) {
  (void) why;
  if (c->closing)
    return;
  c->closing = true;
  c->on_close(c);
}

static int64_t stored_rows;
static struct schema *schema;

/* A storage of rows that have nothing but their numbers. */
struct reading {
  struct message done;
  struct hub_page page;
  struct batch *rows;
};

static void on_read(struct message *m) {
  struct reading *reading = container_of(m, struct reading, done);
  reading->page.done(reading->page.asker, reading->rows, "");
  batch_free(reading->rows);
  free(reading);
}

static void *read_page(void *arg, const struct hub_page *page) {
  (void) arg;
  struct reading *reading = xmalloc(sizeof *reading);
  *reading = (struct reading){.done.receive = on_read, .page = *page, .rows = batch_new(schema)};
  for (int64_t row = page->after + 1;
       row <= stored_rows && reading->rows->count < page->limit; row++) {
    struct record *r = batch_add(reading->rows);
    r->row = row;
    if (page->where != NULL && !conditions_match_row(page->where, schema, r, &reading->rows->text))
      batch_drop_last(reading->rows);
  }
  loop_post(page->loop, &reading->done);
  return reading;
}

static void cancel_page(void *reading) {
  (void) reading;
}

static struct loop loop;
static struct hub *hub;
static struct streams *streams;

static void turn(void) {
  for (int i = 0; i < 50; i++)
    uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static uint32_t max_subscribers = 10;

static void open_loop(uint32_t ring_events, int64_t heartbeat_ms) {
  hub = hub_new(schema, &(struct hub_options){ring_events, 1 << 20, max_subscribers, heartbeat_ms});
  hub_set_name(hub, "db", 0);
  hub_set_pages(hub, &(struct hub_pages){NULL, read_page, cancel_page});
  loop_init(&loop, 0);
  streams = streams_new(&loop, hub);
}

static void close_streams(void) {
  if (streams != NULL)
    streams_close(streams);
  streams = NULL;
}

static void close_loop(void) {
  close_streams();
  loop_close(&loop);
  uv_run(&loop.uv, UV_RUN_DEFAULT);
  CHECK(loop_clear(&loop) == 0);
  struct hub_stats stats;
  hub_stats(hub, &stats);
  CHECK(stats.subscribers == 0 && stats.groups == 0);
  hub_free(hub);
}

static void subscribe(struct client *c, const char *resume, struct conditions *where,
                      bool chunked) {
  buf_clear(&c->got);
  *c = (struct client){0};
  CHECK(streams_admit(streams) == 0);
  streams_subscribe(streams, &c->conn, &(struct subscription){
    .topic = "logs", .where = where, .hello = payload_copy("{\"hello\":1}", 11), .resume = resume,
    .connection_id = "01234567-89ab-cdef-0123-456789abcdef", .chunked = chunked});
}

static char *text(struct client *c) {
  buf_putc(&c->got, '\0');
  c->got.len--;
  return c->got.data;
}

static size_t count(struct client *c, const char *what) {
  size_t n = 0;
  for (const char *p = text(c); (p = strstr(p, what)) != NULL; p++)
    n++;
  return n;
}

static void drain(struct client *c) {
  c->full = false;
  c->conn.queued_bytes = 0;
  c->conn.on_drain(&c->conn);
}

/* The id that the client saw last. */
static void last_id(struct client *c, char *out, size_t size) {
  const char *at = NULL;
  for (const char *p = text(c); (p = strstr(p, "id: db-")) != NULL; p++)
    at = p + 4;
  snprintf(out, size, "%.*s", (int) strcspn(at, "\n"), at);
}

static int64_t dropped(struct client *c) {
  const char *at = strstr(text(c), "\"dropped\":");
  return at != NULL ? atoll(at + 10) : -1;
}

static void rows(int64_t from, int64_t to) {
  for (int64_t row = from; row <= to; row++) {
    char json[64];
    snprintf(json, sizeof json, "{\"request_id\":\"r%d\",\"model\":\"%s\"}", (int) row,
             row % 2 ? "odd" : "even");
    publish(hub, schema, json, row);
  }
  stored_rows = to;
}

static void leave(struct client *c) {
  conn_close(&c->conn, "gone");
  buf_clear(&c->got);
}

static struct conditions *model_is(const char *model) {
  struct conditions *c = conditions_new();
  conditions_add(c, schema_column(schema, "model", 5), OP_EQ);
  conditions_value_text(c, model, strlen(model));
  return c;
}

static void test_one_write_a_turn(void) {
  struct client a = {0}, b = {0}, old = {0};
  open_loop(100, 15000);
  subscribe(&a, NULL, NULL, true);
  subscribe(&b, NULL, model_is("odd"), true);
  subscribe(&old, NULL, NULL, false);
  CHECK(strncmp(text(&old), "id: db-0-", 9) == 0 &&
        strstr(text(&old), "\ndata: {\"hello\":1}\n\n") != NULL);
  a.got.len = old.got.len = b.got.len = 0;
  rows(1, 10);
  turn();
  CHECK(a.writes == 2 && b.writes == 2 && old.writes == 2);
  CHECK(count(&a, "\"request_complete\"") == 10 && count(&b, "\"request_complete\"") == 5);
  CHECK(count(&b, "\"odd\"") == 5);
  size_t len = strtoul(text(&a), NULL, 16);
  char *body = strchr(text(&a), '\n') + 1;
  CHECK(len == old.got.len && memcmp(body, old.got.data, len) == 0 &&
        strcmp(body + len, "\r\n") == 0);
  struct hub_stats stats;
  hub_stats(hub, &stats);
  CHECK(stats.subscribers == 3 && stats.groups == 2 && stats.delivered == 25);
  leave(&a);
  leave(&b);
  leave(&old);
  close_loop();
}

enum { MANY = 150 };

static size_t count_with(struct client *clients, size_t events) {
  size_t n = 0;
  for (int i = 0; i < MANY; i++)
    n += !clients[i].conn.closing && count(&clients[i], "\"request_complete\"") == events;
  return n;
}

/* So many writes take several turns, between which clients come, go and stop reading. */
static void test_many_take_turns(void) {
  static struct client many[MANY];
  struct client late = {0};
  max_subscribers = 200;
  open_loop(100, 15000);
  for (int i = 0; i < MANY; i++)
    subscribe(&many[i], NULL, NULL, true);
  turn();
  rows(1, 1);
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  size_t sent = count_with(many, 1);
  CHECK(sent > 0 && sent < MANY && count_with(many, 0) == MANY - sent);

  struct client *next = &many[MANY - 1 - sent], *slow = &many[0];
  CHECK(count(next, "\"request_complete\"") == 0 && count(next + 1, "\"request_complete\"") == 1);
  leave(next);
  slow->conn.queued_bytes = 1;
  subscribe(&late, NULL, NULL, true);
  rows(2, 2);
  turn();
  CHECK(count_with(many, 2) == MANY - 2 && count(slow, "\"request_complete\"") == 0);
  CHECK(count(&late, "\"r2\"") == 1);
  drain(slow);
  turn();
  CHECK(count(slow, "\"r1\"") == 1 && count(slow, "\"r2\"") == 1);

  rows(3, 3);
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  CHECK(count_with(many, 2) > 0);
  close_loop();
  for (int i = 0; i < MANY; i++) {
    CHECK(&many[i] == next ||
          (count(&many[i], "\"r3\"") == 1 && count(&many[i], "\"disconnect\"") == 1));
    buf_clear(&many[i].got);
  }
  buf_clear(&late.got);
  max_subscribers = 10;
}

static void test_slow_client(void) {
  struct client slow = {0}, odd = {0}, quick = {0};
  open_loop(20, 15000);
  subscribe(&slow, NULL, NULL, true);
  subscribe(&odd, NULL, model_is("odd"), true);
  subscribe(&quick, NULL, NULL, true);
  slow.full = odd.full = true;
  rows(1, 1);
  turn();
  for (int64_t row = 2; row <= 15; row++) {
    rows(row, row);
    turn();
  }
  CHECK(count(&slow, "\"request_complete\"") == 1 && count(&quick, "\"request_complete\"") == 15);
  drain(&slow);
  turn();
  CHECK(count(&slow, "\"request_complete\"") == 15 && count(&slow, "overflow") == 0);

  slow.full = true;
  for (int64_t row = 16; row <= 60; row++) {
    rows(row, row);
    turn();
  }
  CHECK(count(&slow, "\"request_complete\"") == 16);
  slow.got.len = 0;
  drain(&slow);
  drain(&odd);
  turn();
  CHECK(count(&slow, "\"request_complete\"") == 0 && dropped(&slow) == 44);
  CHECK(count(&odd, "\"request_complete\"") == 1 && dropped(&odd) == 29);
  rows(61, 61);
  turn();
  CHECK(count(&slow, "\"request_complete\"") == 1 && count(&slow, "overflow") == 1);
  CHECK(count(&quick, "\"request_complete\"") == 61 && count(&quick, "overflow") == 0);
  leave(&slow);
  leave(&odd);
  leave(&quick);
  close_loop();
}

static void test_loop_falls_off(void) {
  struct client a = {0};
  open_loop(20, 15000);
  subscribe(&a, NULL, NULL, true);
  rows(1, 100);
  turn();
  CHECK(dropped(&a) == 100 && count(&a, "\"request_complete\"") == 0);
  rows(101, 101);
  turn();
  CHECK(count(&a, "\"request_complete\"") == 1);
  leave(&a);
  close_loop();
}

static size_t count_row(struct client *c, int row) {
  static const char start[] = "\ndata: {\"type\":\"request_complete\"";
  char id[32];
  size_t n = 0;
  snprintf(id, sizeof id, "id: db-%d-", row);
  for (const char *p = text(c); (p = strstr(p, id)) != NULL; p++)
    n += strncmp(p + strcspn(p, "\n"), start, sizeof start - 1) == 0;
  return n;
}

static void check_rows(struct client *c, int from, int to) {
  for (int row = from; row <= to; row++)
    CHECK(count_row(c, row) == 1);
  CHECK(count(c, "\"request_complete\"") == (size_t) (to - from + 1));
}

static void test_resume(void) {
  struct client a = {0}, b = {0};
  char id[80];
  open_loop(200, 15000);
  subscribe(&a, NULL, NULL, true);
  rows(1, 5);
  turn();
  last_id(&a, id, sizeof id);
  rows(6, 9);
  subscribe(&b, id, NULL, true);
  turn();
  rows(10, 10);
  turn();
  check_rows(&b, 6, 10);
  CHECK(count(&b, "overflow") == 0 &&
        strncmp(strchr(text(&b), '\n') + 1, "data: {\"hello\"", 14) == 0);
  leave(&b);

  publish(hub, schema,
          "{\"type\":\"request_start\",\"request_id\":\"x\"}\n{\"type\":\"request_"
          "start\",\"request_id\":\"y\"}",
          0);
  rows(11, 700); /* 5 has long left the ring */
  turn();
  subscribe(&b, id, NULL, true);
  turn();
  rows(701, 702);
  turn();
  check_rows(&b, 6, 702);
  CHECK(dropped(&b) == 2 && count(&b, "overflow") == 1);
  leave(&b);

  subscribe(&b, id, model_is(""), true);
  turn();
  CHECK(count(&b, "\"request_complete\"") == 500 - 3);
  leave(&b);

  static const char *const foreign[] = {"other-1-1", "undefined", ""};
  for (size_t i = 0; i < 3; i++) {
    subscribe(&b, foreign[i], NULL, true);
    turn();
    CHECK(count(&b, "overflow") == 1 && count(&b, "\"request_complete\"") == 0);
    leave(&b);
  }
  subscribe(&b, "db-99999-9", NULL, true);
  turn();
  rows(703, 703);
  turn();
  CHECK(count(&b, "\"request_complete\"") == 1);
  leave(&b);
  leave(&a);
  close_loop();
}

/* Rows come while pages are on their way, more than the ring holds. */
static void test_resume_under_load(void) {
  struct client b = {0};
  open_loop(30, 15000);
  hub_admit(hub);
  rows(1, 500);
  subscribe(&b, "db-0-0", NULL, true);
  for (int64_t row = 501; row <= 900; row++) {
    rows(row, row);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    if (row % 50 == 0) {
      b.full = true;
      rows(row + 1, row + 1), row++;
      uv_run(&loop.uv, UV_RUN_NOWAIT);
      drain(&b);
    }
  }
  turn();
  check_rows(&b, 1, 901);
  CHECK(count(&b, "overflow") == 0);
  leave(&b);
  hub_dismiss(hub);
  close_loop();
}

static void test_gone_while_asking(void) {
  struct client b = {0};
  open_loop(10, 15000);
  rows(1, 100);
  subscribe(&b, "db-0-0", NULL, true);
  leave(&b);
  turn();
  close_loop();
}

static void test_heartbeat(void) {
  struct client a = {0};
  open_loop(10, 40);
  subscribe(&a, NULL, NULL, false);
  a.got.len = 0;
  uint64_t end = uv_hrtime() + TEST_SECONDS * 1000000000ull;
  while (a.got.len == 0 && uv_hrtime() < end)
    uv_run(&loop.uv, UV_RUN_ONCE);
  CHECK(strncmp(text(&a), "id: db-0-", 9) == 0 &&
        strstr(text(&a), "\n\n") == a.got.data + a.got.len - 2);
  CHECK(count(&a, "data") == 0);
  leave(&a);
  close_loop();
}

static void test_stuck_client(void) {
  struct client stuck = {0}, slow = {0};
  open_loop(10, 40);
  subscribe(&stuck, NULL, NULL, true);
  subscribe(&slow, NULL, NULL, true);
  stuck.conn.queued_bytes = slow.conn.queued_bytes = 1;
  rows(1, 1);
  turn();
  CHECK(((struct subscriber *) stuck.conn.owner)->state == SUBSCRIBER_BEHIND);
  ((struct subscriber *) stuck.conn.owner)->progress_ms -= 31000;
  ((struct subscriber *) slow.conn.owner)->progress_ms -= 1000;
  uint64_t end = uv_hrtime() + TEST_SECONDS * 1000000000ull;
  while (!stuck.conn.closing && uv_hrtime() < end)
    uv_run(&loop.uv, UV_RUN_ONCE);
  CHECK(stuck.conn.closing && !slow.conn.closing);
  leave(&stuck);
  leave(&slow);
  close_loop();
}

static void test_close(void) {
  struct client a = {0}, slow = {0};
  open_loop(10, 15000);
  subscribe(&a, NULL, NULL, true);
  subscribe(&slow, NULL, model_is("x"), true);
  slow.full = true;
  slow.conn.queued_bytes = 1;
  close_streams();
  CHECK(strstr(text(&a),
               "data: {\"type\":\"disconnect\",\"message\":\"Stream "
               "disconnected\",\"connection_id\":"
               "\"01234567-89ab-cdef-0123-456789abcdef\",\"timestamp\":") != NULL);
  CHECK(strcmp(a.got.data + a.got.len - 7, "\r\n0\r\n\r\n") == 0);
  CHECK(a.conn.closing && slow.conn.closing && count(&slow, "disconnect") == 0);
  CHECK(streams_admit(streams) == UV_ECANCELED);
  buf_clear(&a.got);
  buf_clear(&slow.got);
  close_loop();
}

static void test_limit(void) {
  struct client c[10] = {0};
  open_loop(10, 15000);
  for (int i = 0; i < 10; i++)
    subscribe(&c[i], NULL, NULL, true);
  CHECK(streams_admit(streams) == UV_EMFILE);
  leave(&c[0]);
  CHECK(streams_admit(streams) == 0);
  streams_subscribe(streams, NULL, &(struct subscription){.topic = "logs"});
  CHECK(streams_admit(streams) == 0 && streams_admit(streams) == UV_EMFILE);
  streams_subscribe(streams, NULL, &(struct subscription){.topic = "logs"});
  for (int i = 1; i < 10; i++)
    leave(&c[i]);
  close_loop();
}

int main(void) {
  schema = load_schema();
  test_one_write_a_turn();
  test_many_take_turns();
  test_slow_client();
  test_loop_falls_off();
  test_resume();
  test_resume_under_load();
  test_gone_while_asking();
  test_heartbeat();
  test_stuck_client();
  test_close();
  test_limit();
  schema_free(schema);
  return TEST_END;
}
