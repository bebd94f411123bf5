#ifndef MOONLEDGER_HTTP_GUARD_H
#define MOONLEDGER_HTTP_GUARD_H

#include "http/request.h"
#include "http/site.h"

/* What never reaches a script: foreign Host names (DNS rebinding), unsafe methods from
 * other origins (Go 1.25's CrossOriginProtection algorithm), pages and parts of pages out of
 * raw routes, tokens without the scope. */
struct verdict {
  int status;           /* 0: admitted; else 401, 403, .. */
  const char *message;  /* static */
  const char *headers;  /* static: extra header lines, each ended by CRLF, or NULL */
};

struct verdict guard_check(const struct site_options *site, const struct request *r,
                           enum scope scope);

struct permit guard_permit(const struct request *r);
bool guard_still_admits(const struct site_options *site, struct permit permit);

/* Whether responses to this Origin may carry Access-Control-Allow-Origin. */
bool guard_allows_origin(const struct site_options *site, const struct request *r,
                         struct slice origin);

/* The host of HOST[:PORT] or [IPV6][:PORT]; false when authority is neither. */
bool authority_split(struct slice authority, struct slice *host);

#endif
