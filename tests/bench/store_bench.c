/* Durable commits a second: the store, one record and sixteen to a commit, beside what it is measured
 * against, a file that grows by each commit and is synced. All take turns of a quarter of a second, so that
 * whatever else the disk has to do meanwhile hits them alike. Takes the directory to work in as its argument;
 * the default is /var/tmp, which is rarely in memory. */
#include <fcntl.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/file.h"
#include "hive/memory.h"
#include "store/store.h"

#define RECORD_BYTES 150
#define TURNS        12
#define TURN_US      250000
#define COMMITS_MAX  (1 << 18) /* that are remembered of each */

/* One thing that is measured: a store or a file, and so many records a commit. */
struct subject {
    const char *name;
    int records;
    void (*commit)(struct subject *);
    struct store *store;
    int file;
    raft_index last_index;
    struct hive_buffer batch;

    int64_t *latencies_us; /* of each commit */
    size_t commits;
    int64_t elapsed_us;
};

static void fail(const char *what)
{
    fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

static void commit_to_store(struct subject *subject)
{
    static char data[RECORD_BYTES];
    struct hive_error error;
    hive_buffer_clear(&subject->batch);
    for (int i = 0; i < subject->records; i++)
        store_encode_entry(&subject->batch, &(struct raft_entry){.index = ++subject->last_index,
                                                                 .term = 1,
                                                                 .type = RAFT_ENTRY_COMMAND,
                                                                 .data = data,
                                                                 .bytes = sizeof data});
    if (store_write(subject->store, subject->batch.data, subject->batch.size, &error) < 0)
        fail(error.message);
}

static void commit_to_file(struct subject *subject)
{
    static char data[16 * RECORD_BYTES];
    size_t bytes = (size_t)subject->records * RECORD_BYTES;
    if (write(subject->file, data, bytes) != (ssize_t)bytes || fdatasync(subject->file) < 0)
        fail("cannot write the growing file");
}

static void take_turn(struct subject *subject)
{
    int64_t start_us = hive_clock_monotonic_us(), now_us = start_us;
    while (now_us - start_us < TURN_US && subject->commits < COMMITS_MAX) {
        int64_t before_us = now_us;
        subject->commit(subject);
        now_us = hive_clock_monotonic_us();
        subject->latencies_us[subject->commits++] = now_us - before_us;
    }
    subject->elapsed_us += now_us - start_us;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void report(const struct subject *subject)
{
    size_t count = subject->commits;
    int64_t *latencies_us = subject->latencies_us;
    qsort(latencies_us, count, sizeof *latencies_us, compare);
    double per_second = (double)count * 1e6 / (double)subject->elapsed_us;
    printf("%-12s %2d records a commit  %6.0f commits/s  %7.0f records/s  p50 %5lld us  p99 %6lld us  max "
           "%6lld us\n",
           subject->name, subject->records, per_second, per_second * subject->records,
           (long long)latencies_us[count / 2], (long long)latencies_us[count * 99 / 100],
           (long long)latencies_us[count - 1]);
}

/* Opens the store of one subject; tells how long that took. */
static int64_t open_store(struct subject *subject, const char *directory, size_t *entries)
{
    char *log = hive_format("%s/log-%d", directory, subject->records);
    struct store_config config = {.directory = log, .id = 1};
    struct store_recovery found;
    struct hive_error error;
    int64_t start_us = hive_clock_monotonic_us();
    if (store_open(&config, &subject->store, &found, &error) < 0)
        fail(error.message);
    int64_t elapsed_us = hive_clock_monotonic_us() - start_us;
    *entries = found.entry_count;
    store_recovery_finish(&found);
    free(log);
    return elapsed_us;
}

static void open_file(struct subject *subject, const char *directory)
{
    char *path = hive_format("%s/growing-%d", directory, subject->records);
    subject->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (subject->file < 0)
        fail("cannot create the growing file");
    free(path);
}

int main(int count, char **arguments)
{
    struct subject subjects[] = {
        {.name = "store", .records = 1, .commit = commit_to_store},
        {.name = "growing file", .records = 1, .commit = commit_to_file},
        {.name = "store", .records = 16, .commit = commit_to_store},
        {.name = "growing file", .records = 16, .commit = commit_to_file},
    };
    const int subject_count = sizeof subjects / sizeof subjects[0];
    size_t entries;
    struct hive_error error;
    char *directory = hive_format("%s/hive-store-bench-XXXXXX", count > 1 ? arguments[1] : "/var/tmp");
    if (!mkdtemp(directory))
        fail("cannot make a directory to work in");

    for (struct subject *subject = subjects; subject < subjects + subject_count; subject++) {
        subject->latencies_us = hive_calloc(COMMITS_MAX, sizeof *subject->latencies_us);
        if (subject->commit == commit_to_store)
            printf("store        opened from nothing in %lld us\n",
                   (long long)open_store(subject, directory, &entries));
        else
            open_file(subject, directory);
    }
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < subject_count; i++)
            take_turn(&subjects[i]);
    for (struct subject *subject = subjects; subject < subjects + subject_count; subject++) {
        report(subject);
        if (subject->commit == commit_to_store) {
            store_close(subject->store);
            int64_t elapsed_us = open_store(subject, directory, &entries);
            printf("store        recovered %zu records in %lld ms\n", entries, (long long)elapsed_us / 1000);
            store_close(subject->store);
        } else {
            close(subject->file);
        }
        free(subject->latencies_us);
        hive_buffer_finish(&subject->batch);
    }
    if (hive_file_remove_tree(directory, &error) < 0)
        fail(error.message);
    free(directory);
    return 0;
}
