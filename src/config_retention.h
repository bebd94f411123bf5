#ifndef MOONLEDGER_CONFIG_RETENTION_H
#define MOONLEDGER_CONFIG_RETENTION_H

#include "config.h"

/* Reads storage.retention of config_read's table, which is at the top of the stack; what is wrong
 * with it is appended to errors. */
void config_read_retention(struct config *config, struct lua_State *L, struct buf *errors);

#endif
