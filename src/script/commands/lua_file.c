#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "script/commands.h"

/* The module file: what a command reads, lists and writes. */

enum { PIECE = 1024 * 1024, LONGEST_LINE = 256 * 1024 * 1024 };

static const char type_name[] = "file";

/* Reading: files as they are, gzipped or in zstd's frames, in pieces of whole lines */

struct reader {
  gzFile gz;          /* reads plain files as they are; NULL: closed */
  ZSTD_DStream *zstd; /* NULL: there are no frames of zstd's */
  struct buf packed;  /* what of_frames reads */
  ZSTD_inBuffer of_frames;
  bool begun, in_frame;
  struct buf bytes;
  size_t taken; /* of bytes, by the script */
  bool ended;
};

static struct reader *reader_at(lua_State *L, int index) {
  struct reader *r = luaL_checkudata(L, index, type_name);
  if (r->gz == NULL)
    luaL_error(L, "the file is closed");
  return r;
}

/* file.open(path): "-" is standard input. */
static int l_file_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct reader *r = lua_newuserdatauv(L, sizeof *r, 0);
  *r = (struct reader){0};
  luaL_setmetatable(L, type_name);
  r->gz = strcmp(path, "-") == 0 ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rbe");
  if (r->gz == NULL)
    return push_fault(L, path, strerror(errno));
  gzbuffer(r->gz, 128 * 1024);
  return 1;
}

static size_t whole_lines(const struct buf *b) {
  const char *end = b->len > 0 ? memrchr(b->data, '\n', b->len) : NULL;
  return end != NULL ? (size_t) (end - b->data) + 1 : 0;
}

/* The functions that read tell NULL, or what went wrong. */

static const char *read_file(struct reader *r, struct buf *to) {
  int n = gzread(r->gz, buf_reserve(to, PIECE), PIECE), code;
  if (n < 0) {
    const char *why = gzerror(r->gz, &code);
    return code == Z_ERRNO ? strerror(errno) : why;
  }
  to->len += (size_t) n;
  r->ended = n == 0;
  return NULL;
}

static const char *unpack(struct reader *r) {
  ZSTD_outBuffer out = {buf_reserve(&r->bytes, PIECE), PIECE, 0};
  for (;;) {
    size_t before = r->of_frames.pos,
           left = ZSTD_decompressStream(r->zstd, &out, &r->of_frames);
    if (ZSTD_isError(left))
      return ZSTD_getErrorName(left);
    if (out.pos > 0 || r->of_frames.pos > before)
      r->in_frame = left > 0;
    if (out.pos > 0)
      break;
    if (r->of_frames.pos < r->of_frames.size)
      continue;
    r->packed.len = 0;
    const char *why = read_file(r, &r->packed);
    if (why != NULL || r->ended)
      return why == NULL && r->in_frame ? "the file is cut off" : why;
    r->of_frames = (ZSTD_inBuffer){r->packed.data, r->packed.len, 0};
  }
  r->bytes.len += out.pos;
  return NULL;
}

static const char *begin(struct reader *r) {
  static const char magic[] = {0x28, (char) 0xB5, 0x2F, (char) 0xFD}; /* RFC 8878, 3.1.1 */
  const char *why = read_file(r, &r->bytes);
  r->begun = true;
  if (why != NULL || r->bytes.len < sizeof magic ||
      memcmp(r->bytes.data, magic, sizeof magic) != 0)
    return why;
  r->packed = r->bytes;
  r->bytes = (struct buf){0};
  r->of_frames = (ZSTD_inBuffer){r->packed.data, r->packed.len, 0};
  r->zstd = ZSTD_createDStream();
  return r->zstd == NULL ? "out of memory" : unpack(r);
}

static const char *read_piece(struct reader *r) {
  if (!r->begun)
    return begin(r);
  return r->zstd != NULL ? unpack(r) : read_file(r, &r->bytes);
}

/* Reads until there is a whole line or no more. */
static const char *fill_buffer(struct reader *r) {
  buf_consume(&r->bytes, r->taken);
  r->taken = 0;
  for (size_t from = 0; !r->ended;) {
    const char *why = read_piece(r);
    if (why != NULL)
      return why;
    if (r->bytes.len > LONGEST_LINE)
      return "a line is longer than 256 MiB";
    if (r->bytes.len > from && memchr(r->bytes.data + from, '\n', r->bytes.len - from) != NULL)
      break;
    from = r->bytes.len;
  }
  return NULL;
}

static int push_read_fault(lua_State *L, const char *why) {
  luaL_pushfail(L);
  lua_pushstring(L, why);
  return 2;
}

/* reader:read(): the next piece. */
static int l_reader_read(lua_State *L) {
  struct reader *r = reader_at(L, 1);
  if (r->taken == r->bytes.len || whole_lines(&r->bytes) <= r->taken) {
    const char *why = fill_buffer(r);
    if (why != NULL)
      return push_read_fault(L, why);
  }
  size_t end = r->ended ? r->bytes.len : whole_lines(&r->bytes);
  if (end == r->taken)
    luaL_pushfail(L);
  else
    lua_pushlstring(L, r->bytes.data + r->taken, end - r->taken);
  r->taken = end;
  return 1;
}

/* reader:line(): the next line without its end. */
static int l_reader_line(lua_State *L) {
  struct reader *r = reader_at(L, 1);
  const char *end = NULL;
  for (int again = 0; end == NULL && again < 2; again++) {
    const char *why = again > 0 && !r->ended ? fill_buffer(r) : NULL;
    if (why != NULL)
      return push_read_fault(L, why);
    size_t left = r->bytes.len - r->taken;
    end = left > 0 ? memchr(r->bytes.data + r->taken, '\n', left) : NULL;
  }
  size_t len = end != NULL ? (size_t) (end - r->bytes.data) - r->taken : r->bytes.len - r->taken;
  if (end == NULL && len == 0) {
    luaL_pushfail(L);
    return 1;
  }
  lua_pushlstring(L, r->bytes.data + r->taken, len);
  r->taken += len + (end != NULL);
  return 1;
}

/* reader:offset(): bytes of the file read so far, compressed where it is. */
static int l_reader_offset(lua_State *L) {
  z_off_t offset = gzoffset(reader_at(L, 1)->gz);
  lua_pushinteger(L, offset > 0 ? (lua_Integer) offset : 0);
  return 1;
}

static int l_reader_close(lua_State *L) {
  struct reader *r = luaL_checkudata(L, 1, type_name);
  if (r->gz != NULL)
    gzclose_r(r->gz);
  r->gz = NULL;
  ZSTD_freeDStream(r->zstd);
  r->zstd = NULL;
  buf_clear(&r->packed);
  buf_clear(&r->bytes);
  return 0;
}

static void push_stat(lua_State *L, const struct stat *st) {
  lua_createtable(L, 0, 5);
  lua_pushstring(L, S_ISREG(st->st_mode) ? "file" : S_ISDIR(st->st_mode) ? "folder" : "other");
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, (lua_Integer) st->st_size);
  lua_setfield(L, -2, "bytes");
  lua_pushnumber(L, (lua_Number) st->st_mtim.tv_sec + (lua_Number) st->st_mtim.tv_nsec / 1e9);
  lua_setfield(L, -2, "modified");
  lua_pushinteger(L, (lua_Integer) (st->st_mode & 07777));
  lua_setfield(L, -2, "mode");
}

/* file.stat(path): follows links. */
static int l_file_stat(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat st;
  if (stat(path, &st) != 0)
    return push_fault(L, path, strerror(errno));
  push_stat(L, &st);
  return 1;
}

/* file.writable(path): asks the system, writes nothing. */
static int l_file_writable(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (access(path, W_OK) != 0)
    return push_fault(L, path, strerror(errno));
  lua_pushboolean(L, 1);
  return 1;
}

/* file.free(path): bytes that whoever runs the command may still use there. */
static int l_file_free(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct statvfs fs;
  if (statvfs(path, &fs) != 0)
    return push_fault(L, path, strerror(errno));
  lua_pushinteger(L, (lua_Integer) fs.f_bavail * (lua_Integer) fs.f_frsize);
  return 1;
}

static int l_close_folder(lua_State *L) {
  DIR **folder = lua_touserdata(L, 1);
  if (*folder != NULL)
    closedir(*folder);
  *folder = NULL;
  return 0;
}

/* Pushes a folder that closes when it is left. */
static DIR *push_folder(lua_State *L, const char *path) {
  DIR **folder = lua_newuserdatauv(L, sizeof *folder, 0);
  *folder = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_close_folder);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *folder = opendir(path);
  return *folder;
}

/* file.list(folder): entries in no order; links are not followed. */
static int l_file_list(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  DIR *folder = push_folder(L, path);
  if (folder == NULL)
    return push_fault(L, path, strerror(errno));
  lua_newtable(L);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    struct stat st;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
        fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    push_stat(L, &st);
    lua_pushstring(L, entry->d_name);
    lua_setfield(L, -2, "name");
    lua_rawseti(L, -2, (lua_Integer) lua_rawlen(L, -2) + 1);
  }
  return 1;
}

/* file.make_folder(path): one that is there already is as good; those above it must be there. */
static int l_file_make_folder(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return push_fault(L, path, strerror(errno));
  lua_pushboolean(L, 1);
  return 1;
}

static const char *save(FILE *f, const char *text, size_t len) {
  bool saved = fwrite(text, 1, len, f) == len && fflush(f) == 0 && fsync(fileno(f)) == 0;
  const char *why = saved ? NULL : strerror(errno);
  return fclose(f) == 0 || why != NULL ? why : strerror(errno);
}

/* file.write(path, text): whoever reads it sees the old text or the new one, and after a crash too.
 */
static int l_file_write(lua_State *L) {
  size_t len;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &len);
  const char *beside = lua_pushfstring(L, "%s.new-%d", path, (int) getpid());
  FILE *f = fopen(beside, "wxe");
  if (f == NULL)
    return push_fault(L, path, strerror(errno));
  const char *why = save(f, text, len);
  if (why == NULL && rename(beside, path) != 0)
    why = strerror(errno);
  if (why != NULL) {
    unlink(beside);
    return push_fault(L, path, why);
  }
  lua_pushboolean(L, 1);
  return 1;
}

int luaopen_file(lua_State *L) {
  static const luaL_Reg methods[] = {{"read", l_reader_read},
                                     {"line", l_reader_line},
                                     {"offset", l_reader_offset},
                                     {"close", l_reader_close},
                                     {"__gc", l_reader_close},
                                     {"__close", l_reader_close},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", l_file_open},
                                       {"stat", l_file_stat},
                                       {"list", l_file_list},
                                       {"make_folder", l_file_make_folder},
                                       {"writable", l_file_writable},
                                       {"free", l_file_free},
                                       {"write", l_file_write},
                                       {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
