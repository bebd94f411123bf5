#ifndef MOONLEDGER_CONFIG_SHIPPED_H
#define MOONLEDGER_CONFIG_SHIPPED_H

#include "config.h"

/* What config_read takes from the config.lua in the program. */

/* Gives the table at the top of the stack the keys that it leaves out, also those of its
 * sections. */
void config_fill(struct lua_State *L);

/* Reads the routes of that table, which has them. */
void config_read_routes(struct config *config, struct lua_State *L, struct buf *errors);
void config_free_routes(struct config *config);

#endif
