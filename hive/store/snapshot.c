/* The format of a snapshot, to the byte. All integers are little-endian and unaligned.
 *
 *     header    offset  bytes
 *                    0      8  "HIVESNP" and a NUL
 *                    8      4  format version, 1
 *                   12      4  bytes of the configuration
 *                   16      8  index of the last entry that it stands for
 *                   24      8  term of that entry
 *                   32      8  index of the configuration's entry; 0: what the group was founded with
 *                   40         configuration in force at the index, as raft/configuration.h encodes it
 *                   +0      4  CRC32C of all above
 *
 *     chunk          0      4  bytes of the data, 1 to 262,144
 *                    4      4  CRC32C of: the chunk's offset in the file (8 bytes), the 4 bytes above, the data
 *                    8         data: the next bytes of the machine's dump
 *
 *     footer         0      4  0: no chunk
 *                    4      4  CRC32C of the whole file before the footer
 *                    8      8  bytes of the dump
 *                   16      4  CRC32C of the 16 bytes above
 *
 * Chunks follow each other without a gap, and the file ends with the footer. A chunk's own checksum lets a reader hand out
 * what it has without reading to the end first; that it covers the offset keeps chunks from passing in each other's place; the
 * footer's keeps a file from passing that lacks some or has those of another.
 *
 * The file is `snapshot-INDEX-TERM`, in twenty digits each. While it is written it is `snapshot.tmp`, and while it
 * arrives from a peer `incoming-INDEX-TERM-BYTES`: it has its name only when it is complete and synced. */
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>

#include "hive/memory.h"
#include "raft/configuration.h"
#include "store/bytes.h"
#include "store/crc32c.h"

#define VERSION             1
#define HEADER_BYTES        40                    /* before the configuration */
#define CONFIGURATION_BYTES ((size_t)1024 * 1024) /* far above what 64 members take */

static const char magic[8] = "HIVESNP";

/* ---- writing ---- */

void snapshot_encode_header(const struct raft_snapshot *snapshot, struct hive_buffer *header)
{
    size_t start = header->size;
    hive_buffer_reserve(header, HEADER_BYTES);
    header->size += HEADER_BYTES;
    raft_configuration_encode(header, &snapshot->configuration);
    size_t bytes = header->size - start;
    hive_buffer_reserve(header, 4);
    uint8_t *at = (uint8_t *)header->data + start;
    memcpy(at, magic, sizeof magic);
    uint8_t *next = put_u32(put_u32(at + 8, VERSION), (uint32_t)(bytes - HEADER_BYTES));
    put_u64(put_u64(put_u64(next, snapshot->index), snapshot->term), snapshot->configuration.index);
    put_u32(at + bytes, crc32c(0, at, bytes));
    header->size += 4;
}

static uint32_t chunk_crc(uint64_t offset, const void *data, size_t bytes)
{
    uint8_t start[12];
    put_u32(put_u64(start, offset), (uint32_t)bytes);
    return crc32c(crc32c(0, start, sizeof start), data, bytes);
}

void snapshot_encode_chunk(uint64_t offset, const void *data, size_t bytes,
                           uint8_t head[SNAPSHOT_CHUNK_HEADER_BYTES])
{
    put_u32(put_u32(head, (uint32_t)bytes), chunk_crc(offset, data, bytes));
}

void snapshot_encode_footer(uint32_t file_crc, uint64_t dump_bytes, uint8_t footer[SNAPSHOT_FOOTER_BYTES])
{
    put_u64(put_u32(put_u32(footer, 0), file_crc), dump_bytes);
    put_u32(footer + 16, crc32c(0, footer, 16));
}

/* ---- reading ---- */

static int damaged(const struct snapshot_file *file, const char *what, struct hive_error *error)
{
    return hive_error_set(error, -EBADMSG, "%s is damaged at byte %llu: %s", file->path,
                          (unsigned long long)file->offset, what);
}

/* Reads exactly so many bytes at the file's offset, and counts them to its checksum. */
static int get(struct snapshot_file *file, uint8_t *bytes, size_t size, struct hive_error *error)
{
    ssize_t got = disk_read(file->disk, file->file, bytes, size, (off_t)file->offset);
    if (got < 0)
        return hive_error_set(error, (int)got, "cannot read %s: %s", file->path, strerror((int)-got));
    if ((size_t)got < size)
        return damaged(file, "it ends too early", error);
    return 0;
}

static void pass(struct snapshot_file *file, const uint8_t *bytes, size_t size)
{
    file->crc = crc32c(file->crc, bytes, size);
    file->offset += size;
}

static int read_header(struct snapshot_file *file, struct hive_error *error)
{
    uint8_t start[HEADER_BYTES];
    int result = get(file, start, sizeof start, error);
    if (result < 0)
        return result;
    size_t bytes = get_u32(start + 12);
    if (memcmp(start, magic, sizeof magic) != 0)
        return damaged(file, "it is not a snapshot of hive's", error);
    if (bytes > CONFIGURATION_BYTES)
        return damaged(file, "its header is not intact", error);
    pass(file, start, sizeof start);
    uint32_t crc = file->crc;
    uint8_t *rest = hive_malloc(bytes + 4);
    result = get(file, rest, bytes + 4, error);
    if (result == 0 && get_u32(rest + bytes) != crc32c(crc, rest, bytes)) {
        file->offset = 0;
        result = damaged(file, "its header is not intact", error);
    } else if (result == 0 && get_u32(start + 8) != VERSION) {
        result = hive_error_set(
            error, -ENOTSUP, "%s was written by another version of hive: run that version on it", file->path);
    } else if (result == 0 &&
               !raft_configuration_decode(rest, bytes, get_u64(start + 32), &file->meta.configuration)) {
        result = damaged(file, "it holds no configuration", error);
    }
    if (result == 0)
        pass(file, rest, bytes + 4);
    free(rest);
    file->meta.index = get_u64(start + 16);
    file->meta.term = get_u64(start + 24);
    return result;
}

int snapshot_open(const struct disk *disk, const char *path, struct snapshot_file *file,
                  struct hive_error *error)
{
    *file = (struct snapshot_file){.disk = disk, .path = hive_strdup(path)};
    file->file = disk->open(disk, path, O_RDONLY);
    int64_t bytes = file->file < 0 ? file->file : disk->size(disk, file->file);
    if (bytes < 0)
        return hive_error_set(error, (int)bytes, "cannot open %s: %s", path, strerror((int)-bytes));
    file->file_bytes = (uint64_t)bytes;
    return read_header(file, error);
}

void snapshot_finish(struct snapshot_file *file)
{
    if (file->path && file->file >= 0)
        file->disk->close(file->disk, file->file);
    free(file->path);
    free(file->chunk);
    *file = (struct snapshot_file){.file = -1};
}

static int read_footer(struct snapshot_file *file, struct hive_error *error)
{
    uint8_t footer[SNAPSHOT_FOOTER_BYTES], right[SNAPSHOT_FOOTER_BYTES];
    int result = get(file, footer, sizeof footer, error);
    if (result < 0)
        return result;
    snapshot_encode_footer(file->crc, file->dump_bytes, right);
    if (memcmp(footer, right, sizeof right) != 0)
        return damaged(file, "its end does not go with what is before it", error);
    pass(file, footer, sizeof footer);
    if (file->offset != file->file_bytes)
        return damaged(file, "something is behind its end", error);
    file->is_at_end = true;
    return 0;
}

/* Reads the next chunk, or the footer. */
static int read_next(struct snapshot_file *file, struct hive_error *error)
{
    uint8_t head[SNAPSHOT_CHUNK_HEADER_BYTES];
    int result = get(file, head, sizeof head, error);
    if (result < 0)
        return result;
    size_t bytes = get_u32(head);
    if (bytes == 0)
        return read_footer(file, error);
    if (bytes > SNAPSHOT_CHUNK_BYTES)
        return damaged(file, "it holds what is not a chunk", error);
    uint64_t offset = file->offset;
    uint32_t crc = file->crc;
    if (!file->chunk)
        file->chunk = hive_malloc(SNAPSHOT_CHUNK_BYTES);
    pass(file, head, sizeof head);
    result = get(file, file->chunk, bytes, error);
    if (result == 0 && get_u32(head + 4) != chunk_crc(offset, file->chunk, bytes)) {
        file->offset = offset;
        result = damaged(file, "a chunk has changed", error);
    }
    if (result < 0) { /* to be told again, should anybody go on */
        file->offset = offset;
        file->crc = crc;
        return result;
    }
    pass(file, file->chunk, bytes);
    file->chunk_bytes = bytes;
    file->chunk_used = 0;
    file->dump_bytes += bytes;
    return 0;
}

ssize_t snapshot_read(struct snapshot_file *file, void *bytes, size_t size, struct hive_error *error)
{
    if (file->chunk_used == file->chunk_bytes && !file->is_at_end) {
        int result = read_next(file, error);
        if (result < 0)
            return result;
    }
    size_t part = file->chunk_bytes - file->chunk_used;
    if (part > size)
        part = size;
    if (part)
        memcpy(bytes, file->chunk + file->chunk_used, part);
    file->chunk_used += part;
    return (ssize_t)part;
}

int snapshot_verify(const struct disk *disk, const char *path, struct raft_snapshot *snapshot,
                    struct hive_error *error)
{
    struct snapshot_file file;
    int result = snapshot_open(disk, path, &file, error);
    while (result == 0 && !file.is_at_end) {
        file.chunk_used = file.chunk_bytes;
        result = read_next(&file, error);
    }
    if (result == 0)
        *snapshot = file.meta;
    snapshot_finish(&file);
    return result;
}
