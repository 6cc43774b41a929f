/* Who a queen is, what its group was founded with, and whether a group took it in later: three small files beside the log. */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "hive/error.h"
#include "raft/raft.h"
#include "store/disk.h"

/* A fresh id: 48 random bits, never 0. */
raft_id identity_draw(const struct disk *disk);

/* Reads or writes the id. -ENOENT, without a message: there is none. -EBADMSG: it is damaged. */
int identity_read(const struct disk *disk, const char *directory, raft_id *id, struct hive_error *error);
int identity_write(const struct disk *disk, const char *directory, raft_id id, struct hive_error *error);

/* The same for the founding. */
int founding_read(const struct disk *disk, const char *directory, struct raft_configuration *founding,
                  struct hive_error *error);
int founding_write(const struct disk *disk, const char *directory, const struct raft_configuration *founding,
                   struct hive_error *error);

/* … and for the index of the entry by which a group took the queen in. */
int joined_read(const struct disk *disk, const char *directory, raft_index *index, struct hive_error *error);
int joined_write(const struct disk *disk, const char *directory, raft_index index, struct hive_error *error);

#endif
