#ifndef MOONLEDGER_VERSION_H
#define MOONLEDGER_VERSION_H

/* Of the program, the commit that it was built from and the libraries in it; lines. */
extern const char version_text[];

#endif
