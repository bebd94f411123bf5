#ifndef MOONLEDGER_HTTP_REQUEST_H
#define MOONLEDGER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct conn;
struct loop;
struct route;
struct site;

enum method {
  METHOD_GET,
  METHOD_HEAD,
  METHOD_POST,
  METHOD_PUT,
  METHOD_DELETE,
  METHOD_PATCH,
  METHOD_OPTIONS,
  METHOD_OTHER, /* no route has it */
  METHODS
};

struct header {
  struct slice name, value; /* name in lower case */
};

enum { REQUEST_ID_MAX = 128, ROUTE_MAX_PARAMS = 4 };

/* One request, complete with its body; that of a raw route may still be coming.  Owned by its
 * connection; valid until http_respond, http_stream_end or http_become_stream is called, or
 * site->cancel says that the client is gone. */
struct request {
  struct conn *conn;
  struct loop *loop;
  struct site *site;              /* a reference: what serves it; NULL until its head is complete */
  const struct route *route;
  void *handling;                 /* the site's own; NULL before and after */

  enum method method;
  const char *verb;               /* its name, also of METHOD_OTHER */
  bool http10;
  struct slice host;              /* authority of an absolute target, else of Host */
  struct slice path, query;       /* path decoded and normalised; query raw, without "?" */
  struct slice target;            /* path and query as they were sent */
  struct slice params[ROUTE_MAX_PARAMS];
  struct header *headers;
  size_t nheaders;
  struct buf body;                /* inflated; the handler may take it; raw: http_body_state */
  char id[REQUEST_ID_MAX + 1];
  const char *remote;             /* address without port */
  int64_t now_us;                 /* when the request was complete */
};

/* NULL data when absent.  name in lower case. */
struct slice request_header(const struct request *r, const char *name);

/* What has come of the body of a raw route's request. */
enum body_state {
  BODY_COMING,                    /* r->body is what there is now; site->arrived tells of more */
  BODY_WHOLE,                     /* r->body is the last of it */
  BODY_BROKEN,                    /* the client ended early, was silent or sent no HTTP */
};

enum body_state http_body_state(const struct request *r);
void http_body_taken(struct request *r); /* out of r->body: there is room for more */

struct response {
  int status;
  /* "name: value\r\n" lines of the handler's own, checked by response_header */
  struct buf headers;
  const char *type;               /* the body's, where headers do not have it; or NULL */
  struct buf body;                /* taken over */
  const char *missing;            /* http_respond_file: message of the 404, or NULL */
  bool compressible;              /* gzip may be used if the client takes it and it is worth it */
  bool bare;                      /* headers are all that its head has, besides framing */
  bool has_length;                /* http_stream_start: the pieces are so long together */
  size_t length;
};

/* false when name or value cannot stand in a header (CR, LF, NUL, not a token), or the
 * header is the server's own (Content-Length, Connection; where it is not bare Date, ..). */
bool response_header(struct response *response, const char *name, size_t name_len,
                     const char *value, size_t len);

/* Whether a header of that name, in any case, was added. */
bool response_has_header(const struct response *response, const char *name);

/* Responds to r and ends it; takes over everything in response.  The head gets date,
 * x-request-id, content-length, connection, the CORS and safety headers.  HEAD, 204 and
 * 304 go out without the body. */
void http_respond(struct request *r, struct response *response);

/* {"detail": message, "error": {"type", "message"}} (lua/routes/README.md, Parameters), with extra
 * header lines, each ended by CRLF, or NULL. */
void http_respond_error(struct request *r, int status, const char *message, const char *headers);

/* The file at path below static/, or 404: ETag, ranges, gzip sibling (http/files.c).  No
 * link is followed, nothing hidden is found. */
void http_respond_file(struct request *r, struct response *response, const char *path);

/* A body of unknown length: head now, then pieces.  http_stream_write returns false when
 * the connection's queue is above its bound: wait for on_drain before the next.  When the
 * client goes away site->cancel is called instead, from the loop, never inside one of
 * these. */
void http_stream_start(struct request *r, struct response *response,
                       void (*on_drain)(struct request *r));
bool http_stream_write(struct request *r, const char *data, size_t len);
void http_stream_end(struct request *r);
/* Ends it as failed: the connection is closed without the last chunk, so that the client
 * notices. */
void http_stream_abort(struct request *r);

/* Sends the head of a text/event-stream response and frees parser, header memory and
 * request: what remains is the socket.  r is void afterwards.  NULL where there is
 * nothing to stream: HEAD, or the client is gone. */
struct conn *http_become_stream(struct request *r, struct response *response);

const char *method_name(enum method method);

bool http_is_token(const char *s, size_t len); /* RFC 9110, 5.6.2 */

#endif
