#ifndef MOONLEDGER_STORE_READ_PAGE_FIGURES_H
#define MOONLEDGER_STORE_READ_PAGE_FIGURES_H

#include "store/cold/view.h"
#include "store/file/tally.h"

/* What the rows of a part's page add to measures and sketches, column by column: the same as
 * contribution_of (tally.h) of each.  One thread's. */
struct page_figures;

struct page_figures *page_figures_new(const struct schema *schema, struct figures wanted);
void page_figures_free(struct page_figures *f); /* NULL is allowed */

/* Whether the part has all columns that values are taken from; conditions may be on others. */
bool page_figures_can(const struct page_figures *f, const struct cursor *c);

/* Of the rows at n ascending places of the page that the cursor is on.  SQLITE_CORRUPT:
 * view_why(). */
int page_figures_read(struct page_figures *f, struct view *view, struct cursor *c,
                      const uint16_t *places, size_t n);

/* Adds the rows at places[from] to places[to], to excluded, to one tally, .. */
void page_figures_add(const struct page_figures *f, struct tally *tally, size_t from, size_t to,
                      int sign);

/* .. or to one each: tallies[i] is that of places[i]. */
void page_figures_spread(const struct page_figures *f, struct tally **tallies, size_t from,
                         size_t to, int sign);

#endif
