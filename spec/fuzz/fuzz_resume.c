#include "fuzz.h"
#include "http/connection.h"
#include "hub/subscriber.h"
#include "hub_fixture.h"
#include "loop/loop.h"

/* Last-Event-ID: whatever a client says that it saw, it gets events and no more of them
 * than there are.  Input: the id. */

enum { EVENTS = 12, RING = 8 };

static struct loop loop;
static struct hub *hub;
static struct streams *streams;
static struct schema *schema;
static struct buf got;

/* The socket: takes everything. */
size_t conn_send(struct conn *c, struct payload *p, size_t offset) {
  if (!c->closing)
    buf_append(&got, p->data + offset, p->len - offset);
  return p->len - offset;
}

void conn_close(struct conn *c, const char *why) {
  (void) why;
  if (c->closing)
    return;
  c->closing = true;
  c->on_close(c);
}

/* The ring lies where no leak checker looks. */
static void free_hub(void) {
  hub_free(hub);
}

/* A storage of rows that have nothing but their numbers. */
static struct {
  bool wanted;
  struct hub_page page;
} reading;

static void *read_page(void *arg, const struct hub_page *page) {
  (void) arg;
  reading.wanted = true;
  reading.page = *page;
  return &reading;
}

static void cancel_page(void *handle) {
  (void) handle;
}

static void give_page(void) {
  struct batch *rows = batch_new(schema);
  for (int64_t row = reading.page.after; row++ < EVENTS && rows->count < reading.page.limit;)
    batch_add(rows)->row = row;
  reading.wanted = false;
  reading.page.done(reading.page.asker, rows, NULL);
  batch_free(rows);
}

static void open_hub(void) {
  schema = load_schema();
  hub = hub_new(schema, &(struct hub_options){RING, 1 << 20, 4, 1000000});
  hub_set_name(hub, "db", 0);
  hub_set_pages(hub, &(struct hub_pages){NULL, read_page, cancel_page});
  loop_init(&loop, 0);
  streams = streams_new(&loop, hub);
  atexit(free_hub);
}

static void subscribe(struct conn *c, const char *resume) {
  FUZZ_CHECK(streams_admit(streams) == 0);
  streams_subscribe(streams, c, &(struct subscription){
    .topic = "logs", .resume = resume,
    .connection_id = "01234567-89ab-cdef-0123-456789abcdef"});
}

static size_t count(const char *what) {
  size_t n = 0;
  buf_putc(&got, '\0');
  for (const char *p = got.data; (p = strstr(p, what)) != NULL; p++)
    n++;
  return n;
}

static void turns(void) {
  for (int i = 0; i < 4; i++) {
    if (reading.wanted)
      give_page();
    uv_run(&loop.uv, UV_RUN_NOWAIT);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  if (hub == NULL) {
    struct conn first = {0};
    open_hub();
    subscribe(&first, NULL); /* so that the ring keeps what is published */
    for (int i = 1; i <= EVENTS; i++)
      publish(hub, schema, "{\"model\":\"m\"}", i);
    conn_close(&first, "");
  }
  char *id = fuzz_text(fuzz_input(bytes, size));
  struct conn c = {0};
  got.len = 0;
  subscribe(&c, id);
  turns();
  FUZZ_CHECK(count("\ndata: ") <= EVENTS);
  conn_close(&c, "");
  turns(); /* a page that was on its way is over */
  free(id);
  return 0;
}
