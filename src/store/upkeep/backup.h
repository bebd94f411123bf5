#ifndef MOONLEDGER_STORE_UPKEEP_BACKUP_H
#define MOONLEDGER_STORE_UPKEEP_BACKUP_H

#include "store/upkeep.h"

/* A backup is a folder:
 *
 *   the database under its name, in no need of its log
 *   NAME.cold/   the parts that it lists, hard links where the disk allows that
 *   SHA256SUMS   what each file has, as sha256sum(1) writes and checks it
 *
 * It is made in FOLDER.unfinished and renamed once all of it is checked and on the disk: what has
 * been killed leaves nothing that looks whole. */

#define BACKUP_SUMS "SHA256SUMS"

/* Copies the database as it is at one moment, while others may write it.  The report tells what was
 * checked.  0 or UV_E with the reason appended to error. */
int backup_make(const char *path, const char *folder, struct upkeep_progress *progress,
                struct upkeep_report *report, struct buf *error);

/* Puts a backup where there is no database.  Parts that are there already stay, those of others and
 * newer ones too.  The database comes last, by a rename. */
int backup_restore(const char *folder, const char *path, struct upkeep_progress *progress,
                   struct upkeep_report *report, struct buf *error);

#endif
