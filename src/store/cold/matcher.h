#ifndef MOONLEDGER_STORE_COLD_MATCHER_H
#define MOONLEDGER_STORE_COLD_MATCHER_H

#include "store/cold/filter.h"
#include "store/cold/view.h"

/* Which rows of a part match conditions, be they on its columns, on columns that are younger than
 * it or on members of extra.  Those on columns a filter decides (filter.h); the others are asked of
 * row after row or, where extras are in a dictionary, once for each of these.  One thread's. */
struct matcher;

/* where may be NULL: every row. */
struct matcher *matcher_new(struct conditions *where, const struct schema *schema);
void matcher_free(struct matcher *m); /* NULL is allowed */

/* What follows is of this cursor, and view tells why it fails. */
void matcher_enter(struct matcher *m, struct view *view, struct cursor *c);

/* Of the group that the cursor stands in.  FILTER_FAILED: view_why(). */
enum filter_answer matcher_group(struct matcher *m, size_t group);
enum filter_answer matcher_page(struct matcher *m, size_t page);

/* Leaves those of *n ascending places of the cursor's page whose rows match.  SQLITE_CORRUPT:
 * view_why(). */
int matcher_rows(struct matcher *m, uint16_t *places, size_t *n);

#endif
