#include "net/call.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/inflate.h"
#include "net/pool.h"
#include "net/room.h"
#include "net/trust.h"

enum {
  CALLS_MAX = 20000, /* of a loop */
  HEADERS_MAX = 64 << 10,
  HELD_BYTES = 64 << 10,      /* of a response that nobody takes, and of a request on its way */
  ALL_HELD_BYTES = 256 << 20, /* of all responses of a loop */
  KEEP_MS = 30000,
};

struct call {
  struct net *net;
  struct origin *origin;
  struct link *link; /* NULL: not any more */
  call_wake wake;
  void *owner;

  struct buf out;         /* of the request, until the link is open */
  bool chunked, finished; /* finished: the request is whole */
  int64_t left;           /* bytes promised and not yet written */

  llhttp_t parser;
  bool head_only; /* the response to HEAD has no body */
  bool opened, has_head, ended, keeps;
  int status;
  struct buf headers; /* see call_headers */
  struct buf body;    /* raw where an inflater works when it is taken */
  struct inflater *inflater;
  bool inflates;
  size_t max_bytes, held; /* held: of the body, as the net counts it */

  int64_t first_byte_ms, idle_ms, moved_ms, until_ms; /* the last two in loop time */
  struct net_fault fault;
  struct call *next, **prev; /* in net->calls */
};

/* llhttp's callbacks: they note what they see */

static struct call *owner_of(llhttp_t *parser) {
  return parser->data;
}

static int add_to_headers(struct call *c, const char *at, size_t len) {
  if (c->headers.len + len > HEADERS_MAX) {
    net_fault_set(&c->fault, NET_TOO_LARGE, "%s: the headers of its response are too long",
                  c->origin->host);
    return -1;
  }
  buf_append(&c->headers, at, len);
  return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len) {
  struct call *c = owner_of(parser);
  size_t start = c->headers.len;
  if (c->has_head) /* a trailer */
    return 0;
  if (add_to_headers(c, at, len) < 0)
    return -1;
  for (size_t i = start; i < c->headers.len; i++)
    if (c->headers.data[i] >= 'A' && c->headers.data[i] <= 'Z')
      c->headers.data[i] |= 0x20;
  return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len) {
  struct call *c = owner_of(parser);
  return c->has_head ? 0 : add_to_headers(c, at, len);
}

static int end_header_part(llhttp_t *parser) {
  if (!owner_of(parser)->has_head)
    buf_putc(&owner_of(parser)->headers, '\0');
  return 0;
}

static const char *header(const struct call *c, const char *name) {
  for (size_t at = 0; at < c->headers.len;) {
    const char *field = c->headers.data + at, *value = field + strlen(field) + 1;
    if (strcmp(field, name) == 0)
      return value;
    at = (size_t) (value + strlen(value) + 1 - c->headers.data);
  }
  return "";
}

static int on_headers_complete(llhttp_t *parser) {
  struct call *c = owner_of(parser);
  if (parser->status_code == 101) {
    net_fault_set(&c->fault, NET_PROTOCOL, "%s: it switches to a protocol that nobody asked for",
                  c->origin->host);
    return -1;
  }
  if (parser->status_code < 200) { /* an interim one goes before the one that counts */
    c->headers.len = 0;
    return 0;
  }
  c->status = parser->status_code;
  c->has_head = true;
  bool bodyless = c->head_only || c->status == 204 || c->status == 304; /* RFC 9112, 6.3 */
  if (c->inflates && !bodyless)
    c->inflater = inflater_new(header(c, "content-encoding"));
  return bodyless ? 1 : 0;
}

static int too_large(struct call *c) {
  net_fault_set(&c->fault, NET_TOO_LARGE, "%s: its response has more than max_bytes, %zu",
                c->origin->host, c->max_bytes);
  return -1;
}

static int garbled(struct call *c) {
  net_fault_set(&c->fault, NET_PROTOCOL, "%s: the body is not what its Content-Encoding makes",
                c->origin->host);
  return -1;
}

/* Counts what the body has become. */
static int count_held(struct call *c) {
  c->net->held_bytes += c->body.len - c->held;
  c->held = c->body.len;
  if (c->max_bytes > 0 && c->body.len > c->max_bytes)
    return too_large(c);
  if (c->net->held_bytes <= ALL_HELD_BYTES)
    return 0;
  net_fault_set(&c->fault, NET_TOO_LARGE, "%s: the responses of all calls together are too large",
                c->origin->host);
  return -1;
}

static int inflate_whole(struct call *c, const char *at, size_t len) {
  for (size_t used; len > 0; at += used, len -= used) {
    if (!inflater_take(c->inflater, at, len, &used, &c->body, HELD_BYTES))
      return garbled(c);
    if (count_held(c) < 0)
      return -1;
  }
  return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  struct call *c = owner_of(parser);
  if (c->max_bytes > 0 && c->inflater != NULL)
    return inflate_whole(c, at, len);
  buf_append(&c->body, at, len);
  return count_held(c);
}

static int on_message_complete(llhttp_t *parser) {
  struct call *c = owner_of(parser);
  c->ended = c->has_head;
  c->keeps = c->ended && llhttp_should_keep_alive(parser);
  if (c->ended && c->max_bytes > 0 && c->inflater != NULL && !inflater_is_done(c->inflater))
    return garbled(c);
  return c->ended ? HPE_PAUSED : 0;
}

static const llhttp_settings_t parser_settings = {
    .on_header_field = on_header_field,
    .on_header_field_complete = end_header_part,
    .on_header_value = on_header_value,
    .on_header_value_complete = end_header_part,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* Ends a second before the other side's promise does. */
static int64_t keep_ms(const struct call *c) {
  const char *timeout = strcasestr(header(c, "keep-alive"), "timeout=");
  if (timeout == NULL)
    return KEEP_MS;
  long promised_s = strtol(timeout + 8, NULL, 10);
  if (promised_s > KEEP_MS / 1000)
    return KEEP_MS;
  return promised_s > 1 ? (promised_s - 1) * 1000 : 0;
}

/* Lets the connection go: to the next call, or closed. */
static void release_link(struct call *c, bool keep) {
  struct link *l = c->link;
  c->link = NULL;
  if (l == NULL)
    return;
  SSL_SESSION *session = link_take_session(l);
  if (session != NULL) {
    SSL_SESSION_free(c->origin->session);
    c->origin->session = session;
  }
  if (keep && keep_ms(c) > 0)
    pool_keep(c->net, c->origin, l, keep_ms(c));
  else
    link_close(l);
}

static void fail_call(struct call *c) {
  release_link(c, false);
  c->wake(c, c->owner);
}

static void fail_with(struct call *c, enum net_reason reason, const char *why) {
  net_fault_set(&c->fault, reason, "%s:%u: %s", c->origin->host, c->origin->port, why);
  fail_call(c);
}

/* What llhttp made of bytes, or of the end. */
static void look_at(struct call *c, llhttp_errno_t rc, bool at_end, size_t spare) {
  bool fine = rc == HPE_OK || (rc == HPE_PAUSED && c->ended);
  if (!fine && c->fault.reason != NET_FINE)
    fail_call(c);
  else if (at_end && !c->ended)
    fail_with(c, NET_CLOSED,
              c->has_head ? "the connection was closed within the response's body"
                          : "the connection was closed before the response");
  else if (!fine)
    fail_with(c, NET_PROTOCOL, llhttp_get_error_reason(&c->parser));
  else {
    if (c->ended)
      release_link(c,
                   c->keeps && spare == 0 && !at_end && c->finished && link_queued(c->link) == 0);
    else if (c->max_bytes == 0 && c->body.len > HELD_BYTES)
      link_pause(c->link);
    c->wake(c, c->owner);
  }
}

static void on_received(struct link *l, const char *data, size_t len) {
  struct call *c = link_owner(l);
  c->moved_ms = net_now_ms(c->net);
  llhttp_errno_t rc = len > 0 ? llhttp_execute(&c->parser, data, len) : llhttp_finish(&c->parser);
  size_t spare =
      rc == HPE_PAUSED && len > 0 ? (size_t) (data + len - llhttp_get_error_pos(&c->parser)) : 0;
  look_at(c, rc, len == 0, spare);
}

static void on_failed(struct link *l, const struct net_fault *fault) {
  struct call *c = link_owner(l);
  c->fault = *fault;
  fail_call(c);
}

static void on_drained(struct link *l) {
  struct call *c = link_owner(l);
  c->moved_ms = net_now_ms(c->net);
  c->wake(c, c->owner);
}

static void send_request(struct call *c) {
  c->opened = true;
  c->moved_ms = net_now_ms(c->net);
  link_write(c->link, c->out.data, c->out.len);
  buf_clear(&c->out);
}

static void on_opened(struct link *l) {
  struct call *c = link_owner(l);
  send_request(c);
  c->wake(c, c->owner);
}

static const struct link_events events = {
    .opened = on_opened, .received = on_received, .drained = on_drained, .failed = on_failed};

static void write_head(struct call *c, const struct call_options *o) {
  char authority[AUTHORITY_MAX];
  struct buf *out = &c->out;
  const struct url *url = o->url;
  url_authority(url, authority);
  buf_printf(out, "%s %s", o->method, url->target_len > 0 && *url->target == '/' ? "" : "/");
  buf_append(out, url->target, url->target_len);
  buf_printf(out, " HTTP/1.1\r\nHost: %s\r\n", authority);
  buf_append(out, o->headers, o->headers_len);
  if (o->inflates)
    buf_literal(out, "Accept-Encoding: gzip\r\n");
  if (c->chunked)
    buf_literal(out, "Transfer-Encoding: chunked\r\n");
  else if (o->kind == CALL_STREAMED)
    buf_printf(out, "Content-Length: %lld\r\n", (long long) o->streamed_length);
  else if (o->kind == CALL_WHOLE)
    buf_printf(out, "Content-Length: %zu\r\n", o->body_len);
  buf_literal(out, "\r\n");
  buf_append(out, o->body, o->kind == CALL_WHOLE ? o->body_len : 0);
}

static struct call *call_new(struct net *net, const struct call_options *o, call_wake wake,
                             void *owner) {
  struct call *c = xcalloc(1, sizeof *c);
  *c = (struct call){
      .net = net,
      .wake = wake,
      .owner = owner,
      .chunked = o->kind == CALL_STREAMED && o->streamed_length < 0,
      .finished = o->kind != CALL_STREAMED,
      .left = o->kind == CALL_STREAMED ? o->streamed_length : 0,
      .head_only = strcmp(o->method, "HEAD") == 0,
      .inflates = o->inflates,
      .max_bytes = o->max_bytes,
      .first_byte_ms = o->first_byte_ms,
      .idle_ms = o->idle_ms,
      .until_ms = o->total_ms > 0 ? net_now_ms(net) + o->total_ms : INT64_MAX,
      .next = net->calls,
      .prev = &net->calls,
  };
  if (c->next != NULL)
    c->next->prev = &c->next;
  net->calls = c;
  net->ncalls++;
  llhttp_init(&c->parser, HTTP_RESPONSE, &parser_settings);
  c->parser.data = c;
  return c;
}

static struct link *open_link(struct call *c, const struct call_options *o,
                              struct net_fault *fault) {
  const struct link_target to = {
      .host = c->origin->host,
      .port = c->origin->port,
      .trust = c->origin->trust,
      .alpn = "http/1.1",
      .session = c->origin->session,
      .allow = o->outside->allow,
      .open_ms = o->connect_ms,
  };
  return link_open(c->net, &to, &events, c, fault);
}

struct call *call_open(struct net *net, const struct call_options *o, call_wake wake, void *owner,
                       struct net_fault *fault) {
  if (net->ncalls >= CALLS_MAX) {
    net_fault_set(fault, NET_CONNECT, "%s: %d calls are open already", o->url->host, CALLS_MAX);
    return NULL;
  }
  struct call *c = call_new(net, o, wake, owner);
  struct trust *trust = o->url->tls ? trust_of(net->trusts, o->outside->ca_file) : NULL;
  c->origin = origin_of(net, o->url, trust);
  write_head(c, o);
  c->link = pool_take(c->origin);
  if (c->link != NULL) {
    link_pass(c->link, &events, c);
    send_request(c);
  } else {
    c->link = open_link(c, o, fault);
  }
  if (c->link == NULL) {
    call_close(c);
    return NULL;
  }
  net_tick_on(net);
  return c;
}

bool call_has_room(const struct call *c) {
  return c->link == NULL || c->out.len + link_queued(c->link) <= HELD_BYTES;
}

static void put(struct call *c, const char *data, size_t len) {
  if (c->opened)
    link_write(c->link, data, len);
  else
    buf_append(&c->out, data, len);
}

bool call_write(struct call *c, const char *data, size_t len) {
  if (c->link == NULL || len == 0)
    return true;
  if (c->chunked) {
    char size[32];
    put(c, size, (size_t) snprintf(size, sizeof size, "%zx\r\n", len));
    put(c, data, len);
    put(c, "\r\n", 2);
  } else {
    if ((int64_t) len > c->left)
      len = (size_t) c->left;
    c->left -= (int64_t) len;
    put(c, data, len);
  }
  return call_has_room(c);
}

void call_finish(struct call *c) {
  if (c->link == NULL || c->finished)
    return;
  if (c->chunked)
    put(c, "0\r\n\r\n", 5);
  c->finished = c->chunked || c->left == 0;
  c->moved_ms = net_now_ms(c->net);
}

bool call_has_head(const struct call *c) {
  return c->has_head;
}

int call_status(const struct call *c) {
  return c->status;
}

const struct buf *call_headers(const struct call *c) {
  return &c->headers;
}

bool call_has_piece(const struct call *c) {
  return c->body.len > 0;
}

bool call_has_ended(const struct call *c) {
  return c->ended && c->body.len == 0;
}

bool call_is_complete(const struct call *c) {
  return c->ended;
}

const struct net_fault *call_fault(const struct call *c) {
  return c->fault.reason != NET_FINE ? &c->fault : NULL;
}

static bool take_inflated(struct call *c, struct buf *out) {
  size_t used;
  if (!inflater_take(c->inflater, c->body.data, c->body.len, &used, out, HELD_BYTES))
    return false;
  buf_consume(&c->body, used);
  return c->body.len > 0 || !c->ended || inflater_is_done(c->inflater);
}

bool call_take(struct call *c, struct buf *out) {
  bool fine = true;
  if (c->inflater != NULL && c->max_bytes == 0)
    fine = take_inflated(c, out);
  else
    *out = buf_take(&c->body);
  count_held(c);
  if (c->body.len == 0)
    buf_clear(&c->body);
  if (!fine) {
    garbled(c);
    release_link(c, false);
  } else if (c->link != NULL && c->opened && c->body.len <= HELD_BYTES) {
    link_resume(c->link);
    c->moved_ms = net_now_ms(c->net);
  }
  return fine;
}

/* What it waits for the other side to do; NULL: for the link, or for its owner. */
static const char *waits_for(const struct call *c, int64_t *limit_ms) {
  if (!c->opened || (c->max_bytes == 0 && c->body.len > HELD_BYTES))
    return NULL;
  *limit_ms = c->has_head ? c->idle_ms : c->first_byte_ms;
  if (c->has_head)
    return "nothing came for idle_ms";
  if (link_queued(c->link) > 0)
    return "it took nothing of the request for first_byte_ms";
  return c->finished ? "no response within first_byte_ms" : NULL;
}

static bool expire(struct call *c, int64_t now_ms) {
  int64_t limit_ms;
  const char *what = c->link != NULL ? waits_for(c, &limit_ms) : NULL;
  if (c->link != NULL && now_ms >= c->until_ms)
    fail_with(c, NET_TIMEOUT, "not done within total_ms");
  else if (what != NULL && now_ms >= c->moved_ms + limit_ms)
    fail_with(c, NET_TIMEOUT, what);
  else
    return false;
  return true;
}

/* From the start after each, because its owner may close others. */
bool calls_tick(struct net *net, int64_t now_ms) {
  bool busy = false;
  for (struct call *c = net->calls; c != NULL;) {
    busy = busy || c->link != NULL;
    c = expire(c, now_ms) ? net->calls : c->next;
  }
  return busy;
}

void call_close(struct call *c) {
  release_link(c, false);
  origin_leave(c->origin);
  *c->prev = c->next;
  if (c->next != NULL)
    c->next->prev = c->prev;
  c->net->ncalls--;
  c->net->held_bytes -= c->held;
  inflater_free(c->inflater);
  buf_clear(&c->out);
  buf_clear(&c->headers);
  buf_clear(&c->body);
  free(c);
}
