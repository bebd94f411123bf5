#ifndef MOONLEDGER_SCRIPT_RELOAD_SNAPSHOT_H
#define MOONLEDGER_SCRIPT_RELOAD_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct snapshot_file {
  char *name; /* "config.lua" or relative to the root: "lua/routes/logs_query.lua" */
  char *text;
  size_t len;
  uint64_t hash;   /* of the text: hash_for_files */
  bool own;        /* the user's; else the one in the program, which name and text belong to */
  bool as_shipped; /* the text is the program's */
};

/* config.lua and every .lua file below lua/, read once: what is validated is what runs.
 * A file that is not there is the one in the program (base/assets.h). */
struct snapshot {
  char *config_file;           /* absolute, links resolved; it need not be there */
  char *root;                  /* its folder */
  struct snapshot_file *files; /* config.lua first, the others by name */
  size_t nfiles, nown;
  bool edited;                 /* there is a file below lua/ that the program does not have so */
  char **folders; /* lua/ and those below, absolute */
  size_t nfolders;
  uint64_t hash;      /* of names and contents */
  uint64_t signature; /* of names, sizes, times and inodes: cheap to compare */
};

/* Reads until two looks at the files agree.  A file or folder that anyone may write to,
 * or that leads out of the root, is an error: a line each in errors, and NULL. */
struct snapshot *snapshot_read(const char *config_file, struct buf *errors);
void snapshot_free(struct snapshot *s);

/* Folders and signature as they are now, without the files' texts; never NULL. */
struct snapshot *snapshot_look(const char *config_file);

const struct snapshot_file *snapshot_find(const struct snapshot *s, const char *name);

/* Where a word stands in a file from a place in it on, whole and in no comment; NULL: nowhere. */
const char *snapshot_find_word(const struct snapshot_file *file, const char *from,
                               const char *word, size_t len);

/* The line of a place in the file; NULL: 1. */
int snapshot_line(const struct snapshot_file *file, const char *at);

#endif
