#ifndef MOONLEDGER_SCRIPT_NOTES_H
#define MOONLEDGER_SCRIPT_NOTES_H

#include <stddef.h>
#include <stdint.h>

/* Short texts that scripts remember under keys for a while (kv.note, kv.recall): so many places and
 * no more; what comes to a place that is taken is there instead.  Any thread. */
struct notes;

enum { MAX_NOTE = 1024 }; /* bytes of key and text */

/* path: of the file that has them between two runs, copied; NULL: none. */
struct notes *notes_new(const char *path);
void notes_free(struct notes *notes);

/* until_us: unix time until which it is kept.  What is too long is not noted: UV_E2BIG. */
int notes_put(struct notes *notes, const char *key, size_t key_len, const char *text, size_t len,
              int64_t until_us);

/* Copies the text to out and answers its length, or -1: there is none any more. */
int notes_get(struct notes *notes, const char *key, size_t key_len, char out[MAX_NOTE]);

/* Forgets all of them, in the file too. */
void notes_clear(struct notes *notes);

/* Into the file and back, so that they outlive a restart; UV_E codes.  What a broken file still
 * tells is read. */
int notes_save(struct notes *notes);
int notes_load(struct notes *notes);

#endif
