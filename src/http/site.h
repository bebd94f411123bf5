#ifndef MOONLEDGER_HTTP_SITE_H
#define MOONLEDGER_HTTP_SITE_H

#include <stdint.h>

#include "base/string_list.h"

struct request;
struct router;

/* What a token may do. */
enum scope { SCOPE_OPEN, SCOPE_READ, SCOPE_INGEST, SCOPE_ADMIN };

struct token {
  const char *text;
  uint8_t scopes; /* bit per enum scope */
};

/* By what a stream was admitted, to ask again when the tokens have changed. */
struct permit {
  uint64_t secret; /* a hash of the token; 0: none was given */
  enum scope scope;
};

/* Sizes in bytes, times in milliseconds. */
struct http_limits {
  size_t body_bytes, in_flight_bytes, out_bytes, request_line_bytes, header_bytes;
  unsigned header_fields, body_bytes_per_second;
  int64_t header_ms, body_ms, idle_ms, shutdown_ms;
};

/* What may change while the server runs.  Its texts live as long as the site. */
struct site_options {
  struct http_limits limits;
  const char *host;                 /* that is listened on */
  struct string_list hosts;         /* names besides loopback that Host may have */
  struct string_list cors_origins;
  const struct token *tokens;       /* none: nobody is asked for one */
  size_t ntokens;
  const char *static_folder;        /* of http_respond_file; absolute */
};

/* Bodies of refusals, by status from ERRORS_FROM on: JSON, in which each ERROR_MESSAGE stands for
 * the message as a JSON string.  Others than these read as the first. */
enum { ERRORS_FROM = 400, ERRORS = 200, ERROR_MESSAGE = 1 };

/* What the server serves: embedded by whoever handles requests (a generation of scripts
 * is one).  Each request holds a reference to the one in force when its head was
 * complete. */
struct site {
  uint64_t number;                  /* another one: the options may be others */
  const struct site_options *options;
  const struct router *router;
  const char *errors[ERRORS];

  /* A complete request to its handler, on its loop's thread: http_respond or a relative
   * of it ends it, now or later. */
  void (*handle)(struct site *site, struct request *r);
  /* More of the body of a raw route's request has come, or its end. */
  void (*arrived)(struct request *r);
  /* Its client is gone before the end of the response: r may not be touched any more. */
  void (*cancel)(struct request *r);
  /* Any thread. */
  void (*ref)(struct site *site);
  void (*unref)(struct site *site);
};

#endif
