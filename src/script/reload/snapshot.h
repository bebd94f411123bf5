#ifndef MOONLEDGER_SCRIPT_RELOAD_SNAPSHOT_H
#define MOONLEDGER_SCRIPT_RELOAD_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct snapshot_file {
  char *name; /* relative to the root: "lua/routes/logs_query.lua" */
  struct buf text;
  uint64_t hash; /* of the text: hash_for_files */
};

/* config.lua and every .lua file below lua/, read once: what is validated is what runs. */
struct snapshot {
  char *config_file;           /* absolute, links resolved */
  char *root;                  /* its folder */
  struct snapshot_file *files; /* config.lua first, the others by name */
  size_t nfiles;
  char **folders; /* lua/ and those below, absolute */
  size_t nfolders;
  uint64_t hash;      /* of names and contents */
  uint64_t signature; /* of names, sizes, times and inodes: cheap to compare */
};

/* Reads until two looks at the files agree.  A file or folder that anyone may write to, or that leads out of
 * the root, is an error: a line each in errors, and NULL. */
struct snapshot *snapshot_read(const char *config_file, struct buf *errors);
void snapshot_free(struct snapshot *s);

/* Folders and signature as they are now, without the files' texts; never NULL. */
struct snapshot *snapshot_look(const char *config_file);

/* One file; size is what it had a moment ago, or 0.  NULL, or why it cannot be read. */
const char *snapshot_read_file(struct snapshot_file *file, const char *path, const char *name, size_t size);
void snapshot_clear_file(struct snapshot_file *file);

const struct snapshot_file *snapshot_find(const struct snapshot *s, const char *name);

/* The line of name's text where needle first stands, from 1; 1 when it does not. */
int snapshot_line(const struct snapshot *s, const char *name, const char *needle);

#endif
