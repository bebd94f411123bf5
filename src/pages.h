#ifndef MOONLEDGER_PAGES_H
#define MOONLEDGER_PAGES_H

#include "hub/hub.h"

/* The hub asks for rows that have left its ring, the store has them: struct
 * hub_pages on a struct storage. */
void *page_read(void *storage, const struct hub_page *page);
void page_cancel(void *handle);

#endif
