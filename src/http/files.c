#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/assets.h"
#include "base/hash.h"
#include "base/log.h"
#include "http/exchange.h"

enum { FILE_BYTES_MAX = 64 << 20, SETTLED_S = 2 };

/* One below static/ beside config.lua, or of those in the program, which have no date. */
struct file {
  const struct asset *asset; /* NULL: it is fd */
  int fd;
  uint64_t size;
  time_t modified;
  bool refused; /* not because of the path */
  bool taken;   /* something of the user's stands there that is not served, such as a link */
  bool gzipped;
  char etag[64];
};

static const char *content_type(const char *path) {
  static const struct {
    const char *suffix, *type;
  } types[] = {
      {".html", "text/html; charset=utf-8"},  {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"}, {".mjs", "text/javascript; charset=utf-8"},
      {".json", "application/json"},          {".map", "application/json"},
      {".svg", "image/svg+xml"},              {".png", "image/png"},
      {".ico", "image/x-icon"},               {".webp", "image/webp"},
      {".woff2", "font/woff2"},               {".txt", "text/plain; charset=utf-8"},
      {".md", "text/plain; charset=utf-8"},   {".wasm", "application/wasm"},
  };
  size_t len = strlen(path);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    size_t n = strlen(types[i].suffix);
    if (len > n && strcasecmp(path + len - n, types[i].suffix) == 0)
      return types[i].type;
  }
  return "application/octet-stream";
}

/* Opens path below the folder at, which is closed, one component after the other: no link
 * is followed, nothing hidden is found, and there is no way up. */
static int open_below(int at, const char *path) {
  while (at >= 0) {
    char name[NAME_MAX + 1];
    size_t len = strcspn(path, "/");
    bool last = path[len] == '\0';
    if (len == 0 || len > NAME_MAX || path[0] == '.')
      break;
    memcpy(name, path, len);
    name[len] = '\0';
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
    int next = openat(at, name, flags), error = errno;
    close(at);
    errno = error;
    if (last)
      return next;
    at = next;
    path += len + 1;
  }
  if (at >= 0) {
    close(at);
    errno = ENOENT;
  }
  return -1;
}

/* A file that was just written may change again within the clock's step: its tag is weak
 * until then. */
static void make_etag(struct file *file, const struct stat *st) {
  bool settled = time(NULL) - st->st_mtime > SETTLED_S;
  snprintf(file->etag, sizeof file->etag, "%s\"%llx-%llx-%llx%s\"", settled ? "" : "W/",
           (unsigned long long) st->st_ino, (unsigned long long) st->st_size,
           (unsigned long long) st->st_mtim.tv_sec * 1000000000ull +
               (unsigned long long) st->st_mtim.tv_nsec,
           file->gzipped ? "-gz" : "");
}

static bool open_own(struct file *file, const char *folder, const char *path) {
  struct stat st;
  file->fd = open_below(open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY), path);
  file->refused = file->fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
  file->taken = file->fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
  if (file->fd < 0)
    return false;
  if (fstat(file->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_BYTES_MAX) {
    file->size = (uint64_t) st.st_size;
    file->modified = st.st_mtime;
    make_etag(file, &st);
    return true;
  }
  close(file->fd);
  return false;
}

static bool open_asset(struct file *file, const char *folder, const char *path) {
  struct buf name = {0};
  (void) folder;
  buf_printf(&name, "static/%s", path);
  buf_putc(&name, '\0');
  const struct asset *asset = file->asset = assets_find(name.data);
  buf_clear(&name);
  if (asset == NULL)
    return false;
  file->size = asset->len;
  snprintf(file->etag, sizeof file->etag, "\"%llx\"",
           (unsigned long long) hash_for_files(asset->data, asset->len));
  return true;
}

typedef bool open_file(struct file *file, const char *folder, const char *path);

static bool open_either(open_file *open, struct file *file, const struct request *r,
                        const char *path) {
  const char *folder = r->site->options->static_folder;
  if (gzip_accepted(r)) {
    struct buf sibling = {0};
    buf_printf(&sibling, "%s.gz", path);
    buf_putc(&sibling, '\0');
    file->gzipped = true;
    file->gzipped = open(file, folder, sibling.data);
    buf_clear(&sibling);
  }
  return file->gzipped || open(file, folder, path);
}

/* A file of the user's wins, be it compressed or not. */
static bool open_best(struct file *file, const struct request *r, const char *path) {
  return open_either(open_own, file, r, path) ||
         (!file->taken && open_either(open_asset, file, r, path));
}

/* Conditions and ranges (RFC 9110, 13 and 14) */

static const char *opaque(const char *etag) {
  return etag[0] == 'W' ? etag + 2 : etag;
}

static bool lists_etag(struct slice list, const char *etag) {
  const char *tag = opaque(etag);
  if (list.len == 1 && list.data[0] == '*')
    return true;
  return memmem(list.data, list.len, tag, strlen(tag)) != NULL;
}

static void http_date(char out[40], time_t t) {
  struct tm utc;
  strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &utc));
}

static bool is_unchanged(const struct request *r, const struct file *file) {
  struct slice match = request_header(r, "if-none-match"),
               since = request_header(r, "if-modified-since");
  if (match.len > 0)
    return lists_etag(match, file->etag);
  struct tm utc = {0};
  char text[40] = {0};
  if (file->asset != NULL || since.len == 0 || since.len >= sizeof text)
    return false;
  memcpy(text, since.data, since.len);
  if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &utc) == NULL)
    return false;
  return file->modified <= timegm(&utc);
}

enum range { RANGE_WHOLE, RANGE_PART, RANGE_IMPOSSIBLE };

static bool read_number(const char **p, const char *end, uint64_t *n) {
  const char *start = *p;
  for (*n = 0; *p < end && **p >= '0' && **p <= '9'; ++*p)
    *n = *n < UINT64_MAX / 20 ? *n * 10 + (uint64_t) (**p - '0') : UINT64_MAX / 2;
  return *p > start;
}

/* One range; several get the whole, as anything else that is not understood. */
static enum range parse_range(struct slice header, uint64_t size, uint64_t *first,
                              uint64_t *length) {
  static const char unit[] = "bytes=";
  const char *p = header.data + sizeof unit - 1, *end = header.data + header.len;
  uint64_t from, to;
  if (!slice_starts_nocase(header, unit))
    return RANGE_WHOLE;
  bool has_from = read_number(&p, end, &from);
  if (p == end || *p++ != '-')
    return RANGE_WHOLE;
  bool has_to = read_number(&p, end, &to);
  if (p != end || (!has_from && !has_to) || (has_from && has_to && to < from))
    return RANGE_WHOLE;
  if (has_from ? from >= size : to == 0)
    return RANGE_IMPOSSIBLE;
  if (size == 0) /* the end of nothing: RFC 9110 14.1.2 has it satisfiable, no header can say it */
    return RANGE_WHOLE;
  if (!has_from)
    from = to < size ? size - to : 0;
  else if (has_to && to < size - 1)
    size = to + 1;
  *first = from;
  *length = size - from;
  return RANGE_PART;
}

static enum range wanted_range(const struct request *r, const struct file *file, uint64_t *first,
                               uint64_t *length) {
  struct slice range = request_header(r, "range"), condition = request_header(r, "if-range");
  *first = 0;
  *length = file->size;
  if (range.len == 0 || r->method != METHOD_GET)
    return RANGE_WHOLE;
  char modified[40];
  http_date(modified, file->modified);
  bool holds = condition.data == NULL || (file->asset == NULL && slice_is(condition, modified)) ||
               (file->etag[0] == '"' && slice_is(condition, file->etag));
  return holds ? parse_range(range, *length, first, length) : RANGE_WHOLE;
}

/* False: there is no memory for so much. */
static bool read_part(const struct file *file, uint64_t first, uint64_t length, struct buf *body) {
  struct buf bytes = {0};
  if (file->asset != NULL) {
    buf_append(body, file->asset->data + first, length);
    return true;
  }
  char *p = buf_try_reserve(&bytes, length > 0 ? length : 1);
  if (p == NULL)
    return false;
  while (bytes.len < length) {
    ssize_t n = pread(file->fd, p + bytes.len, length - bytes.len, (off_t) (first + bytes.len));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    bytes.len += (size_t) n;
  }
  *body = bytes;
  return true;
}

static void put_headers(struct response *response, const struct file *file, const char *path) {
  struct buf *out = &response->headers;
  char modified[40];
  const char *type = content_type(path);
  if (!response_has_header(response, "content-type"))
    buf_printf(out, "Content-Type: %s\r\n", type);
  if (strncmp(type, "text/html", 9) == 0 &&
      !response_has_header(response, "content-security-policy"))
    buf_literal(out, "Content-Security-Policy: frame-ancestors 'none'\r\n");
  if (!response_has_header(response, "cache-control"))
    buf_literal(out, "Cache-Control: no-cache\r\n");
  if (file->gzipped)
    buf_literal(out, "Content-Encoding: gzip\r\n");
  buf_printf(out, "ETag: %s\r\n", file->etag);
  if (file->asset == NULL) {
    http_date(modified, file->modified);
    buf_printf(out, "Last-Modified: %s\r\n", modified);
  }
  buf_literal(out, "Accept-Ranges: bytes\r\nVary: Accept-Encoding\r\n");
}

static void respond_file(struct request *r, struct response *response, const struct file *file) {
  uint64_t first, length;
  enum range range = wanted_range(r, file, &first, &length);
  unsigned long long size = file->size;
  if (is_unchanged(r, file)) {
    response->status = 304;
  } else if (range == RANGE_IMPOSSIBLE) {
    response->status = 416;
    buf_printf(&response->headers, "Content-Range: bytes */%llu\r\n", size);
  } else {
    if (range == RANGE_PART) {
      response->status = 206;
      buf_printf(&response->headers, "Content-Range: bytes %llu-%llu/%llu\r\n",
                 (unsigned long long) first, (unsigned long long) (first + length - 1),
                 size);
    }
    if (!read_part(file, first, length, &response->body)) {
      buf_clear(&response->headers);
      http_respond_error(r, 503, "There is no memory for the file, try again",
                         "Retry-After: 1\r\n");
      return;
    }
  }
  respond_now(exchange_of(r), response);
}

void http_respond_file(struct request *r, struct response *response, const char *path) {
  struct file file = {0};
  buf_clear(&response->body);
  if (response->status == 0)
    response->status = 200;
  if (!open_best(&file, r, path)) {
    log_debug("no such file", log_str("path", path));
    buf_clear(&response->headers);
    if (file.refused) {
      http_respond_error(r, 503, "No file can be opened now, try again", "retry-after: 1\r\n");
      return;
    }
    http_respond_error(r, 404, response->missing != NULL ? response->missing : "Not Found", NULL);
    return;
  }
  put_headers(response, &file, path);
  respond_file(r, response, &file);
  if (file.asset == NULL)
    close(file.fd);
}
