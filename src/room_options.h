#ifndef MOONLEDGER_ROOM_OPTIONS_H
#define MOONLEDGER_ROOM_OPTIONS_H

#include "config.h"
#include "http/site.h"
#include "hub/hub.h"
#include "script/settings.h"
#include "store/storage.h"

/* What of config.lua each room gets.  Texts and lists are the config's own. */
unsigned workers_of(const struct config *config); /* event loops */
struct http_limits http_limits_of(const struct config *config);
struct hub_options hub_options_of(const struct config *config);
/* limits.connections, or what the limit of open files leaves for them: at least one. Says
 * so in the log. */
unsigned max_connections_of(const struct config *config, unsigned nloops);

struct storage_options storage_options_of(const struct config *config, unsigned nloops);

/* For settings_read. */
struct settings_context {
  const struct config *running; /* NULL: nothing runs, and all that is wrong shall be told */
  const struct config_overrides *overrides;
  bool was_read; /* settings_read has been called */
};

/* read_settings and free_settings of script/services.h; arg is a struct settings_context. */
struct settings *settings_read(void *arg, struct lua_State *L, const char *file,
                               struct buf *errors);
void settings_free(struct settings *settings);

#endif
