#include "version.h"

#include "commit.h" /* src/dist/commit.cmake writes it, anew where the commit is another one */

const char version_text[] = "moonledger " MOONLEDGER_VERSION " (" MOONLEDGER_COMMIT ")\n"
                            MOONLEDGER_LIBRARIES "\n";
