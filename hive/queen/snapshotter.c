/* The snapshot thread: its queue, its loop, and the dump of the own machine. */
#include <errno.h>

#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/snapshotter_internal.h"

/* Of a dump on its way to the disk: enough to keep that busy, little beside everything else. */
#define DUMP_BYTES (4 * 1024 * 1024)
/* Of arriving snapshots: a leader sends one after the other, so that more come from nobody who is in his right mind. */
#define PIECES 8
/* How often it is looked whether a peer's file is still needed. */
#define IDLE_WAIT_S 10
/* A leader that has failed to send a snapshot tries again much earlier: if it does not, it need not. */
#define ARRIVAL_FAILED_MS 60000

/* ---- the queue ---- */

static struct snapshotter_job *job_create(enum snapshotter_job_type type)
{
    struct snapshotter_job *job = hive_calloc(1, sizeof *job);
    job->type = type;
    return job;
}

static void job_destroy(struct snapshotter_job *job)
{
    free(job->snapshot);
    machine_destroy(job->machine);
    hive_buffer_finish(&job->data);
    free(job);
}

/* Answers somebody whose job is not done, for it is too late or one too many. */
static void refuse(struct snapshotter_job *job, enum queen_outcome outcome)
{
    if (job->type == JOB_TAKE_PIECE)
        job->piece_done(outcome, 0, 0, 0, job->context);
    else if (job->type == JOB_OPEN)
        job->snapshot_done(QUEEN_STOPPING, NULL, "this queen is stopping", job->context);
    else if (job->type == JOB_READ_PIECE)
        job->read_done(&(struct snapshotter_piece){0}, job->context);
    job_destroy(job);
}

static void put(struct snapshotter *snapshotter, struct snapshotter_job *job)
{
    pthread_mutex_lock(&snapshotter->mutex);
    bool is_open = !snapshotter->is_stopping, is_piece = job->type == JOB_TAKE_PIECE;
    bool is_taken = is_open && (!is_piece || snapshotter->pieces < PIECES);
    if (is_taken && job->type == JOB_FREE_MACHINE)
        TAILQ_INSERT_TAIL(&snapshotter->idle_jobs, job, link);
    else if (is_taken)
        TAILQ_INSERT_TAIL(&snapshotter->jobs, job, link);
    if (is_taken && job->type == JOB_APPEND)
        snapshotter->dump_bytes += job->data.size;
    if (is_taken && is_piece)
        snapshotter->pieces++;
    pthread_cond_signal(&snapshotter->filled);
    pthread_mutex_unlock(&snapshotter->mutex);
    if (!is_taken)
        refuse(job, is_open ? QUEEN_BUSY : QUEEN_STOPPING);
}

void snapshotter_begin(struct snapshotter *snapshotter, uint64_t serial, const struct raft_snapshot *snapshot)
{
    struct snapshotter_job *job = job_create(JOB_BEGIN);
    job->serial = serial;
    job->snapshot = hive_malloc(sizeof *job->snapshot);
    *job->snapshot = *snapshot;
    put(snapshotter, job);
}

bool snapshotter_has_room(struct snapshotter *snapshotter)
{
    pthread_mutex_lock(&snapshotter->mutex);
    bool has_room = snapshotter->dump_bytes < DUMP_BYTES;
    snapshotter->is_room_awaited = !has_room;
    pthread_mutex_unlock(&snapshotter->mutex);
    return has_room;
}

void snapshotter_append(struct snapshotter *snapshotter, uint64_t serial, const void *data, size_t bytes)
{
    struct snapshotter_job *job = job_create(JOB_APPEND);
    job->serial = serial;
    hive_buffer_append(&job->data, data, bytes);
    put(snapshotter, job);
}

void snapshotter_end(struct snapshotter *snapshotter, uint64_t serial, bool is_complete)
{
    struct snapshotter_job *job = job_create(is_complete ? JOB_END : JOB_GIVE_UP);
    job->serial = serial;
    put(snapshotter, job);
}

void snapshotter_drop_before(struct snapshotter *snapshotter, raft_index first)
{
    struct snapshotter_job *job = job_create(JOB_DROP_BEFORE);
    job->index = first;
    put(snapshotter, job);
}

void snapshotter_free_machine(struct snapshotter *snapshotter, struct machine *machine)
{
    struct snapshotter_job *job = job_create(JOB_FREE_MACHINE);
    job->machine = machine;
    put(snapshotter, job);
}

void snapshotter_take_piece(struct snapshotter *snapshotter, const struct queen_snapshot_piece *piece,
                            queen_piece_done *done, void *context)
{
    struct snapshotter_job *job = job_create(JOB_TAKE_PIECE);
    hive_buffer_append(&job->data, piece->data, piece->bytes);
    job->piece = *piece;
    job->piece.data = job->data.data;
    job->piece_done = done;
    job->context = context;
    put(snapshotter, job);
}

void snapshotter_open(struct snapshotter *snapshotter, queen_snapshot_done *done, void *context)
{
    struct snapshotter_job *job = job_create(JOB_OPEN);
    job->snapshot_done = done;
    job->context = context;
    put(snapshotter, job);
}

void snapshotter_read_piece(struct snapshotter *snapshotter, raft_id peer, raft_index needed, uint64_t offset,
                            size_t size, snapshotter_piece_done *done, void *context)
{
    struct snapshotter_job *job = job_create(JOB_READ_PIECE);
    job->peer = peer;
    job->index = needed;
    job->offset = offset;
    job->size = size;
    job->read_done = done;
    job->context = context;
    put(snapshotter, job);
}

/* ---- what people see ---- */

bool snapshotter_note(struct snapshotter *snapshotter, char failure[HIVE_ERROR_BYTES], const char *what,
                      const struct hive_error *error)
{
    pthread_mutex_lock(&snapshotter->mutex);
    bool had_failed = failure[0] != '\0';
    failure[0] = '\0';
    if (error)
        snprintf(failure, HIVE_ERROR_BYTES, "%s: %.400s", what, error->message);
    if (failure == snapshotter->arrival_failure)
        snapshotter->arrival_failed_ms = hive_clock_monotonic_ms();
    pthread_mutex_unlock(&snapshotter->mutex);
    return had_failed != (error != NULL);
}

bool snapshotter_reason(struct snapshotter *snapshotter, char reason[HIVE_ERROR_BYTES])
{
    pthread_mutex_lock(&snapshotter->mutex);
    bool is_recent = hive_clock_monotonic_ms() - snapshotter->arrival_failed_ms < ARRIVAL_FAILED_MS;
    bool is_of_arrival = snapshotter->arrival_failure[0] && is_recent;
    memcpy(reason, is_of_arrival ? snapshotter->arrival_failure : snapshotter->own_failure, HIVE_ERROR_BYTES);
    pthread_mutex_unlock(&snapshotter->mutex);
    return reason[0] != '\0';
}

/* ---- the dump of the own machine ---- */

static void report(struct snapshotter *snapshotter, int code, const struct hive_error *error)
{
    bool is_news = snapshotter_note(snapshotter, snapshotter->own_failure, "a snapshot cannot be written",
                                    code ? error : NULL);
    if (code && is_news)
        hive_log_error("a snapshot cannot be written; the log grows until one can",
                       LOG_S("error", error->message));
    else if (is_news)
        hive_log_info("snapshots can be written again");
    struct inbox_event event = {
        .type = INBOX_SNAPSHOT_RESULT, .serial = snapshotter->own.serial, .code = code};
    inbox_put(snapshotter->inbox, &event);
}

static void begin_own(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    struct hive_error error;
    store_snapshot_abort(snapshotter->own.writer);
    snapshotter->own.writer = NULL;
    snapshotter->own.serial = job->serial;
    int code = store_snapshot_begin(snapshotter->store, job->snapshot, &snapshotter->own.writer, &error);
    if (code) {
        snapshotter->own.writer = NULL;
        report(snapshotter, code, &error);
    }
}

static void append_own(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    struct hive_error error;
    int code = store_snapshot_append(snapshotter->own.writer, job->data.data, job->data.size, &error);
    if (!code)
        return;
    store_snapshot_abort(snapshotter->own.writer);
    snapshotter->own.writer = NULL;
    report(snapshotter, code, &error);
}

static void end_own(struct snapshotter *snapshotter)
{
    struct hive_error error;
    struct store_snapshot_writer *writer = snapshotter->own.writer;
    snapshotter->own.writer = NULL;
    report(snapshotter, store_snapshot_commit(writer, &error), &error);
}

/* Frees the place that a piece took, and says so where that is waited for. */
static void make_room(struct snapshotter *snapshotter, size_t bytes)
{
    pthread_mutex_lock(&snapshotter->mutex);
    snapshotter->dump_bytes -= bytes;
    bool is_awaited = snapshotter->is_room_awaited && snapshotter->dump_bytes < DUMP_BYTES;
    if (is_awaited)
        snapshotter->is_room_awaited = false;
    pthread_mutex_unlock(&snapshotter->mutex);
    struct inbox_event event = {.type = INBOX_SNAPSHOT_ROOM};
    if (is_awaited)
        inbox_put(snapshotter->inbox, &event);
}

static void work_on_own(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    /* Of one that has failed already: its owner will have heard of that by now. */
    bool is_current = snapshotter->own.writer && job->serial == snapshotter->own.serial;
    if (job->type == JOB_BEGIN) {
        begin_own(snapshotter, job);
    } else if (job->type == JOB_APPEND) {
        if (is_current)
            append_own(snapshotter, job);
        make_room(snapshotter, job->data.size);
    } else if (is_current && job->type == JOB_END) {
        end_own(snapshotter);
    } else if (is_current) {
        store_snapshot_abort(snapshotter->own.writer);
        snapshotter->own.writer = NULL;
    }
}

/* ---- the thread ---- */

static void drop_before(struct snapshotter *snapshotter, raft_index first)
{
    struct hive_error error;
    if (store_drop_before(snapshotter->store, first, &error))
        hive_log_warning("old segments of the log cannot be removed", LOG_S("error", error.message));
}

static void work(struct snapshotter *snapshotter, struct snapshotter_job *job)
{
    switch (job->type) {
    case JOB_BEGIN:
    case JOB_APPEND:
    case JOB_END:
    case JOB_GIVE_UP:
        work_on_own(snapshotter, job);
        break;
    case JOB_DROP_BEFORE:
        drop_before(snapshotter, job->index);
        break;
    case JOB_FREE_MACHINE: /* with the job */
        break;
    case JOB_TAKE_PIECE:
        snapshotter_arrival_take(snapshotter, job);
        break;
    case JOB_OPEN:
        snapshotter_streams_open(snapshotter, job);
        break;
    case JOB_READ_PIECE:
        snapshotter_streams_read(snapshotter, job);
        break;
    }
    job_destroy(job);
}

/* The next job, or NULL: there is none now, and a machine is to be loaded, or idle peers' files to be closed. */
static struct snapshotter_job *next_job(struct snapshotter *snapshotter)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += IDLE_WAIT_S;
    struct snapshotter_queue *jobs = &snapshotter->jobs, *idle = &snapshotter->idle_jobs;
    pthread_mutex_lock(&snapshotter->mutex);
    while (TAILQ_EMPTY(jobs) && TAILQ_EMPTY(idle) && !snapshotter->is_stopping &&
           !snapshotter_arrival_is_loading(snapshotter))
        if (pthread_cond_timedwait(&snapshotter->filled, &snapshotter->mutex, &deadline))
            break;
    struct snapshotter_queue *queue = !TAILQ_EMPTY(jobs)                            ? jobs
                                      : snapshotter_arrival_is_loading(snapshotter) ? NULL
                                                                                    : idle;
    struct snapshotter_job *job = queue && !snapshotter->is_stopping ? TAILQ_FIRST(queue) : NULL;
    if (job)
        TAILQ_REMOVE(queue, job, link);
    if (job && job->type == JOB_TAKE_PIECE)
        snapshotter->pieces--;
    pthread_mutex_unlock(&snapshotter->mutex);
    return job;
}

static bool is_stopping(struct snapshotter *snapshotter)
{
    pthread_mutex_lock(&snapshotter->mutex);
    bool stopping = snapshotter->is_stopping;
    pthread_mutex_unlock(&snapshotter->mutex);
    return stopping;
}

static void *run(void *argument)
{
    struct snapshotter *snapshotter = argument;
    while (!is_stopping(snapshotter)) {
        struct snapshotter_job *job = next_job(snapshotter);
        if (job)
            work(snapshotter, job);
        if (snapshotter_arrival_is_loading(snapshotter))
            snapshotter_arrival_load(snapshotter);
        else if (!job)
            snapshotter_streams_close_idle(snapshotter);
    }
    store_snapshot_abort(snapshotter->own.writer);
    snapshotter_arrival_stop(snapshotter);
    snapshotter_streams_stop(snapshotter);
    return NULL;
}

struct snapshotter *snapshotter_start(struct store *store, struct inbox *inbox)
{
    struct snapshotter *snapshotter = hive_calloc(1, sizeof *snapshotter);
    snapshotter->store = store;
    snapshotter->inbox = inbox;
    TAILQ_INIT(&snapshotter->jobs);
    TAILQ_INIT(&snapshotter->idle_jobs);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&snapshotter->mutex, NULL);
    pthread_cond_init(&snapshotter->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_create(&snapshotter->thread, NULL, run, snapshotter);
    pthread_setname_np(snapshotter->thread, "snapshots");
    return snapshotter;
}

void snapshotter_stop(struct snapshotter *snapshotter)
{
    if (!snapshotter)
        return;
    pthread_mutex_lock(&snapshotter->mutex);
    snapshotter->is_stopping = true;
    pthread_cond_signal(&snapshotter->filled);
    pthread_mutex_unlock(&snapshotter->mutex);
    pthread_join(snapshotter->thread, NULL);
    TAILQ_CONCAT(&snapshotter->jobs, &snapshotter->idle_jobs, link);
    struct snapshotter_job *job;
    while ((job = TAILQ_FIRST(&snapshotter->jobs))) {
        TAILQ_REMOVE(&snapshotter->jobs, job, link);
        refuse(job, QUEEN_STOPPING);
    }
}

void snapshotter_destroy(struct snapshotter *snapshotter)
{
    if (!snapshotter)
        return;
    pthread_cond_destroy(&snapshotter->filled);
    pthread_mutex_destroy(&snapshotter->mutex);
    hive_buffer_finish(&snapshotter->scratch);
    free(snapshotter);
}
