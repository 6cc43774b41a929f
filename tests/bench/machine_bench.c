/* What a snapshot costs the thread that owns the machine: how long one piece of a dump takes, and how long a command that comes while a dump
 * is under way, beside one that comes when none is. And how long it takes to load what was dumped. Takes the number of keys (1,000,000)
 * and the bytes of their values (1024) as its arguments. All times are those that the processor spent on it. */
#include <inttypes.h>
#include <time.h>

#include "hive/memory.h"
#include "machine/machine.h"

#define PIECE_BYTES        HIVE_SNAPSHOT_CHUNK_BYTES
#define COMMANDS_PER_PIECE 20
#define COMMANDS           100000

static void fail(const char *what)
{
    fprintf(stderr, "machine_bench: %s\n", what);
    exit(1);
}

/* Of this thread's work: on a machine that is busy with other things, too, those are not counted. */
static int64_t now_us(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time))
        fail("cannot read the thread's clock");
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* Times, to be sorted. */
struct times {
    int64_t *us;
    size_t count, capacity;
};

static void add(struct times *times, int64_t us)
{
    if (times->count == times->capacity) {
        times->capacity = times->capacity ? 2 * times->capacity : 1024;
        times->us = hive_realloc(times->us, times->capacity, sizeof *times->us);
    }
    times->us[times->count++] = us;
}

static int compare(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static void print(const char *what, struct times *times)
{
    qsort(times->us, times->count, sizeof *times->us, compare);
    printf("%-34s %8zu times: p50 %6" PRId64 " us, p99 %6" PRId64 " us, max %6" PRId64 " us\n", what,
           times->count, times->us[times->count / 2], times->us[times->count * 99 / 100],
           times->us[times->count - 1]);
    free(times->us);
    *times = (struct times){0};
}

/* Writes a key, the first ones one after the other, then all in a mixed order. */
static void put(struct machine *machine, uint64_t number, const struct machine_bytes *value)
{
    static struct hive_buffer buffer;
    char key[32];
    struct machine_result result;
    struct machine_command command = {
        .type = MACHINE_KV_PUT,
        .time_ms = 1,
        .key = {key, (size_t)snprintf(key, sizeof key, "key-%012" PRIu64, number)},
        .value = *value};

    hive_buffer_clear(&buffer);
    machine_command_encode(&command, &buffer);
    machine_apply(machine, machine_applied_index(machine) + 1, buffer.data, buffer.size, &result);
    if (result.status != MACHINE_OK)
        fail("a put was refused");
}

static uint64_t mixed(uint64_t number, uint64_t keys)
{
    return number * 0x9E3779B97F4A7C15 % keys;
}

static void put_and_time(struct machine *machine, uint64_t number, const struct machine_bytes *value,
                         struct times *times)
{
    int64_t begin_us = now_us();
    put(machine, number, value);
    add(times, now_us() - begin_us);
}

/* One dump, of which each piece goes straight into the loader. */
static void dump_and_load(struct machine *machine, uint64_t keys, const struct machine_bytes *value,
                          bool is_busy)
{
    struct times pieces = {0}, commands = {0};
    struct machine_loader *loader = machine_load_begin();
    struct machine *loaded;
    struct hive_error error;
    struct hive_buffer piece = {0};
    uint64_t before = machine_digest(machine), bytes = 0, number = keys / 3;
    int64_t begin_us = now_us(), load_us = 0;
    bool is_more;

    machine_dump_begin(machine);
    add(&pieces, now_us() - begin_us);
    do {
        for (int i = 0; is_busy && i < COMMANDS_PER_PIECE; i++)
            put_and_time(machine, mixed(number++, keys + keys / 10), value, &commands);
        begin_us = now_us();
        is_more = machine_dump_next(machine, &piece, PIECE_BYTES);
        int64_t end_us = now_us();
        add(&pieces, end_us - begin_us);
        bytes += piece.size;
        if (machine_load_feed(loader, piece.data, piece.size, &error))
            fail(error.message);
        load_us += now_us() - end_us;
        hive_buffer_clear(&piece);
    } while (is_more);
    begin_us = now_us();
    if (machine_load_end(loader, &loaded, &error))
        fail(error.message);
    load_us += now_us() - begin_us;
    if (machine_digest(loaded) != before)
        fail("what was loaded is not what was dumped");
    if (is_busy)
        print("a put while a dump is under way", &commands);
    print(is_busy ? "a piece of 1 MiB, between puts" : "a piece of 1 MiB", &pieces);
    printf("%-34s %8.3f s for %.2f GB\n", "loading it", (double)load_us / 1e6, (double)bytes / 1e9);
    begin_us = now_us();
    machine_destroy(loaded);
    printf("%-34s %8.3f s\n", "freeing it", (double)(now_us() - begin_us) / 1e6);
    hive_buffer_finish(&piece);
}

int main(int argc, char **argv)
{
    uint64_t keys = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct machine_bytes value = {.size = argc > 2 ? strtoull(argv[2], NULL, 10) : 1024};
    struct machine *machine = machine_create();
    struct times commands = {0};

    value.data = hive_calloc(1, value.size);
    if (!keys || value.size > HIVE_VALUE_BYTES)
        fail("no keys, or values that are too long");
    for (uint64_t i = 0; i < keys; i++)
        put(machine, i, &value);
    printf("%" PRIu64 " keys of %zu bytes\n", keys, value.size);
    for (uint64_t i = 0; i < COMMANDS; i++)
        put_and_time(machine, mixed(i, keys), &value, &commands);
    print("a put", &commands);
    dump_and_load(machine, keys, &value, false);
    dump_and_load(machine, keys, &value, true);
    machine_destroy(machine);
    free((void *)value.data);
}
