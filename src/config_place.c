#include "config_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

static const char config_name[] = "/moonledger/config.lua", database_name[] = "data/moonledger.db";

/* The variable's folder, or the one in $HOME, and what stands there; NULL without both.  A path in
 * them that is not absolute counts as none: the specification has it so. */
static char *own_path(const char *variable, const char *in_home, const char *name) {
  const char *folder = getenv(variable), *home = getenv("HOME");
  struct buf path = {0};
  if (folder != NULL && *folder == '/')
    buf_printf(&path, "%s%s", folder, name);
  else if (home != NULL && *home == '/')
    buf_printf(&path, "%s%s%s", home, in_home, name);
  else
    return NULL;
  buf_putc(&path, '\0');
  return path.data;
}

static char *own_config(void) {
  return own_path("XDG_CONFIG_HOME", "/.config", config_name);
}

static char *own_data(void) {
  return own_path("XDG_DATA_HOME", "/.local/share", "/moonledger");
}

static bool is_there(const char *path) {
  return path != NULL && access(path, F_OK) == 0;
}

static bool is_same(const char *one, const char *other) {
  char *a = file_path(one), *b = other != NULL ? file_path(other) : NULL;
  bool same = a != NULL && b != NULL && strcmp(a, b) == 0;
  free(a);
  free(b);
  return same;
}

/* Settings of a person and of the machine have their data elsewhere. */
static char *data_of(const char *file) {
  char *own = own_config(), *data = NULL;
  if (is_same(file, own))
    data = own_data();
  else if (is_same(file, "/etc/moonledger/config.lua"))
    data = xstrdup("/var/lib/moonledger");
  free(own);
  return data;
}

static bool take_named(struct config_place *place, const char *how, const char *file) {
  if (!is_there(file)) {
    fprintf(stderr, "%s: %s; %s names another file\n", file, strerror(errno), how);
    return false;
  }
  *place = (struct config_place){xstrdup(file), how, data_of(file)};
  return true;
}

bool config_place_find(struct config_place *place, const char *named) {
  const char *variable = getenv("MOONLEDGER_CONFIG");
  if (named != NULL)
    return take_named(place, "--config", named);
  if (variable != NULL && *variable != '\0')
    return take_named(place, "$MOONLEDGER_CONFIG", variable);
  char *places[] = {xstrdup("config.lua"), own_config(), xstrdup("/etc/moonledger/config.lua")};
  enum { PLACES = sizeof places / sizeof *places };
  int found = 0;
  while (found < PLACES && !is_there(places[found]))
    found++;
  *place = (struct config_place){xstrdup("config.lua"), "built in", NULL};
  if (found < PLACES) {
    free(place->file);
    *place = (struct config_place){xstrdup(places[found]), "looked for", data_of(places[found])};
  } else if (!is_there(database_name)) {
    place->data = own_data();
  }
  for (int i = 0; i < PLACES; i++)
    free(places[i]);
  return true;
}

void config_place_clear(struct config_place *place) {
  free(place->file);
  free(place->data);
}

char *config_place_other_database(const char *database) {
  if (is_there(database))
    return NULL;
  if (is_there(database_name))
    return file_path(database_name);
  char *other = own_path("XDG_DATA_HOME", "/.local/share", "/moonledger/data/moonledger.db");
  if (is_there(other))
    return other;
  free(other);
  return NULL;
}
