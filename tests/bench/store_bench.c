/* Durable commits a second: the store, one record and sixteen to a commit, beside what it is measured
 * against, a file that grows by each commit and is synced. All take turns of a quarter of a second, so that
 * whatever else the disk has to do meanwhile hits them alike. Then how long a commit takes while a snapshot is
 * written beside it, while the oldest one is removed, and while the log's front is: no write may wait for more than
 * 50 ms for that. Takes the directory to work in as its argument (the default is /var/tmp, which is rarely in
 * memory), and as a second one the megabytes of the snapshot (1024). */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/file.h"
#include "hive/memory.h"
#include "store/store.h"

#define RECORD_BYTES 150
#define TURNS        12
#define TURN_US      250000
#define COMMITS_MAX  (1 << 18) /* that are remembered of each */
#define ROUNDS       4         /* snapshots beside commits */
#define SLOW_US      50000     /* no commit may take longer for a snapshot's sake */

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
    struct store_config config = {.directory = log};
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

/* ---- commits beside a snapshot ---- */

/* How long a megabyte of a snapshot that is one too many takes to be given back, about. */
#define REMOVAL_US 10000

/* What is done beside the commits, and how long one took at most meanwhile. */
enum beside { ALONE, SNAPSHOT, COMMIT, DROP, REMOVAL, BESIDE_COUNT };
static const char *const beside_names[] = {"alone", "snapshot", "its commit", "log's front", "old one goes"};

struct scene {
    struct subject subject;
    _Atomic int beside; /* what is done now */
    _Atomic raft_index last_index;
    atomic_bool is_over;
    int64_t *latencies_us[BESIDE_COUNT];
    size_t counts[BESIDE_COUNT];
};

static void *commit_on(void *argument)
{
    struct scene *scene = argument;
    while (!atomic_load(&scene->is_over)) {
        int before = atomic_load(&scene->beside);
        int64_t start_us = hive_clock_monotonic_us();
        commit_to_store(&scene->subject);
        int64_t elapsed_us = hive_clock_monotonic_us() - start_us;
        atomic_store(&scene->last_index, scene->subject.last_index);
        if (scene->counts[before] < COMMITS_MAX)
            scene->latencies_us[before][scene->counts[before]++] = elapsed_us;
    }
    return NULL;
}

static void wait_us(int64_t us)
{
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static void write_snapshot(struct scene *scene, raft_index index, size_t megabytes)
{
    static char piece[1 << 20];
    struct raft_snapshot *snapshot = hive_calloc(1, sizeof *snapshot);
    struct store_snapshot_writer *writer;
    struct hive_error error;
    *snapshot = (struct raft_snapshot){.index = index, .term = 1};
    for (size_t i = 0; i < sizeof piece; i += 8) {
        uint64_t word = (i + index) * UINT64_C(0x9e3779b97f4a7c15);
        memcpy(piece + i, &word, sizeof word);
    }
    atomic_store(&scene->beside, SNAPSHOT);
    if (store_snapshot_begin(scene->subject.store, snapshot, &writer, &error) < 0)
        fail(error.message);
    for (size_t i = 0; i < megabytes; i++)
        if (store_snapshot_append(writer, piece, sizeof piece, &error) < 0)
            fail(error.message);
    atomic_store(&scene->beside, COMMIT);
    if (store_snapshot_commit(writer, &error) < 0)
        fail(error.message);
    atomic_store(&scene->beside, DROP);
    if (store_drop_before(scene->subject.store, index, &error) < 0)
        fail(error.message);
    free(snapshot);
}

static void report_beside(struct scene *scene, int beside)
{
    size_t count = scene->counts[beside], slow = 0;
    int64_t *latencies_us = scene->latencies_us[beside];
    qsort(latencies_us, count, sizeof *latencies_us, compare);
    while (slow < count && latencies_us[count - 1 - slow] > SLOW_US)
        slow++;
    if (count)
        printf("beside: %-12s %7zu commits  p50 %5lld us  p99 %6lld us  p99.9 %6lld us  max %6lld us  over "
               "%d ms: %zu\n",
               beside_names[beside], count, (long long)latencies_us[count / 2],
               (long long)latencies_us[count * 99 / 100], (long long)latencies_us[count * 999 / 1000],
               (long long)latencies_us[count - 1], SLOW_US / 1000, slow);
}

static void measure_beside(const char *directory, size_t megabytes)
{
    struct scene scene = {.subject = {.records = 2}};
    pthread_t thread;
    size_t entries;
    for (int i = 0; i < BESIDE_COUNT; i++)
        scene.latencies_us[i] = hive_calloc(COMMITS_MAX, sizeof(int64_t));
    open_store(&scene.subject, directory, &entries);
    pthread_create(&thread, NULL, commit_on, &scene);
    int64_t writing_us = 0;
    for (int round = 0; round < ROUNDS; round++) {
        atomic_store(&scene.beside, ALONE);
        wait_us(2000000);
        int64_t start_us = hive_clock_monotonic_us();
        write_snapshot(&scene, atomic_load(&scene.last_index), megabytes);
        writing_us += hive_clock_monotonic_us() - start_us;
        atomic_store(&scene.beside, REMOVAL);
        wait_us(round < HIVE_SNAPSHOTS ? 0 : (int64_t)megabytes * REMOVAL_US); /* it goes on by itself */
    }
    atomic_store(&scene.is_over, true);
    pthread_join(thread, NULL);
    printf("snapshot     %zu MB in %lld ms\n", megabytes, (long long)writing_us / ROUNDS / 1000);
    for (int i = 0; i < BESIDE_COUNT; i++) {
        report_beside(&scene, i);
        free(scene.latencies_us[i]);
    }
    store_close(scene.subject.store);
    hive_buffer_finish(&scene.subject.batch);
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
    measure_beside(directory, count > 2 ? strtoul(arguments[2], NULL, 10) : 1024);
    if (hive_file_remove_tree(directory, &error) < 0)
        fail(error.message);
    free(directory);
    return 0;
}
