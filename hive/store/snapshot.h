/* Snapshot files as bytes: header, chunks and footer, encoded and checked; and reading one from end to end. The format is
 * described at the top of snapshot.c. */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "raft/raft.h"
#include "store/disk.h"

#define SNAPSHOT_CHUNK_BYTES        ((size_t)256 * 1024) /* most data of one chunk */
#define SNAPSHOT_CHUNK_HEADER_BYTES 8
#define SNAPSHOT_FOOTER_BYTES       20

/* Appends the header of a file that stands for `snapshot`. */
void snapshot_encode_header(const struct raft_snapshot *snapshot, struct hive_buffer *header);

/* The head of the chunk at `offset` of the file. */
void snapshot_encode_chunk(uint64_t offset, const void *data, size_t bytes,
                           uint8_t head[SNAPSHOT_CHUNK_HEADER_BYTES]);

/* The end of a file whose bytes before it have that checksum. */
void snapshot_encode_footer(uint32_t file_crc, uint64_t dump_bytes, uint8_t footer[SNAPSHOT_FOOTER_BYTES]);

/* A file that is read. One thread at a time. */
struct snapshot_file {
    const struct disk *disk;
    char *path; /* for messages */
    int file;
    uint64_t file_bytes;
    struct raft_snapshot meta;

    uint64_t offset; /* of the next chunk */
    uint8_t *chunk;  /* the data of the one before it, owned; NULL before the first */
    size_t chunk_bytes, chunk_used;
    uint32_t crc; /* of the file up to `offset` */
    uint64_t dump_bytes;
    bool is_at_end; /* the footer was read, and is right */
};

/* Opens it and checks its header. Finish it also where that failed. */
int snapshot_open(const struct disk *disk, const char *path, struct snapshot_file *file,
                  struct hive_error *error);
/* As store_snapshot_read. */
ssize_t snapshot_read(struct snapshot_file *file, void *bytes, size_t size, struct hive_error *error);
void snapshot_finish(struct snapshot_file *file);

/* Reads all of it. -EBADMSG: it is damaged. */
int snapshot_verify(const struct disk *disk, const char *path, struct raft_snapshot *snapshot,
                    struct hive_error *error);

#endif
