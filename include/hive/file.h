/* Files, written so that a crash leaves the old or the new content, never half. Thread-safe. */
#ifndef HIVE_FILE_H
#define HIVE_FILE_H

#include <stddef.h>

#include "hive/buffer.h"
#include "hive/error.h"

/* Reads the whole file (up to `max_bytes`, beyond is -EFBIG) into `content`. -ENOENT where it does not exist.
 */
int hive_file_read(const char *path, size_t max_bytes, struct hive_buffer *content, struct hive_error *error);

/* Replaces the file: temporary name, fsync, rename, fsync of the directory. `mode` as in open(2). */
int hive_file_write(const char *path, const void *data, size_t bytes, unsigned mode,
                    struct hive_error *error);

/* Creates the directory and its parents; fine where it exists. */
int hive_file_make_directories(const char *path, unsigned mode, struct hive_error *error);

/* fsync of the directory itself, after a file in it was created, renamed or removed. */
int hive_file_sync_directory(const char *path, struct hive_error *error);

/* Removes the directory with all in it; never follows links out of it. Fine where it does not exist. */
int hive_file_remove_tree(const char *path, struct hive_error *error);

/* Takes an exclusive lock that dies with the process. Gives the descriptor to close (>= 0), -EWOULDBLOCK with
 * the pid of the holder in the message where another process has it, or another error. */
int hive_file_lock(const char *path, struct hive_error *error);

/* $XDG_STATE_HOME/hive, or ~/.local/state/hive. The caller owns the string; NULL and an error where neither
 * variable is set to an absolute path. */
char *hive_file_state_directory(struct hive_error *error);

#endif
