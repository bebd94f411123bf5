#include "base/uuid.h"
#include "http/exchange.h"
#include "http/router.h"

static enum method method_of(const llhttp_t *parser) {
  switch (parser->method) {
  case HTTP_GET:
    return METHOD_GET;
  case HTTP_HEAD:
    return METHOD_HEAD;
  case HTTP_POST:
    return METHOD_POST;
  case HTTP_PUT:
    return METHOD_PUT;
  case HTTP_DELETE:
    return METHOD_DELETE;
  case HTTP_PATCH:
    return METHOD_PATCH;
  case HTTP_OPTIONS:
    return METHOD_OPTIONS;
  default:
    return METHOD_OTHER;
  }
}

/* The client's, so that logs of several programs can be joined; without one, or with one
 * that could break a log or a header, ours. */
static void choose_id(struct request *r) {
  struct slice given = request_header(r, "x-request-id");
  bool sane = given.len > 0 && given.len <= REQUEST_ID_MAX;
  for (size_t i = 0; sane && i < given.len; i++)
    sane = given.data[i] > ' ' && given.data[i] < 0x7f && strchr("\"\\<>", given.data[i]) == NULL;
  if (sane)
    memcpy(r->id, given.data, given.len);
  else
    uuid7(r->id);
  r->id[sane ? given.len : UUID_LENGTH] = '\0';
}

static int refuse_head(struct exchange *e, int status, const char *text) {
  e->in.fault_text = text;
  return status;
}

/* Others may see a body where llhttp sees none (RFC 9112, 6.1 and 6.3). */
static int check_framing(struct exchange *e) {
  struct slice coding = request_header(&e->request, "transfer-encoding");
  if (coding.data == NULL)
    return 0;
  if (e->request.http10)
    return refuse_head(e, 400, "Transfer-Encoding in HTTP/1.0");
  if (!slice_is_nocase(coding, "chunked"))
    return refuse_head(e, 400, "the only Transfer-Encoding that is taken is chunked");
  if (request_header(&e->request, "content-length").data != NULL)
    return refuse_head(e, 400, "Content-Length beside Transfer-Encoding");
  return 0;
}

/* RFC 9112, 3.2: exactly one valid Host in HTTP/1.1, also beside an absolute target. */
static int check_host(struct exchange *e) {
  struct request *r = &e->request;
  size_t hosts = 0;
  for (size_t i = 0; i < r->nheaders; i++)
    if (r->headers[i].name.len == 4 && memcmp(r->headers[i].name.data, "host", 4) == 0) {
      hosts++;
      r->host = r->headers[i].value;
    }
  if (hosts > 1 || (hosts == 0 && !r->http10))
    return refuse_head(e, 400, hosts > 1 ? "more than one Host header" : "no Host header");
  if (hosts == 1 && !authority_split(r->host, &(struct slice){0}))
    return refuse_head(e, 400, "not a Host");
  return 0;
}

static int check_expectation(struct exchange *e) {
  struct request *r = &e->request;
  struct slice expect = request_header(r, "expect");
  if (expect.data == NULL || r->http10 || e->in.complete)
    return 0;
  if (!slice_is_nocase(expect, "100-continue"))
    return refuse_head(e, 417, "no expectation but 100-continue is met here");
  e->in.expects_continue = true;
  return 0;
}

static int check_head(struct exchange *e) {
  struct request *r = &e->request;
  const char *why;
  if (e->parser.method == HTTP_CONNECT)
    return refuse_head(e, 501, "this is no proxy");
  int status = check_framing(e);
  if (status == 0)
    status = check_host(e);
  if (status != 0)
    return status;
  status = target_parse(r, &why);
  if (status != 0)
    return refuse_head(e, status, why);
  if (e->in.target.data != r->path.data &&
      !authority_split(r->host, &(struct slice){0}) && !r->http10)
    return refuse_head(e, 400, "not an authority");
  return check_expectation(e);
}

static void enter_site(struct exchange *e) {
  struct connections *all = e->request.conn->all;
  const struct server_options *server = &all->server->options;
  struct site *site = server->site(server->arg);
  e->request.site = site;
  if (site->number != all->limits_of) {
    all->limits = site->options->limits;
    all->limits_of = site->number;
  }
}

/* Takes doubled slashes and the last one out of the path, which lies in the head. */
static void remove_spare_slashes(struct slice *path) {
  char *out = (char *) path->data;
  for (const char *p = path->data; p < path->data + path->len; p++)
    if (*p != '/' || out == path->data || out[-1] != '/') {
      if (out != p) /* "/" alone may be shared */
        *out = *p;
      out++;
    }
  path->len = (size_t) (out - path->data);
  if (path->len > 1 && out[-1] == '/')
    path->len--;
}

static bool is_found(const struct route_match *match) {
  return match->route != NULL || match->allowed != 0;
}

/* Exporters put paths together with a slash too many, and follow no redirect when they post. */
static void find_route(struct exchange *e) {
  struct request *r = &e->request;
  struct route_match match;
  router_match(r->site->router, r->method, r->path, &match);
  if (!is_found(&match) && r->method != METHOD_GET && r->method != METHOD_HEAD) {
    remove_spare_slashes(&r->path);
    router_match(r->site->router, r->method, r->path, &match);
  }
  r->route = match.route;
  memcpy(r->params, match.params, sizeof r->params);
  e->in.allowed = match.allowed;
  e->in.slash_redirect = match.slash_redirect;
}

/* Only the value of a {parameter} can hold one: everywhere else it would be mistaken for a
 * separator, if not here then behind us.  False: it stands elsewhere. */
static bool take_encoded_slashes(struct request *r) {
  if (memchr(r->path.data, ENCODED_SLASH, r->path.len) == NULL ||
      (r->route != NULL && r->route->raw))
    return true;
  if (r->route == NULL)
    return false;
  for (size_t i = 0; i < r->route->nparams; i++) {
    char *value = (char *) r->params[i].data; /* it lies in the head */
    bool is_rest = strcmp(r->route->param_names[i], "*") == 0;
    for (size_t at = 0; at < r->params[i].len && !is_rest; at++)
      if (value[at] == ENCODED_SLASH)
        value[at] = '/';
  }
  return memchr(r->path.data, ENCODED_SLASH, r->path.len) == NULL;
}

int dispatch_head(struct exchange *e) {
  struct request *r = &e->request;
  r->method = method_of(&e->parser);
  r->verb = llhttp_method_name((llhttp_method_t) e->parser.method);
  r->http10 = e->parser.http_minor == 0;
  choose_id(r);
  int status = check_head(e);
  if (status != 0)
    return status;

  enter_site(e);
  find_route(e);
  if (!take_encoded_slashes(r))
    return refuse_head(e, 400, "%2F in the path, outside of a parameter");
  e->in.refusal = guard_check(r->site->options, r, r->route != NULL ? r->route->scope : SCOPE_OPEN);
  if (e->in.refusal.status == 0 && r->route != NULL && !e->in.complete)
    e->in.refusal = body_begin(e);
  e->in.refused = r->route == NULL || e->in.refusal.status != 0;
  return 0;
}

void dispatch(struct exchange *e) {
  struct request *r = &e->request;
  r->site->handle(r->site, r);
}

static void put_allow(struct buf *out, const char *name, uint32_t allowed) {
  const char *separator = "";
  buf_puts(out, name);
  for (int m = 0; m < METHOD_OTHER; m++)
    if (allowed & 1u << m) {
      buf_puts(out, separator);
      buf_puts(out, method_name((enum method) m));
      separator = ", ";
    }
  buf_literal(out, "\r\n");
}

static void respond_options(struct request *r, uint32_t allowed) {
  struct response response = {.status = 204};
  put_allow(&response.headers, "Allow: ", allowed);
  if (request_header(r, "access-control-request-method").data != NULL)
    put_allow(&response.headers, "Access-Control-Allow-Methods: ", allowed);
  http_respond(r, &response);
}

static void put_encoded(struct buf *out, struct slice path) {
  for (size_t i = 0; i < path.len; i++) {
    unsigned char c = (unsigned char) path.data[i];
    if (c > ' ' && c < 0x7f && strchr("\"%<>?#\\^`{|}", c) == NULL)
      buf_putc(out, (char) c);
    else
      buf_printf(out, "%%%02X", c);
  }
}

static void respond_redirect(struct request *r) {
  struct response response = {.status = 307};
  buf_literal(&response.headers, "Location: ");
  put_encoded(&response.headers, (struct slice){r->path.data, r->path.len - 1});
  if (r->query.data != NULL) {
    buf_putc(&response.headers, '?');
    buf_append(&response.headers, r->query.data, r->query.len);
  }
  buf_literal(&response.headers, "\r\n");
  http_respond(r, &response);
}

static void respond_not_allowed(struct request *r, uint32_t allowed) {
  struct buf headers = {0};
  put_allow(&headers, "Allow: ", allowed);
  buf_putc(&headers, '\0');
  http_respond_error(r, 405, "Method Not Allowed", headers.data);
  buf_clear(&headers);
}

/* An endpoint that was appended to itself ("/v1/logs/v1/logs"): the end of the path that
 * would be served. */
static struct slice served_ending(const struct request *r) {
  struct slice rest = r->path;
  while (rest.len > 1) {
    const char *slash = memchr(rest.data + 1, '/', rest.len - 1);
    if (slash == NULL)
      break;
    rest.len -= (size_t) (slash - rest.data);
    rest.data = slash;
    struct route_match match;
    router_match(r->site->router, r->method, rest, &match);
    if (match.route != NULL)
      return rest;
  }
  return (struct slice){0};
}

static void answer_not_found(struct request *r) {
  struct slice ending = r->method == METHOD_POST ? served_ending(r) : (struct slice){0};
  struct buf message = {0};
  buf_literal(&message, "Not Found");
  if (ending.len > 0) {
    buf_literal(&message, "; the endpoint is ");
    buf_append(&message, ending.data, ending.len);
  }
  buf_putc(&message, '\0');
  http_respond_error(r, 404, message.data, NULL);
  buf_clear(&message);
}

void dispatch_refuse(struct exchange *e) {
  struct request *r = &e->request;
  const uint32_t everything = (1u << METHOD_OTHER) - 1;
  bool asterisk = r->path.len == 1 && r->path.data[0] == '*';
  if (e->in.refusal.status != 0)
    http_respond_error(r, e->in.refusal.status, e->in.refusal.message, e->in.refusal.headers);
  else if (r->method == METHOD_OPTIONS && (asterisk || e->in.allowed != 0))
    respond_options(r, asterisk ? everything : e->in.allowed);
  else if (e->in.allowed != 0)
    respond_not_allowed(r, e->in.allowed);
  else if (e->in.slash_redirect)
    respond_redirect(r);
  else
    answer_not_found(r);
}
