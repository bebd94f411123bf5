#include <string.h>

#include "http/exchange.h"

static int fault(struct exchange *e, int status, const char *text) {
  e->in.fault = status;
  e->in.fault_text = text;
  return status;
}

/* llhttp's callbacks: they note what they see and never respond */

static struct exchange *owner(llhttp_t *parser) {
  return container_of(parser, struct exchange, parser);
}

static int on_url(llhttp_t *parser, const char *at, size_t len) {
  owner(parser)->in.target = (struct slice){at, len};
  return 0;
}

static int count_overhead(struct exchange *e, size_t len) {
  e->in.overhead += len;
  if (e->in.overhead <= OVERHEAD_BYTES)
    return 0;
  fault(e, 431, "too many bytes in chunk extensions or trailers");
  return -1;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len) {
  struct exchange *e = owner(parser);
  struct request *r = &e->request;
  if (r->nheaders == e->headers_cap) {
    e->headers_cap = e->headers_cap == 0 ? 16 : e->headers_cap * 2;
    r->headers = xrealloc(r->headers, e->headers_cap * sizeof *r->headers);
  }
  char *name = (char *) at; /* it lies in e->head */
  for (size_t i = 0; i < len; i++)
    if (name[i] >= 'A' && name[i] <= 'Z')
      name[i] |= 0x20;
  r->headers[r->nheaders++] = (struct header){.name = {name, len}, .value = {at + len, 0}};
  return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len) {
  struct exchange *e = owner(parser);
  while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
    len--;
  e->request.headers[e->request.nheaders - 1].value = (struct slice){at, len};
  return 0;
}

static int on_headers_complete(llhttp_t *parser) {
  owner(parser)->in.head_parsed = true;
  parser->upgrade = 0; /* none is supported: the request is handled as if nobody had asked */
  return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  struct exchange *e = owner(parser);
  const char *why = NULL;
  int status = body_append(e, at, len, &why);
  if (status == 0)
    return 0;
  fault(e, status, why);
  return -1;
}

static int on_chunk_extension(llhttp_t *parser, const char *at, size_t len) {
  (void) at;
  return count_overhead(owner(parser), len);
}

static int on_chunk_header(llhttp_t *parser) {
  struct exchange *e = owner(parser);
  const char *why = NULL;
  int status = ++e->in.chunks > CHUNKS_MAX ? 413 : body_announce(e, parser->content_length, &why);
  if (status != 0) {
    fault(e, status, why != NULL ? why : "too many chunks");
    return -1;
  }
  e->in.last_chunk = parser->content_length == 0;
  return e->in.last_chunk ? HPE_PAUSED : 0;
}

static int on_message_complete(llhttp_t *parser) {
  struct exchange *e = owner(parser);
  e->in.keep_alive = llhttp_should_keep_alive(parser) && !e->out.has_head;
  e->in.complete = true;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

/* The status that an error of the parser gets; 0: none. */
static int parser_status(struct exchange *e, llhttp_errno_t error) {
  if (error == HPE_OK || error == HPE_PAUSED)
    return 0;
  if (e->in.fault == 0)
    fault(e, 400, llhttp_get_error_reason(&e->parser));
  return e->in.fault;
}

/* The head: its lines are checked before llhttp sees them */

/* METHOD SP target SP HTTP/1.x CRLF.  llhttp also takes HTTP/0.9, HTTP/2.0, RTSP/1.0 and
 * repeated blanks. */
static int check_request_line(struct exchange *e, const char *line, size_t len) {
  static const char version[] = " HTTP/1.1\r\n";
  const size_t n = sizeof version - 1;
  const char *blank = memchr(line, ' ', len);
  if (blank == NULL || len < n + 3)
    return fault(e, 400, "not a request line");
  const char *last = line + len - n;
  if (memchr(blank + 1, ' ', (size_t) (line + len - blank - 1)) != last)
    return fault(e, 400, "not a request line of three parts");
  if (memcmp(last, version, 6) != 0 || last[7] != '.')
    return fault(e, 400, "the protocol is not HTTP");
  if (last[6] != '1' || (last[8] != '1' && last[8] != '0'))
    return fault(e, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  return 0;
}

static int check_line(struct exchange *e, const char *line, size_t len) {
  if (len < 2 || line[len - 2] != '\r')
    return fault(e, 400, "a line does not end in CRLF");
  if (e->in.lines == 0)
    return check_request_line(e, line, len);
  if (line[0] == ' ' || line[0] == '\t')
    return fault(e, 400, "a folded header line");
  if (line[0] == ':')
    return fault(e, 400, "a header without a name");
  return 0;
}

static int check_limits(struct exchange *e, size_t line_len, size_t total) {
  const struct http_limits *limits = &e->request.conn->all->limits;
  if (e->in.lines == 0)
    return line_len > limits->request_line_bytes
               ? fault(e, 414, "the request line is too long")
               : 0;
  if (e->in.lines > limits->header_fields)
    return fault(e, 431, "too many headers");
  if (total > limits->header_bytes + e->in.request_line_len)
    return fault(e, 431, "the headers are too long");
  return 0;
}

/* Walks over the lines of head that have come in whole.  0: its end is at *end. */
static int walk_lines(struct exchange *e, const char *head, size_t len, size_t *end) {
  for (;;) {
    const char *line = head + e->in.line_start;
    size_t left = len - e->in.line_start;
    const char *newline = memchr(line, '\n', left);
    size_t line_len = newline != NULL ? (size_t) (newline + 1 - line) : left;
    bool empty = e->in.lines > 0 && line_len <= 2 && memcmp(line, "\r\n", line_len) == 0;
    if (empty && newline != NULL) {
      *end = e->in.line_start + line_len;
      return 0;
    }
    if (empty) /* as far as it has come: no line that counts */
      return PARSE_MORE;
    int status = check_limits(e, line_len, e->in.line_start + line_len);
    if (status == 0 && newline == NULL)
      return PARSE_MORE;
    if (status == 0)
      status = check_line(e, line, line_len);
    if (status != 0)
      return status;
    if (e->in.lines++ == 0)
      e->in.request_line_len = line_len;
    e->in.line_start += line_len;
  }
}

/* Empty lines before a request are old clients' mistake (RFC 9112, 2.2); what does not
 * begin like a method is no HTTP, perhaps TLS, and waits for no more. */
static int skip_blank_lines(struct exchange *e, const char *data, size_t len, size_t *skipped) {
  size_t i = 0;
  while (i < len && (data[i] == '\r' || data[i] == '\n'))
    i++;
  *skipped = i;
  e->in.overhead += i;
  if (e->in.overhead > BLANK_LINE_BYTES)
    return fault(e, 400, "empty lines instead of a request");
  if (i == len)
    return PARSE_MORE;
  return data[i] >= 'A' && data[i] <= 'Z' ? 0 : fault(e, 400, "not a request line");
}

static int execute_head(struct exchange *e) {
  e->in.overhead = 0;
  llhttp_init(&e->parser, HTTP_REQUEST, &settings);
  int status = parser_status(e, llhttp_execute(&e->parser, e->head.data, e->head.len));
  if (status == 0 && !e->in.head_parsed)
    return fault(e, 400, "not a request");
  return status;
}

int parse_head(struct exchange *e, const char *data, size_t len, size_t *used) {
  size_t skipped = 0, end = 0, had = e->head.len;
  *used = len;
  if (had == 0) {
    int status = skip_blank_lines(e, data, len, &skipped);
    if (status != 0)
      return status;
    data += skipped;
    len -= skipped;
  } else {
    buf_append(&e->head, data, len);
  }
  int status = had == 0 ? walk_lines(e, data, len, &end)
                        : walk_lines(e, e->head.data, e->head.len, &end);
  if (status == PARSE_MORE && had == 0)
    buf_append(&e->head, data, len);
  if (status != 0)
    return status;

  if (had == 0)
    buf_append(&e->head, data, end);
  e->head.len = end;
  *used = skipped + end - had;
  return execute_head(e);
}

static int take_trailers(struct exchange *e, const char *data, size_t len, size_t *used) {
  const char *why;
  bool ended = trailers_take(&e->in.trailers, data, len, used, &why);
  if (why != NULL)
    return fault(e, 400, why);
  if (count_overhead(e, *used) != 0)
    return e->in.fault;
  if (!ended)
    return PARSE_MORE;
  e->in.complete = true;
  e->in.keep_alive = llhttp_should_keep_alive(&e->parser) && !e->out.has_head;
  return 0;
}

int parse_body(struct exchange *e, const char *data, size_t len, size_t *used) {
  if (e->in.last_chunk)
    return take_trailers(e, data, len, used);
  llhttp_errno_t error = llhttp_execute(&e->parser, data, len);
  int status = parser_status(e, error);
  *used = error == HPE_PAUSED ? (size_t) (llhttp_get_error_pos(&e->parser) - data) : len;
  if (status != 0)
    return status;
  return e->in.complete ? 0 : PARSE_MORE;
}
