/* Fuzzes the reader of snapshot files: the input becomes one. Whatever it says, it is refused, or it is byte for byte what the writer
 * makes of what was read; and how much is asked for at once changes nothing.
 *
 * Build and run, with clang (the corpus may be empty at first):
 *   clang -g -O1 -std=c17 -pthread -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Ihive \
 *       -include include/hive/banned.h tests/fuzz/snapshot_fuzz.c hive/store/?*.c hive/raft/configuration.c \
 *       hive/base/{buffer,error,file,memory,random}.c -o build/snapshot_fuzz
 *   mkdir -p build/corpus && build/snapshot_fuzz -max_len=4096 build/corpus */
#include "hive/memory.h"
#include "store/bytes.h"
#include "store/crc32c.h"
#include "store/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

/* ---- a disk that has one file ---- */

struct one_file {
    struct disk disk;
    const uint8_t *bytes;
    size_t size;
};

static int one_open(const struct disk *disk, const char *path, int flags)
{
    (void)disk, (void)path, (void)flags;
    return 0;
}

static void one_close(const struct disk *disk, int file)
{
    (void)disk, (void)file;
}

static ssize_t one_read(const struct disk *disk, int file, void *bytes, size_t size, off_t offset)
{
    const struct one_file *one = (const struct one_file *)(const void *)disk;
    (void)file;
    size_t left = (size_t)offset < one->size ? one->size - (size_t)offset : 0;
    if (left > size)
        left = size;
    if (left)
        memcpy(bytes, one->bytes + offset, left);
    return (ssize_t)left;
}

static int64_t one_size(const struct disk *disk, int file)
{
    (void)file;
    return (int64_t)((const struct one_file *)(const void *)disk)->size;
}

/* ---- the input ---- */

/* Gives the header, up to `chunks` chunks and the footer the checksums that they should have. */
static void repair(uint8_t *bytes, size_t size, unsigned chunks)
{
    if (size < 44)
        return;
    memcpy(bytes, "HIVESNP", 8);
    put_u32(bytes + 8, 1);
    size_t at = 40 + bytes[12];
    put_u32(bytes + 12, bytes[12]);
    if (at + 4 > size)
        return;
    put_u32(bytes + at, crc32c(0, bytes, at));
    size_t dump_bytes = 0;
    for (at += 4; chunks && size - at >= SNAPSHOT_CHUNK_HEADER_BYTES; chunks--) {
        size_t part = get_u32(bytes + at) & 0xff, room = size - at - SNAPSHOT_CHUNK_HEADER_BYTES;
        if (part == 0 || part > room)
            break;
        snapshot_encode_chunk(at, bytes + at + SNAPSHOT_CHUNK_HEADER_BYTES, part, bytes + at);
        at += SNAPSHOT_CHUNK_HEADER_BYTES + part;
        dump_bytes += part;
    }
    if (size - at == SNAPSHOT_FOOTER_BYTES)
        snapshot_encode_footer(crc32c(0, bytes, at), dump_bytes, bytes + at);
}

/* Reads all of it in pieces of that size. */
static ssize_t read_all(const struct disk *disk, size_t piece, struct raft_snapshot *meta,
                        struct hive_buffer *dump)
{
    struct snapshot_file file;
    ssize_t got = snapshot_open(disk, "snapshot", &file, NULL);
    *meta = file.meta;
    hive_buffer_clear(dump);
    while (got >= 0 && (got = snapshot_read(&file, hive_buffer_reserve(dump, piece), piece, NULL)) > 0)
        dump->size += (size_t)got;
    check(got < 0 || file.is_at_end);
    snapshot_finish(&file);
    return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct raft_snapshot meta, again;
    struct hive_buffer dump = {0}, second = {0}, header = {0};
    if (size < 2)
        return 0;
    uint8_t end[SNAPSHOT_FOOTER_BYTES], *bytes = hive_malloc(size);
    memcpy(bytes, data + 2, size - 2);
    struct one_file one = {.disk = {.open = one_open, .close = one_close, .read = one_read, .size = one_size},
                           .bytes = bytes,
                           .size = size - 2};
    if (data[0] & 1)
        repair(bytes, size - 2, data[0] >> 1);
    ssize_t result = read_all(&one.disk, 65536, &meta, &dump);
    check(read_all(&one.disk, 1 + data[1], &again, &second) == result && second.size == dump.size);
    check((snapshot_verify(&one.disk, "snapshot", &again, NULL) == 0) == (result == 0));
    if (result ==
        0) { /* header and footer are as the writer makes them; the chunks between were checked one by one */
        snapshot_encode_header(&meta, &header);
        check(header.size + sizeof end <= one.size && memcmp(header.data, bytes, header.size) == 0);
        size_t before = one.size - sizeof end;
        snapshot_encode_footer(crc32c(0, bytes, before), dump.size, end);
        check(memcmp(end, bytes + before, sizeof end) == 0);
        check(dump.size == 0 || memcmp(dump.data, second.data, dump.size) == 0);
    }
    hive_buffer_finish(&dump);
    hive_buffer_finish(&second);
    hive_buffer_finish(&header);
    free(bytes);
    return 0;
}
