#ifndef MOONLEDGER_CONFIG_SHAPE_H
#define MOONLEDGER_CONFIG_SHAPE_H

#include <stdbool.h>

struct buf;
struct lua_State;

/* Keys of config.lua that hold lists and tables, named as messages name them: "cors.origins". */
bool config_is_shaped(const char *name);
bool config_has_shaped(const char *section);

/* Tells each of them that is no list, or no table, in the table at the top of the stack, which has
 * them all. */
void config_check_shapes(struct lua_State *L, struct buf *errors);

/* Pushes one of them; nil where its section is no table. */
void config_push_shaped(struct lua_State *L, const char *name);

/* Whether the value at the top is a list; why not is appended: "found the key token", or "got a
 * number". */
bool config_is_list(struct lua_State *L, struct buf *why);

/* Tells each key of the table at the top that is none of known, whose end is a NULL.  place: the
 * table's name. */
void config_check_keys(struct lua_State *L, const char *place, const char *const *known,
                       struct buf *errors);

#endif
