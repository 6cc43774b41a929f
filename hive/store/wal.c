/* The format of the log, to the byte. All integers are little-endian and unaligned.
 *
 * A queen's log is a directory of SEGMENTS, `segment-0000000001` and up without a gap. The first ones go when a
 * snapshot stands for what is in them. A segment is a file that was filled with zeros and synced before it got
 * its name, so that a write into it changes no metadata: one fdatasync, one flush. Segments are never used
 * twice. At most one is prepared ahead of the one in use.
 *
 *     segment   offset  bytes
 *                    0      8  "HIVEWAL" and a NUL
 *                    8      4  format version, 2 (1: of a log without snapshots)
 *                   12      4  zero
 *                   16      8  id of the queen
 *                   24      8  sequence number of the segment, as in its name
 *                   32      8  salt: random bits
 *                   40     20  zero
 *                   60      4  CRC32C of the 60 bytes above
 *                   64         frames, one behind the other; from the last one's end on, zeros
 *
 * A FRAME is what one store_write wrote: the records of one or more steps of the core, with one checksum.
 *
 *     frame          0      4  bytes of the payload; 0: no frame here, the end of what is used
 *                    4      4  CRC32C of: the segment's salt, the fields at 0 and 8, the payload, the end mark
 *                    8      8  number of the write: the log's first is 1, the next one more, across segments
 *                   16         payload: records
 *                   +0      1  end mark, 0xe5
 *
 * A RECORD is one thing that happened. Its first byte is its kind; the others follow from that.
 *
 *     truncate  1    1      8  first index that is removed; all behind it go too
 *     entry     2    1      1  type of the entry (enum raft_entry_type)
 *                    2      4  bytes of its data
 *                    6      8  index
 *                   14      8  term
 *                   22         data
 *     state     3    1      8  term
 *                    9      8  voted for; 0: nobody
 *     opening   4    1      8  index that the next entry will have
 *                    9      8  term
 *                   17      8  voted for
 *
 *     install   5    1      8  index that a snapshot stands for: the log is empty, and goes on behind it
 *                    9      8  term of that index
 *
 * The opening is the first record of each segment's first frame, and only there: the state before it, so that
 * recovery can tell that the segment goes on where the one before it ended, and can do without that one when
 * a snapshot stands for it.
 *
 * HOW A BAD FRAME IS JUDGED. A frame is written only when the one before it is durable. So a crash can tear
 * the last frame and no other; and since it lies in what were zeros, what is left of it are sectors written
 * in full and sectors of zeros, or, after a kill in the middle of the write, its first part. It follows:
 *   - Where an intact frame with a later number lies behind the bad one, the bad one was durable: damage.
 *   - Where none of its sectors is missing and its end mark is there, it was written in full: damage.
 *   - Otherwise it is a write that a crash cut short and that nobody was told of. It is removed.
 * This is why a frame, and not each record, carries the checksum: a crash in a group commit can lose any of
 * its sectors, and a record that survived behind one that did not would look like damage. The salt keeps
 * bytes of another log, or of a value that somebody stored in this one, from passing as a frame; the number
 * keeps a frame from passing in another one's place. */
#include "store/wal.h"

#include <assert.h>
#include <errno.h>

#include "store/bytes.h"
#include "store/crc32c.h"
#include "store/store.h"

#define VERSION      2
#define END_MARK     0xe5
#define SECTOR_BYTES 512 /* the least that a disk writes at once */

/* Sizes of the records, without an entry's data. */
#define TRUNCATE_BYTES   9
#define ENTRY_BYTES      22
#define HARD_STATE_BYTES 17
#define INSTALL_BYTES    17

static const char magic[8] = "HIVEWAL";

/* ---- segment headers ---- */

void wal_encode_header(const struct wal_header *header, uint8_t bytes[WAL_HEADER_BYTES])
{
    memset(bytes, 0, WAL_HEADER_BYTES);
    memcpy(bytes, magic, sizeof magic);
    put_u32(bytes + 8, VERSION);
    put_u64(bytes + 16, header->id);
    put_u64(bytes + 24, header->sequence);
    put_u64(bytes + 32, header->salt);
    put_u32(bytes + 60, crc32c(0, bytes, 60));
}

int wal_decode_header(const void *bytes, size_t size, struct wal_header *header)
{
    const uint8_t *at = bytes;
    if (size < WAL_HEADER_BYTES || memcmp(at, magic, sizeof magic) != 0 ||
        get_u32(at + 60) != crc32c(0, at, 60))
        return -EBADMSG;
    if (get_u32(at + 8) != VERSION)
        return -ENOTSUP;
    *header =
        (struct wal_header){.id = get_u64(at + 16), .sequence = get_u64(at + 24), .salt = get_u64(at + 32)};
    return 0;
}

/* ---- frames ---- */

/* The checksum's start: all that it covers ahead of the payload. */
static uint32_t crc_begin(uint64_t salt, uint32_t payload_bytes, uint64_t number)
{
    uint8_t bytes[20];
    put_u64(put_u32(put_u64(bytes, salt), payload_bytes), number);
    return crc32c(0, bytes, sizeof bytes);
}

void wal_seal(struct wal_envelope *envelope, uint64_t salt, uint64_t number, const struct wal_state *opening,
              const void *payload, size_t payload_bytes)
{
    uint8_t *start = envelope->head + WAL_FRAME_HEADER_BYTES, *at = start;
    if (opening) {
        *at++ = WAL_OPENING;
        at = put_u64(put_u64(put_u64(at, opening->last_index + 1), opening->term), opening->voted_for);
    }
    size_t opening_bytes = (size_t)(at - start);
    assert(payload_bytes + opening_bytes <= WAL_PAYLOAD_BYTES);
    uint32_t bytes = (uint32_t)(opening_bytes + payload_bytes);
    envelope->head_bytes = WAL_FRAME_HEADER_BYTES + opening_bytes;
    envelope->mark = END_MARK;

    uint32_t crc = crc_begin(salt, bytes, number);
    crc = crc32c(crc, start, opening_bytes);
    crc = crc32c(crc, payload, payload_bytes);
    crc = crc32c(crc, &envelope->mark, 1);
    put_u64(put_u32(put_u32(envelope->head, bytes), crc), number);
}

/* The bytes of the frame that may be at `offset`, by its length; 0 where none of that length can be there. */
static size_t frame_bytes(const struct wal_image *image, size_t offset)
{
    if (offset > image->size || image->size - offset <= WAL_FRAME_EXTRA_BYTES)
        return 0;
    size_t payload_bytes = get_u32(image->bytes + offset);
    if (payload_bytes == 0 || payload_bytes > WAL_PAYLOAD_BYTES ||
        payload_bytes > image->size - offset - WAL_FRAME_EXTRA_BYTES)
        return 0;
    return payload_bytes + WAL_FRAME_EXTRA_BYTES;
}

bool wal_decode_frame(const struct wal_image *image, size_t offset, struct wal_frame *frame)
{
    size_t bytes = frame_bytes(image, offset);
    if (bytes == 0)
        return false;
    const uint8_t *at = image->bytes + offset;
    *frame = (struct wal_frame){
        .number = get_u64(at + 8),
        .payload = at + WAL_FRAME_HEADER_BYTES,
        .payload_bytes = bytes - WAL_FRAME_EXTRA_BYTES,
        .bytes = bytes,
    };
    uint32_t crc = crc_begin(image->salt, (uint32_t)frame->payload_bytes, frame->number);
    return get_u32(at + 4) == crc32c(crc, frame->payload, frame->payload_bytes + 1);
}

bool wal_has_frame(const struct wal_image *image, size_t offset, uint64_t number)
{
    struct wal_frame frame;
    for (; offset + WAL_FRAME_EXTRA_BYTES < image->size; offset++) {
        /* Numbers far ahead are chance. Looking at them first keeps this search linear: few checksums are
         * computed. */
        uint64_t ahead = get_u64(image->bytes + offset + 8) - number;
        if (ahead - 1 < UINT32_MAX && wal_decode_frame(image, offset, &frame))
            return true;
    }
    return false;
}

bool wal_frame_is_whole(const struct wal_image *image, size_t offset)
{
    static const uint8_t zeros[SECTOR_BYTES];
    size_t end = offset + frame_bytes(image, offset);
    if (end == offset || image->bytes[end - 1] != END_MARK)
        return false;
    while (offset < end) {
        size_t next = (offset / SECTOR_BYTES + 1) * SECTOR_BYTES;
        if (next > end)
            next = end;
        if (memcmp(image->bytes + offset, zeros, next - offset) == 0)
            return false;
        offset = next;
    }
    return true;
}

/* ---- records ---- */

void store_encode_install(struct hive_buffer *batch, raft_index index, raft_term term)
{
    uint8_t *at = hive_buffer_reserve(batch, INSTALL_BYTES);
    *at++ = WAL_INSTALL;
    put_u64(put_u64(at, index), term);
    batch->size += INSTALL_BYTES;
}

void store_encode_truncate(struct hive_buffer *batch, raft_index from)
{
    uint8_t *at = hive_buffer_reserve(batch, TRUNCATE_BYTES);
    *at++ = WAL_TRUNCATE;
    put_u64(at, from);
    batch->size += TRUNCATE_BYTES;
}

void store_encode_entry(struct hive_buffer *batch, const struct raft_entry *entry)
{
    assert(entry->bytes <= WAL_PAYLOAD_BYTES);
    uint8_t *at = hive_buffer_reserve(batch, ENTRY_BYTES);
    *at++ = WAL_ENTRY;
    *at++ = (uint8_t)entry->type;
    put_u64(put_u64(put_u32(at, (uint32_t)entry->bytes), entry->index), entry->term);
    batch->size += ENTRY_BYTES;
    hive_buffer_append(batch, entry->data, entry->bytes);
}

void store_encode_hard_state(struct hive_buffer *batch, raft_term term, raft_id voted_for)
{
    uint8_t *at = hive_buffer_reserve(batch, HARD_STATE_BYTES);
    *at++ = WAL_HARD_STATE;
    put_u64(put_u64(at, term), voted_for);
    batch->size += HARD_STATE_BYTES;
}

bool wal_next_record(const uint8_t **payload, size_t *bytes, struct wal_record *record)
{
    static const size_t record_bytes[] = {
        [WAL_TRUNCATE] = TRUNCATE_BYTES,   [WAL_ENTRY] = ENTRY_BYTES,     [WAL_HARD_STATE] = HARD_STATE_BYTES,
        [WAL_OPENING] = WAL_OPENING_BYTES, [WAL_INSTALL] = INSTALL_BYTES,
    };
    const uint8_t *at = *payload;
    if (*bytes == 0 || at[0] < WAL_TRUNCATE || at[0] > WAL_INSTALL || *bytes < record_bytes[at[0]])
        return false;
    *record = (struct wal_record){.kind = (enum wal_kind)at[0]};
    size_t used = record_bytes[record->kind];
    switch (record->kind) {
    case WAL_TRUNCATE:
        record->entry.index = get_u64(at + 1);
        break;
    case WAL_ENTRY:
        record->entry = (struct raft_entry){
            .type = (enum raft_entry_type)at[1],
            .bytes = get_u32(at + 2),
            .index = get_u64(at + 6),
            .term = get_u64(at + 14),
            .data = at + ENTRY_BYTES,
        };
        if (record->entry.bytes > *bytes - used)
            return false;
        used += record->entry.bytes;
        break;
    case WAL_INSTALL:
        record->entry.index = get_u64(at + 1);
        record->term = get_u64(at + 9);
        break;
    case WAL_OPENING:
        record->entry.index = get_u64(at + 1);
        record->term = get_u64(at + 9);
        record->voted_for = get_u64(at + 17);
        break;
    case WAL_HARD_STATE:
        record->term = get_u64(at + 1);
        record->voted_for = get_u64(at + 9);
        break;
    }
    *payload += used;
    *bytes -= used;
    return true;
}

const char *wal_apply(struct wal_state *state, const struct wal_record *record)
{
    switch (record->kind) {
    case WAL_TRUNCATE:
        if (record->entry.index == 0 || record->entry.index > state->last_index + 1)
            return "it removes entries that were never there";
        if (record->entry.index <= state->base)
            return "it removes what a snapshot stands for";
        state->last_index = record->entry.index - 1;
        break;
    case WAL_ENTRY:
        if (record->entry.index != state->last_index + 1)
            return "it holds an entry that does not follow on the last one";
        state->last_index = record->entry.index;
        break;
    case WAL_INSTALL:
        if (record->entry.index == 0 || record->entry.index < state->base)
            return "it installs a snapshot that is older than the one before";
        state->last_index = state->base = record->entry.index;
        state->base_term = record->term;
        break;
    case WAL_HARD_STATE:
        if (record->term < state->term)
            return "its term goes back";
        if (record->term == state->term && state->voted_for && record->voted_for != state->voted_for)
            return "it changes a vote within a term";
        state->term = record->term;
        state->voted_for = record->voted_for;
        break;
    case WAL_OPENING:
        if (record->entry.index != state->last_index + 1 || record->term != state->term ||
            record->voted_for != state->voted_for)
            return "it does not go on where the segment before it ended";
        break;
    }
    return NULL;
}
