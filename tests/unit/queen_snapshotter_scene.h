/* Stages for the snapshot thread: a store in a directory of its own, an inbox that the test reads, and what callbacks were told. */
#ifndef TESTS_QUEEN_SNAPSHOTTER_SCENE_H
#define TESTS_QUEEN_SNAPSHOTTER_SCENE_H

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "queen/snapshotter.h"

enum { PATIENCE_MS = 20000, SELF = 1 };

/* A store, an inbox that the test reads, and the thread between them. */
struct stage {
    char directory[64];
    struct store *store;
    struct inbox *inbox;
    struct snapshotter *snapshotter;
};

static void open_stage(struct stage *stage)
{
    struct store_config config = {.directory = stage->directory};
    struct store_recovery recovery = {0};
    struct hive_error error;
    if (store_open(&config, &stage->store, &recovery, &error))
        fail_msg("%s", error.message);
    store_recovery_finish(&recovery);
    stage->inbox = inbox_create();
    stage->snapshotter = snapshotter_start(stage->store, stage->inbox);
}

static void close_stage(struct stage *stage)
{
    snapshotter_stop(stage->snapshotter);
    snapshotter_destroy(stage->snapshotter);
    inbox_destroy(stage->inbox);
    store_close(stage->store);
}

static void set_up(struct stage *stage)
{
    snprintf(stage->directory, sizeof stage->directory, "/tmp/hive-snapshotter-XXXXXX");
    assert_non_null(mkdtemp(stage->directory));
    open_stage(stage);
}

static void tear_down(struct stage *stage)
{
    close_stage(stage);
    DIR *directory = opendir(stage->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    assert_int_equal(rmdir(stage->directory), 0);
}

/* The next event of that type; the others are dropped. */
static struct inbox_event await_event(struct stage *stage, enum inbox_event_type type)
{
    int64_t deadline_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    struct inbox_event *events, found = {0};
    size_t count;
    uint64_t durable;
    bool is_found = false;
    while (!is_found && hive_clock_monotonic_ms() < deadline_ms) {
        inbox_take(stage->inbox, deadline_ms, &events, &count, &durable);
        for (size_t i = 0; i < count; i++) {
            if (!is_found && events[i].type == type) {
                found = events[i];
                is_found = true;
            } else {
                inbox_event_finish(&events[i]);
            }
        }
    }
    assert_true(is_found);
    return found;
}

static struct raft_snapshot snapshot_at(raft_index index)
{
    struct raft_snapshot snapshot = {.index = index, .term = 3};
    snapshot.configuration.count = 1;
    snapshot.configuration.members[0] =
        (struct raft_member){.id = SELF, .kind = RAFT_MEMBER_VOTER, .address = "127.0.0.1:1"};
    return snapshot;
}

static struct machine *machine_with(size_t keys, size_t value_bytes)
{
    struct machine *machine = machine_create();
    char *value = hive_calloc(1, value_bytes + 1);
    for (size_t i = 0; i < keys; i++) {
        char key[32];
        snprintf(key, sizeof key, "key%zu", i);
        struct machine_command put = {.type = MACHINE_KV_PUT,
                                      .time_ms = 1,
                                      .key = {.data = key, .size = strlen(key)},
                                      .value = {.data = value, .size = value_bytes}};
        struct hive_buffer command = {0};
        struct machine_result result;
        machine_command_encode(&put, &command);
        machine_apply(machine, i + 1, command.data, command.size, &result);
        hive_buffer_finish(&command);
    }
    free(value);
    return machine;
}

/* Writes a dump of the machine as dump `serial`; what became of it. */
static int write_dump(struct stage *stage, uint64_t serial, raft_index index, struct machine *machine)
{
    struct raft_snapshot snapshot = snapshot_at(index);
    struct hive_buffer piece = {0};
    bool has_more = true;
    snapshotter_begin(stage->snapshotter, serial, &snapshot);
    machine_dump_begin(machine);
    while (has_more) {
        hive_buffer_clear(&piece);
        has_more = machine_dump_next(machine, &piece, 300000);
        snapshotter_append(stage->snapshotter, serial, piece.data, piece.size);
        if (!snapshotter_has_room(stage->snapshotter))
            await_event(stage, INBOX_SNAPSHOT_ROOM);
        assert_true(snapshotter_has_room(stage->snapshotter));
    }
    hive_buffer_finish(&piece);
    snapshotter_end(stage->snapshotter, serial, true);
    struct inbox_event result = await_event(stage, INBOX_SNAPSHOT_RESULT);
    assert_int_equal(result.serial, serial);
    return result.code;
}

/* What a callback was told, once `told` is posted. */
struct told {
    sem_t told;
    enum queen_outcome outcome;
    struct store_snapshot_reader *reader;
    raft_term term;
    uint64_t next_offset, file_bytes;
    raft_index match_index, index;
    raft_term snapshot_term;
    struct hive_buffer data;
};

static void on_open(enum queen_outcome outcome, struct store_snapshot_reader *reader, const char *message,
                    void *context)
{
    struct told *told = context;
    assert_int_equal(outcome == QUEEN_DONE, message == NULL);
    told->outcome = outcome;
    told->reader = reader;
    sem_post(&told->told);
}

static void on_taken(enum queen_outcome outcome, raft_term term, uint64_t next_offset, raft_index match_index,
                     void *context)
{
    struct told *told = context;
    told->outcome = outcome;
    told->term = term;
    told->next_offset = next_offset;
    told->match_index = match_index;
    sem_post(&told->told);
}

static void on_read(const struct snapshotter_piece *piece, void *context)
{
    struct told *told = context;
    told->index = piece->snapshot ? piece->snapshot->index : 0;
    told->snapshot_term = piece->snapshot ? piece->snapshot->term : 0;
    told->file_bytes = piece->file_bytes;
    hive_buffer_clear(&told->data);
    hive_buffer_append(&told->data, piece->data, piece->bytes);
    sem_post(&told->told);
}

static struct told *wait_for(struct told *told)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&told->told, &deadline), 0);
    return told;
}

static raft_index read_piece(struct stage *stage, struct told *told, raft_id peer, raft_index needed,
                             uint64_t offset, size_t size)
{
    snapshotter_read_piece(stage->snapshotter, peer, needed, offset, size, on_read, told);
    return wait_for(told)->index;
}

static void take_piece_of(struct stage *stage, struct told *told, raft_term term, const struct told *sent,
                          uint64_t offset)
{
    struct queen_snapshot_piece piece = {
        .from = 2,
        .to = SELF,
        .term = term,
        .last_included_index = sent->index,
        .last_included_term = sent->snapshot_term,
        .file_bytes = sent->file_bytes,
        .offset = offset,
        .data = sent->data.data,
        .bytes = sent->data.size,
    };
    snapshotter_take_piece(stage->snapshotter, &piece, on_taken, told);
}

static void take_piece(struct stage *stage, struct told *told, const struct told *sent, uint64_t offset)
{
    take_piece_of(stage, told, 9, sent, offset);
}

/* A file of a snapshot, all of it. */
static void read_file(struct stage *source, struct told *sent, raft_id peer, raft_index needed)
{
    sem_init(&sent->told, 0, 0);
    read_piece(source, sent, peer, needed, 0, 1000000);
    assert_int_equal(sent->data.size, sent->file_bytes);
}

#endif
