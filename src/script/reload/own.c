#include "script/reload/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assets.h"
#include "base/hash.h"
#include "base/log.h"
#include "script/reload/snapshot.h"

struct own {
  struct buf names;   /* files that the program does not have like that; ", " between */
  struct buf older;   /* of them, those whose shipped text has changed since init wrote them */
  struct buf record;  /* what init wrote */
  size_t equal, built_in;
};

static void add_name(struct buf *names, const char *name) {
  buf_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
}

static bool is_older(const struct own *own, const struct asset *asset) {
  struct buf line = {0};
  uint64_t hash = hash_for_files(asset->data, asset->len);
  buf_printf(&line, " %s\n", asset->name);
  const char *found = own->record.len > 0
                          ? memmem(own->record.data, own->record.len, line.data, line.len)
                          : NULL;
  buf_clear(&line);
  return found != NULL && found - own->record.data >= 16 && strtoull(found - 16, NULL, 16) != hash;
}

static void add_file(struct own *own, const char *name, const char *text, size_t len) {
  const struct asset *asset = assets_find(name);
  if (assets_have(name, text, len)) {
    own->equal++;
    return;
  }
  add_name(&own->names, name);
  if (asset != NULL && is_older(own, asset))
    add_name(&own->older, name);
}

/* What is read when it is asked for: static/ and what is for people.  Of files there that
 * only the user has nobody asks here. */
static void look_at_others(struct own *own, const struct snapshot *snapshot) {
  size_t count;
  const struct asset *all = assets_all(&count);
  for (size_t i = 0; i < count; i++) {
    struct buf path = {0}, text = {0};
    if (snapshot_find(snapshot, all[i].name) != NULL)
      continue;
    buf_printf(&path, "%s/%s", snapshot->root, all[i].name);
    buf_putc(&path, '\0');
    if (access(path.data, F_OK) < 0)
      own->built_in += asset_is_for_people(&all[i]);
    else if (assets_read(snapshot->root, all[i].name, &text) == 0)
      add_file(own, all[i].name, text.data, text.len);
    buf_clear(&path);
    buf_clear(&text);
  }
}

static void find_own_files(struct own *own, const struct snapshot *snapshot) {
  *own = (struct own){0};
  assets_read(snapshot->root, OWN_RECORD, &own->record);
  for (size_t i = 0; i < snapshot->nfiles; i++) {
    const struct snapshot_file *file = &snapshot->files[i];
    if (file->own)
      add_file(own, file->name, file->text, file->len);
    else
      own->built_in++;
  }
  look_at_others(own, snapshot);
}

static void clear(struct own *own) {
  buf_clear(&own->names);
  buf_clear(&own->older);
  buf_clear(&own->record);
}

void own_describe(const struct snapshot *snapshot, const char *lacking, struct buf *lines) {
  struct own own;
  find_own_files(&own, snapshot);
  buf_printf(lines, "  in %s: your own: %.*s; as shipped: %zu\n", snapshot->root,
             own.names.len > 0 ? (int) own.names.len : 4,
             own.names.len > 0 ? own.names.data : "none", own.equal);
  buf_printf(lines, "  in the program: %zu others\n", own.built_in);
  if (own.older.len > 0)
    buf_printf(lines,
               "  older than the shipped text that they replace: %.*s; `moonledger init "
               "FOLDER` writes that out to "
               "compare, and who has taken it over deletes the line in " OWN_RECORD "\n",
               (int) own.older.len, own.older.data);
  if (lacking != NULL)
    buf_printf(lines,
               "  config.lua is without these shipped routes: %s; routes = defaults { "
               "... } has all of them\n",
               lacking);
  clear(&own);
}

void own_log(const struct snapshot *snapshot, const char *lacking) {
  struct own own;
  find_own_files(&own, snapshot);
  log_info("files in force", log_str("folder", snapshot->root),
           log_bytes("own", own.names.data, own.names.len),
           log_int("as_shipped", (int64_t) own.equal),
           log_int("built_in", (int64_t) own.built_in));
  if (own.older.len > 0)
    log_warn("files are older than the shipped text that they replace",
             log_bytes("files", own.older.data, own.older.len));
  if (lacking != NULL)
    log_info("config.lua is without shipped routes; routes = defaults { ... } has all of them",
             log_str("routes", lacking));
  clear(&own);
}
