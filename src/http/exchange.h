#ifndef MOONLEDGER_HTTP_EXCHANGE_H
#define MOONLEDGER_HTTP_EXCHANGE_H

#include <llhttp.h>
#include <stdatomic.h>
#include <zlib.h>

#include "base/mem.h"
#include "http/connection.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/server.h"
#include "http/site.h"
#include "loop/loop.h"

/* What the files of http/ share.  Nobody else includes it. */

#if !LLHTTP_STRICT_MODE
#error "build llhttp with LLHTTP_STRICT_MODE=1: the loose parser lets smuggled requests pass"
#endif

enum {
  READ_BYTES = 64 << 10,
  QUEUE_BYTES = 1 << 20,       /* no request is taken up while more than this waits to be sent */
  STREAM_QUEUE_BYTES = 256 << 10,
  STREAMED_BYTES = 64 << 10,   /* of a body that a raw route has yet to take */
  SLICE_BYTES = 256 << 10,     /* most that the kernel copies at once: other clients wait for it */
  /* responses to pipelined requests leave at the latest when they are this long */
  BATCH_BYTES = 128 << 10,
  JOIN_BYTES = 16 << 10,       /* bodies up to this are copied behind their head */
  GZIP_LEAST_BYTES = 1 << 10,
  /* chunk extensions and trailers; Node's CVE-2024-22019 was their unbounded form */
  OVERHEAD_BYTES = 4 << 10,
  BLANK_LINE_BYTES = 16,
  CHUNKS_MAX = 1 << 20,
  /* a refused body up to this is read, so that the connection can go on */
  DISCARD_BYTES = 64 << 10,
  HTTP_FAMILIES = 8,           /* of metrics */
};

enum exchange_state {
  EXCHANGE_HEAD,      /* waiting for, or in, a request's head */
  EXCHANGE_BODY,
  EXCHANGE_HANDLING,  /* a script has the request */
  EXCHANGE_STREAMING, /* and its response has begun and comes in pieces */
  EXCHANGE_RESPONDED   /* the script is done with it, the response is not yet out */
};

/* Where in the lines behind the last chunk reading has got to. */
struct trailers {
  size_t len;          /* of the line in hand */
  bool colon, cr;      /* seen in it */
};

/* How far the request in hand has been read. */
struct incoming {
  size_t line_start;   /* in the head, of the first line that has not come in whole */
  unsigned lines;
  size_t request_line_len;
  struct slice target;
  bool head_parsed, complete; /* what llhttp has reached */
  bool keep_alive, expects_continue;
  enum deadline deadline; /* the one that was set for this request */

  int fault;           /* status of the error that a callback met; 0: none */
  const char *fault_text;
  struct verdict refusal; /* sent once the body, which nobody wants, has been read */
  bool refused;
  bool streamed;       /* a raw route has the request while its body comes */
  bool broken;         /* of that body nothing more comes */
  uint32_t allowed;    /* without a route: the methods that its path has */
  bool slash_redirect;

  size_t body_limit;
  size_t in_flight;    /* bytes of this body that count as such */
  size_t arrived;      /* body bytes on the wire since the deadline was set */
  size_t overhead;     /* bytes that carry nothing: blank lines, chunk extensions, trailers */
  unsigned chunks;
  bool last_chunk;     /* has come: what follows is trailers */
  struct trailers trailers;
  z_stream *inflater;  /* of a gzip body; NULL: none */
  bool inflated;       /* a whole gzip member has been read */
  bool inflating;      /* some of packed is still to be inflated, or made of it */
  struct buf packed;   /* as it came */
};

/* Its response, where that comes in pieces. */
struct outgoing {
  bool chunked;
  bool has_head;       /* which says whether the connection goes on */
  bool bounded;        /* left: bytes that its head has promised */
  size_t left;
  bool bodiless;       /* HEAD: the pieces are not sent */
  void (*on_drain)(struct request *r);
  struct packer *packer; /* compresses it, perhaps on another thread; NULL: nobody does */
};

/* What a connection needs to take requests one after another. */
struct exchange {
  struct request request;
  enum exchange_state state;
  llhttp_t parser;
  struct buf head;     /* the raw head; slices of the request point into it */
  struct buf target;   /* of the request, where parsing its path changed the head */
  unsigned headers_cap;
  struct incoming in;
  struct outgoing out;
  char remote[48];

  bool feeding;        /* input is being taken up: responses are collected in connections->out */
  bool reading;
  struct buf pending;  /* input that came while a handler ran */
  bool waiting;        /* in connections->ready or ->resuming */
  struct exchange *next_ready, *next_free;
};

struct deadline_list {
  struct conn *first, **last;
};

struct server {
  struct server_options options;
  struct connections **connections; /* by loop index */
  struct metric *families[HTTP_FAMILIES];
  uv_tcp_t tcp;           /* loop 0's thread */
  uint64_t complained_ms;
};

struct connections {
  struct server *server;
  struct loop *loop;
  struct http_limits limits; /* of the site that was last in force */
  uint64_t limits_of;  /* its number */
  struct conn *first;
  uv_timer_t timer;    /* at the nearest deadline */
  int64_t timer_at;    /* loop time; 0: not running */
  struct deadline_list deadlines[DEADLINES];
  uv_prepare_t prepare; /* takes up the pending input of those in ready */
  struct exchange *ready, *resuming;
  uv_idle_t no_wait;   /* while some are ready */

  char *input;
  struct buf out;      /* bytes for out_conn that have not been handed to the kernel */
  struct conn *out_conn;
  struct exchange *pool;
  unsigned pooled;
  struct buf fixed;    /* header lines that all responses of one second share */
  int64_t fixed_s;
  z_stream *deflater;

  bool draining;
  int64_t drain_until; /* loop time */
  void (*on_drained)(struct loop *loop, void *arg);
  void *on_drained_arg;
  unsigned handles;    /* that are still closing */

  struct message shed; /* asks for outgoing_shed; on its way while shedding */
  atomic_bool shedding;

  /* Written by the loop's thread, read by any. */
  atomic_size_t count, in_flight;
  atomic_size_t waiting; /* bytes that are kept to be sent */
  atomic_ullong requests[6]; /* by hundreds of the status */
  atomic_ullong bytes_in, bytes_out, parse_errors, timeouts, given_up;
};

static inline struct exchange *exchange_of(struct request *r) {
  return container_of(r, struct exchange, request);
}

/* A counter with one writer needs no locked instruction. */
static inline void counter_add(atomic_ullong *counter, unsigned long long n) {
  unsigned long long sum = atomic_load_explicit(counter, memory_order_relaxed) + n;
  atomic_store_explicit(counter, sum, memory_order_relaxed);
}

/* connection.c */

/* The connection is over once what has been written has left: half-closes, drains what
 * still comes, closes. */
void conn_finish(struct conn *c);
void conn_end_writing(struct conn *c); /* it drains and all that was queued has left */
int conn_start_reading(struct conn *c);
void conn_stop_reading(struct conn *c);

/* Takes a connected socket over, after connections_expect.  It is closed when that fails. */
void connection_open(struct connections *all, uv_os_sock_t socket);

/* connections.c */

struct connections *connections_new(struct server *server, struct loop *loop);
void connections_free(struct connections *all);
size_t connections_count(const struct connections *all); /* any thread: an atomic */

/* Counts a connection that is on its way to connection_open, so that the next one goes
 * elsewhere.  Any thread. */
void connections_expect(struct connections *all);

/* A stream closes that the site in force would not open: it was made by, or under, another. */
void connections_check_stream(struct conn *c);
void connections_check_streams(struct connections *all);

void connections_closed_one(struct connections *all);
void connections_close_all(struct connections *all);

/* counters.c */

void counters_register(struct server *server); /* moonledger_http_*, of all loops */

/* deadline.c */

void deadlines_init(struct connections *all);
void deadlines_drain(struct connections *all, int64_t ms); /* connections_close_all after ms */
void deadline_set(struct conn *c, enum deadline deadline);

/* output.c */

/* Where bytes for c are appended.  output_done then sends them or, while input is being
 * taken up, leaves them for one write with what follows. */
struct buf *output_begin(struct conn *c);
void output_done(struct conn *c);
void output_flush(struct conn *c, struct buf *body); /* and body (or NULL), which is taken over */
void output_forget(struct conn *c);
void output_clear(struct conn *c); /* c is closed: nothing more is sent */

/* outgoing.c: limits.out_bytes */

void outgoing_init(struct connections *all);

/* n more bytes are kept for clients of this loop, or false: they may not be. */
bool outgoing_take(struct connections *all, size_t n);
void outgoing_refuse(struct conn *c); /* closes it: that was false */
void outgoing_give(struct connections *all, size_t n);

/* The same for p, which counts once, however many clients wait for it. */
bool outgoing_take_payload(struct connections *all, struct payload *p);
void outgoing_give_payload(struct connections *all, struct payload *p);

size_t outgoing_total(const struct server *server); /* any thread */

/* exchange.c */

struct exchange *exchange_new(struct conn *c);
void exchange_free(struct exchange *e);
void exchanges_clear(struct connections *all);

/* Takes input up: as many requests as can be handled now; the rest is kept. */
void exchange_feed(struct exchange *e, const char *data, size_t len);
void exchange_ended(struct exchange *e);   /* the client has ended its side */
void exchange_drained(struct exchange *e); /* all queued bytes have left */
void exchange_timeout(struct exchange *e); /* DEADLINE_HEAD or DEADLINE_BODY is over */
void exchange_abandon(struct exchange *e); /* the socket is closed */

/* The response is out: makes ready for the next request, or ends the connection. */
void exchange_next(struct exchange *e);

/* Responds with an error and ends the connection. */
void exchange_fail(struct exchange *e, int status, const char *message);

/* Pending input is taken up in the next turn of the loop. */
void exchange_wake(struct exchange *e);
void exchanges_wake(struct connections *all);

/* Nothing of the client's is unread: closing the socket cannot destroy the response. */
bool exchange_has_read_all(const struct exchange *e);

/* parse.c */

enum { PARSE_MORE = -1 };

/* Takes bytes of a head.  *used: how many.  0: the head is complete and parsed;
 * PARSE_MORE; else the status to refuse it with, and in.fault_text. */
int parse_head(struct exchange *e, const char *data, size_t len, size_t *used);

/* The same for a body: 0 when the message is complete. */
int parse_body(struct exchange *e, const char *data, size_t len, size_t *used);

/* trailers.c */

/* Whether they have ended; *why: what is wrong with them, or NULL.  *used: bytes of data. */
bool trailers_take(struct trailers *t, const char *data, size_t len, size_t *used,
                   const char **why);

/* target.c */

/* Stands in a decoded path for an encoded slash, which separates nothing; %00 is refused. */
enum { ENCODED_SLASH = '\0' };

/* Splits the request target into host (where it has one), path and query; path is decoded
 * and normalised in place.  0 or the status to refuse it with. */
int target_parse(struct request *r, const char **why);

/* body.c */

/* Decides what is done with the body that the head announces: status 0 is to read it. */
struct verdict body_begin(struct exchange *e);

/* Where *len bytes of a long body may be read to, behind those that have come; never beyond its
 * end.  NULL: they go through the connections' input. */
char *body_room(const struct exchange *e, size_t *len);

/* 0 or the status to refuse it with: of a chunk's size, of bytes (which may lie in the room
 * already), of the end. */
int body_announce(struct exchange *e, uint64_t chunk, const char **why);
int body_append(struct exchange *e, const char *data, size_t len, const char **why);
int body_inflate(struct exchange *e, const char **why); /* a slice, while in.inflating */
int body_end(struct exchange *e, const char **why);
void body_clear(struct exchange *e);

/* dispatch.c */

/* Checks the head, finds the route and asks the guard.  0, perhaps with in.refused; else
 * the status that ends the connection. */
int dispatch_head(struct exchange *e);
void dispatch(struct exchange *e);        /* the complete request to its handler */
void dispatch_refuse(struct exchange *e); /* responds to what is not for a handler */

/* respond.c */

enum framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

/* Appends the head of a response to the connection's output and releases response->headers. */
void respond_head(struct exchange *e, struct response *response, enum framing framing,
                  size_t length);

/* The body is as it will be sent. */
void respond_now(struct exchange *e, struct response *response);

/* stream.c */

/* Sends one piece as it is; returns what http_stream_write does. */
bool stream_put(struct exchange *e, const char *data, size_t len);

/* gzip.c */

bool gzip_accepted(const struct request *r);
bool gzip_worthwhile(const struct response *response);

/* Responds with the body compressed, at once or, when it is long, by way of another thread. */
void gzip_respond(struct exchange *e, struct response *response);
void gzip_abandon(struct packer *p); /* the client is gone */

/* Responses in pieces: start adds to the head; write is as http_stream_write. */
void gzip_stream_start(struct exchange *e, struct response *response);
bool gzip_stream_write(struct packer *p, const char *data, size_t len);
bool gzip_stream_is_busy(const struct packer *p);
void gzip_stream_end(struct packer *p);

void gzip_clear(struct connections *all);

#endif
