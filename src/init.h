#ifndef MOONLEDGER_INIT_H
#define MOONLEDGER_INIT_H

/* `moonledger init`: writes the files in the program into folder, where they win over it,
 * and overwrites nothing. Returns an exit code. */
int init_main(const char *folder);

#endif
