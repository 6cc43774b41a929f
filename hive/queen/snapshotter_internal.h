/* The inside of the snapshot thread, shared by the snapshotter*.c files. */
#ifndef QUEEN_SNAPSHOTTER_INTERNAL_H
#define QUEEN_SNAPSHOTTER_INTERNAL_H

#include <pthread.h>
#include <sys/queue.h>

#include "queen/snapshotter.h"

enum snapshotter_job_type {
    JOB_BEGIN,
    JOB_APPEND,
    JOB_END,
    JOB_GIVE_UP,
    JOB_DROP_BEFORE,
    JOB_FREE_MACHINE,
    JOB_TAKE_PIECE,
    JOB_OPEN,
    JOB_READ_PIECE,
};

struct snapshotter_job {
    TAILQ_ENTRY(snapshotter_job) link;
    enum snapshotter_job_type type;
    uint64_t serial, offset;
    size_t size;
    raft_id peer;
    raft_index index;
    struct raft_snapshot *snapshot; /* owned, like the next two */
    struct machine *machine;
    struct hive_buffer data;
    struct queen_snapshot_piece piece; /* its data: `data` */
    queen_piece_done *piece_done;
    queen_snapshot_done *snapshot_done;
    snapshotter_piece_done *read_done;
    void *context;
};

/* A peer that the newest snapshot is sent to. */
struct snapshotter_stream {
    raft_id peer; /* 0: the place is free */
    struct store_snapshot_reader *reader;
    int64_t used_ms;
};

struct snapshotter {
    struct store *store;
    struct inbox *inbox;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows, up to the thread's own */
    pthread_cond_t filled;
    TAILQ_HEAD(snapshotter_queue, snapshotter_job) jobs, idle_jobs; /* idle: when there is nothing else */
    size_t dump_bytes; /* of the own dump, on their way to the disk */
    size_t pieces;     /* of an arriving snapshot, in `jobs` */
    bool is_room_awaited, is_stopping;
    char own_failure[HIVE_ERROR_BYTES],
        arrival_failure[HIVE_ERROR_BYTES]; /* of the last try; empty: it was none */
    int64_t arrival_failed_ms;

    /* The thread's own. */
    struct {
        uint64_t serial;
        struct store_snapshot_writer *writer; /* NULL: none, or it has failed */
    } own;
    struct {
        struct store_incoming *file;
        raft_index index;
        raft_term term, leader_term; /* the latter: of the newest leader that sent something */
        uint64_t file_bytes, offset;
        /* It is complete, and its machine is being loaded: */
        struct store_snapshot_reader *reader;
        struct machine_loader *loader;
        struct raft_snapshot snapshot;
        struct queen_snapshot_piece last; /* who asked, and waits */
        queen_piece_done *done;
        void *context;
    } arrival;
    struct snapshotter_stream streams[HIVE_QUEENS];
    struct hive_buffer scratch;
};

/* snapshotter.c. Remembers what became of a try, for snapshotter_reason; true where that is news. `error` NULL: it went well. */
bool snapshotter_note(struct snapshotter *snapshotter, char failure[HIVE_ERROR_BYTES], const char *what,
                      const struct hive_error *error);

/* snapshotter_arrival.c */
void snapshotter_arrival_take(struct snapshotter *snapshotter, const struct snapshotter_job *job);
bool snapshotter_arrival_is_loading(const struct snapshotter *snapshotter);
void snapshotter_arrival_load(struct snapshotter *snapshotter); /* a little more */
void snapshotter_arrival_stop(struct snapshotter *snapshotter);

/* snapshotter_streams.c */
void snapshotter_streams_read(struct snapshotter *snapshotter, const struct snapshotter_job *job);
void snapshotter_streams_open(struct snapshotter *snapshotter, const struct snapshotter_job *job);
void snapshotter_streams_close_idle(struct snapshotter *snapshotter);
void snapshotter_streams_stop(struct snapshotter *snapshotter);

#endif
