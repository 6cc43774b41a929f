/* Fuzzes recovery: the input becomes a log of one or two segments. Whatever it says, recovery refuses it or
 * gives a log that follows its own rules, that can be written on, and that is found again.
 *
 * Build and run, with clang (the corpus may be empty at first):
 *   clang -g -O1 -std=c17 -pthread -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Ihive \
 *       -include include/hive/banned.h tests/fuzz/wal_fuzz.c hive/store/?*.c hive/raft/configuration.c \
 *       hive/base/{buffer,error,file,memory,random}.c -o build/wal_fuzz
 *   mkdir -p build/corpus && build/wal_fuzz -max_len=4096 build/corpus */
#include <fcntl.h>
#include <unistd.h>

#include "hive/memory.h"
#include "store/identity.h"
#include "store/segment.h"
#include "store/store.h"
#include "store/wal.h"

#define QUEEN 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sync_nothing(const struct disk *disk, int file)
{
    (void)disk, (void)file;
    return 0;
}

static int sync_no_directory(const struct disk *disk, const char *path)
{
    (void)disk, (void)path;
    return 0;
}

/* The system's disk without its slowness. */
static const struct disk *disk_quick(void)
{
    static struct disk quick;
    quick = disk_system;
    quick.sync = sync_nothing;
    quick.sync_directory = sync_no_directory;
    return &quick;
}

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

/* Made once: the log's directory, in memory where there is such a place. */
static const char *directory(void)
{
    static char path[] = "/dev/shm/hive-fuzz-XXXXXX";
    static bool is_made;
    if (!is_made)
        check(mkdtemp(path) != NULL && identity_write(&disk_system, path, QUEEN, NULL) == 0);
    is_made = true;
    return path;
}

/* Gives up to `count` frames at the start of the segment the numbers and checksums that they should have, so
 * that what is in them is looked at. Their lengths stay the input's. */
static void repair_frames(uint8_t *bytes, size_t size, unsigned count, uint64_t *number)
{
    size_t offset = WAL_HEADER_BYTES;
    while (count-- && size - offset > WAL_FRAME_EXTRA_BYTES) {
        size_t room = size - offset - WAL_FRAME_EXTRA_BYTES,
               payload = bytes[offset] | (size_t)bytes[offset + 1] << 8;
        uint8_t *frame = bytes + offset;
        if (payload == 0 || payload > room)
            payload = room;
        struct wal_envelope envelope;
        wal_seal(&envelope, 0, ++*number, NULL, frame + WAL_FRAME_HEADER_BYTES, payload);
        memcpy(frame, envelope.head, WAL_FRAME_HEADER_BYTES);
        frame[WAL_FRAME_HEADER_BYTES + payload] = envelope.mark;
        offset += payload + WAL_FRAME_EXTRA_BYTES;
    }
}

static void write_segment(uint64_t sequence, const uint8_t *bytes, size_t size)
{
    char *path = segment_path(directory(), sequence);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    check(file >= 0 && write(file, bytes, size) == (ssize_t)size);
    close(file);
    free(path);
}

/* The input's first bytes say how much of the log is made right: the headers, how many frames, and where the
 * second segment begins. */
static void write_log(const uint8_t *data, size_t size)
{
    bool has_headers = data[0] & 1, has_second = data[0] & 2;
    uint64_t number = 0;
    size_t split = has_second ? (size - 3) * data[2] / 256 : size - 3;
    const uint8_t *parts[] = {data + 3, data + 3 + split};
    size_t sizes[] = {split, size - 3 - split};
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        char *path = segment_path(directory(), sequence);
        unlink(path);
        free(path);
    }
    for (uint64_t i = 0; i < 1 + (uint64_t)has_second; i++) {
        size_t head = has_headers ? WAL_HEADER_BYTES : 0;
        uint8_t *bytes = hive_calloc(head + sizes[i], 1);
        memcpy(bytes + head, parts[i], sizes[i]);
        if (has_headers) {
            wal_encode_header(&(struct wal_header){.id = QUEEN, .sequence = i + 1}, bytes);
            repair_frames(bytes, head + sizes[i], i ? data[1] >> 4 : data[1] & 15, &number);
        }
        write_segment(i + 1, bytes, head + sizes[i]);
        free(bytes);
    }
}

static bool recover(struct store **store, struct store_recovery *found)
{
    struct store_config config = {.directory = directory(), .disk = disk_quick(), .segment_bytes = 1024};
    if (store_open(&config, store, found, NULL) < 0)
        return false;
    for (size_t i = 0; i < found->entry_count; i++) {
        check(found->entries[i].index == i + 1);
        check(i == 0 || found->entries[i].term >= found->entries[i - 1].term);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *store;
    struct store_recovery found, again;
    struct hive_buffer batch = {0};
    if (size < 3)
        return 0;
    write_log(data, size);
    if (!recover(&store, &found))
        return 0;
    raft_term last_term = found.entry_count ? found.entries[found.entry_count - 1].term : 0;
    store_encode_entry(&batch,
                       &(struct raft_entry){found.entry_count + 1, last_term, RAFT_ENTRY_COMMAND, "more", 4});
    check(store_write(store, batch.data, batch.size, NULL) == 0);
    store_close(store);
    check(recover(&store, &again));
    check(again.truncated_bytes == 0 && again.term == found.term && again.voted_for == found.voted_for);
    check(again.entry_count == found.entry_count + 1);
    for (size_t i = 0; i < found.entry_count; i++) {
        check(again.entries[i].term == found.entries[i].term &&
              again.entries[i].bytes == found.entries[i].bytes);
        check(memcmp(again.entries[i].data ? again.entries[i].data : "",
                     found.entries[i].data ? found.entries[i].data : "", found.entries[i].bytes) == 0);
    }
    store_close(store);
    store_recovery_finish(&found);
    store_recovery_finish(&again);
    hive_buffer_finish(&batch);
    return 0;
}
