#ifndef MOONLEDGER_BASE_UUID_H
#define MOONLEDGER_BASE_UUID_H

enum { UUID_LENGTH = 36 };

/* RFC 9562, written as 36 characters of text without a terminating NUL.  Any thread. */
void uuid4(char out[UUID_LENGTH]);
void uuid7(char out[UUID_LENGTH]);

#endif
