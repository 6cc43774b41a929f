/* The log's format as bytes in memory: headers, frames and records, encoded and decoded. Pure, thread-safe;
 * the files are segment.c's. The format itself is described at the top of wal.c. */
#ifndef STORE_WAL_H
#define STORE_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "raft/raft.h"

#define WAL_HEADER_BYTES       64 /* of a segment */
#define WAL_FRAME_HEADER_BYTES 16 /* before a frame's payload */
#define WAL_FRAME_EXTRA_BYTES  17 /* header and end mark: what a frame has beside its payload */
#define WAL_OPENING_BYTES      25 /* of the record that opens a segment's first frame */
#define WAL_PAYLOAD_BYTES                                                                                    \
    (1u                                                                                                      \
     << 30) /* most of one frame, opening included; far above what a step can fill                        \
                */

struct wal_header {
    raft_id id;        /* of the queen */
    uint64_t sequence; /* of the segment; the first is 1 */
    uint64_t salt;     /* random; part of every checksum in the segment */
};

void wal_encode_header(const struct wal_header *header, uint8_t bytes[WAL_HEADER_BYTES]);

/* 0; -EBADMSG: damaged; -ENOTSUP: intact, but of another format version. */
int wal_decode_header(const void *bytes, size_t size, struct wal_header *header);

/* What the log says of its queen so far. A zeroed struct is that of an empty log. */
struct wal_state {
    raft_index last_index;
    raft_index
        base; /* a snapshot that was installed stands for the log up to here; 0: none, as far as is known */
    raft_term base_term;
    raft_term term;
    raft_id voted_for;
};

/* A frame's first and last bytes, around a payload that stays where it is. */
struct wal_envelope {
    uint8_t head[WAL_FRAME_HEADER_BYTES + WAL_OPENING_BYTES]; /* header, and opening where there is one */
    size_t head_bytes;
    uint8_t mark;
};

/* Makes the envelope of write `number`. `opening` is the state before it for the first frame of a segment,
 * else NULL. */
void wal_seal(struct wal_envelope *envelope, uint64_t salt, uint64_t number, const struct wal_state *opening,
              const void *payload, size_t payload_bytes);

/* A segment in memory. */
struct wal_image {
    const uint8_t *bytes;
    size_t size;
    uint64_t salt;
};

struct wal_frame {
    uint64_t number; /* of the write; the first of the log is 1 */
    const uint8_t *payload;
    size_t payload_bytes;
    size_t bytes; /* all of it */
};

/* True where an intact frame is at `offset`. */
bool wal_decode_frame(const struct wal_image *image, size_t offset, struct wal_frame *frame);

/* True where an intact frame of a write later than `number` starts at `offset` or anywhere behind it. */
bool wal_has_frame(const struct wal_image *image, size_t offset, uint64_t number);

/* True where all sectors of the frame at `offset` have reached the disk: if it is not intact, it is damaged,
 * not torn. */
bool wal_frame_is_whole(const struct wal_image *image, size_t offset);

enum wal_kind {
    WAL_TRUNCATE = 1,
    WAL_ENTRY = 2,
    WAL_HARD_STATE = 3,
    WAL_OPENING = 4,
    WAL_INSTALL = 5,
};

struct wal_record {
    enum wal_kind kind;
    struct raft_entry
        entry; /* ENTRY: all of it, data within the payload. TRUNCATE, OPENING, INSTALL: its index alone */
    raft_term term; /* HARD_STATE and OPENING, like voted_for; INSTALL: of the snapshot */
    raft_id voted_for;
};

/* Takes the first record off the payload. False where there is none, or none that makes sense: then *bytes is
 * not 0. */
bool wal_next_record(const uint8_t **payload, size_t *bytes, struct wal_record *record);

/* Follows the record. NULL, or what about it cannot be, as a phrase for an error message. */
const char *wal_apply(struct wal_state *state, const struct wal_record *record);

#endif
