#ifndef MOONLEDGER_CONFIG_CAPTURES_H
#define MOONLEDGER_CONFIG_CAPTURES_H

#include "config.h"

/* Reads captures of the table at the top of L's stack, after its routes. */
void config_read_captures(struct config *config, struct lua_State *L, struct buf *errors);

#endif
