/* A snapshot that a leader sends: written piece by piece, and once it is whole and checked, a machine is loaded from it, a little
 * between two other jobs. Then it is the consensus thread's turn. The pieces need no term to be valid: whoever sent them, they
 * hold what a majority has committed. */
#include <errno.h>

#include "hive/log.h"
#include "hive/memory.h"
#include "queen/snapshotter_internal.h"

#define SLICE_BYTES (1024 * 1024)

/* Whoever waits for the answer to the last piece. */
struct installation {
    queen_piece_done *done;
    void *context;
    uint64_t file_bytes;
};

bool snapshotter_arrival_is_loading(const struct snapshotter *snapshotter)
{
    return snapshotter->arrival.loader != NULL;
}

static void fail(struct snapshotter *snapshotter, const struct hive_error *error, queen_piece_done *done,
                 void *context)
{
    static const char what[] = "the leader's snapshot cannot be taken in";
    if (snapshotter_note(snapshotter, snapshotter->arrival_failure, what, error))
        hive_log_error(what, LOG_S("error", error->message));
    done(QUEEN_UNKNOWN, 0, 0, 0, context);
}

static void on_installed(enum queen_outcome outcome, const struct raft_message *reply, void *context)
{
    struct installation *installation = context;
    bool is_done = outcome == QUEEN_DONE;
    installation->done(outcome, is_done ? reply->term : 0, installation->file_bytes,
                       is_done ? reply->install_snapshot_reply.match_index : 0, installation->context);
    free(installation);
}

void snapshotter_hand_in(struct inbox *inbox, const struct queen_snapshot_piece *piece,
                         const struct raft_snapshot *snapshot, struct machine *machine,
                         queen_piece_done *done, void *context)
{
    struct raft_message message = {
        .type = RAFT_INSTALL_SNAPSHOT, .from = piece->from, .to = piece->to, .term = piece->term};
    message.install_snapshot.snapshot = snapshot;
    struct installation *installation = hive_malloc(sizeof *installation);
    *installation = (struct installation){.done = done, .context = context, .file_bytes = piece->file_bytes};
    struct inbox_event event = {
        .type = INBOX_INSTALL,
        .message = queen_message_copy(&message),
        .machine = machine,
        .rpc_done = on_installed,
        .context = installation,
    };
    if (inbox_put(inbox, &event) != INBOX_TAKEN) {
        inbox_event_finish(&event);
        on_installed(QUEEN_STOPPING, NULL, installation);
    }
}

/* The consensus thread has the last word. */
static void install(struct snapshotter *snapshotter, struct machine *machine)
{
    snapshotter_hand_in(snapshotter->inbox, &snapshotter->arrival.last, &snapshotter->arrival.snapshot,
                        machine, snapshotter->arrival.done, snapshotter->arrival.context);
}

static void end_loading(struct snapshotter *snapshotter)
{
    store_snapshot_close(snapshotter->arrival.reader);
    snapshotter->arrival.reader = NULL;
    snapshotter->arrival.loader = NULL;
}

void snapshotter_arrival_load(struct snapshotter *snapshotter)
{
    struct hive_error error;
    struct hive_buffer *scratch = &snapshotter->scratch;
    hive_buffer_clear(scratch);
    ssize_t bytes = store_snapshot_read(snapshotter->arrival.reader,
                                        hive_buffer_reserve(scratch, SLICE_BYTES), SLICE_BYTES, &error);
    int code = bytes < 0 ? (int)bytes : 0;
    if (bytes > 0)
        code = machine_load_feed(snapshotter->arrival.loader, scratch->data, (size_t)bytes, &error);
    if (bytes > 0 && !code)
        return;
    struct machine *machine = NULL;
    if (code)
        machine_load_abort(snapshotter->arrival.loader);
    else
        code = machine_load_end(snapshotter->arrival.loader, &machine, &error);
    end_loading(snapshotter);
    if (code) {
        fail(snapshotter, &error, snapshotter->arrival.done, snapshotter->arrival.context);
        return;
    }
    snapshotter_note(snapshotter, snapshotter->arrival_failure, NULL, NULL);
    hive_log_info("snapshot received", LOG_N("index", snapshotter->arrival.snapshot.index),
                  LOG_N("bytes", snapshotter->arrival.file_bytes));
    install(snapshotter, machine);
}

/* All bytes are here. */
static void complete(struct snapshotter *snapshotter)
{
    struct hive_error error;
    struct store_incoming *file = snapshotter->arrival.file;
    snapshotter->arrival.file = NULL;
    int code = store_incoming_commit(file, &snapshotter->arrival.snapshot, &error);
    if (!code)
        code = store_snapshot_open(snapshotter->store, &snapshotter->arrival.reader, &error);
    if (code) {
        fail(snapshotter, &error, snapshotter->arrival.done, snapshotter->arrival.context);
        return;
    }
    /* The newest may be another one: the own, or one that came before and that the core would not have, as its sender's term was
     * over. It is committed state just as well, and the leader's log has all of it. */
    snapshotter->arrival.snapshot = *store_snapshot_meta(snapshotter->arrival.reader);
    snapshotter->arrival.loader = machine_load_begin();
}

static bool is_same(const struct snapshotter *snapshotter, const struct queen_snapshot_piece *piece)
{
    return piece->last_included_index == snapshotter->arrival.index &&
           piece->last_included_term == snapshotter->arrival.term &&
           piece->file_bytes == snapshotter->arrival.file_bytes;
}

static void wait_for_end(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    snapshotter->arrival.last = job->piece;
    snapshotter->arrival.last.data = NULL;
    snapshotter->arrival.done = job->piece_done;
    snapshotter->arrival.context = job->context;
}

/* The leader asks again while the machine is being loaded: it has lost its connection. */
static void take_while_loading(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    const struct queen_snapshot_piece *piece = &job->piece;
    if (!is_same(snapshotter, piece)) {
        job->piece_done(QUEEN_BUSY, 0, 0, 0, job->context);
    } else if (piece->offset + piece->bytes < piece->file_bytes) {
        job->piece_done(QUEEN_DONE, piece->term, piece->file_bytes, 0, job->context);
    } else {
        snapshotter->arrival.done(QUEEN_UNKNOWN, 0, 0, 0, snapshotter->arrival.context);
        wait_for_end(snapshotter, job);
    }
}

static int open_file(struct snapshotter *snapshotter, const struct queen_snapshot_piece *piece,
                     struct hive_error *error)
{
    if (snapshotter->arrival.file && is_same(snapshotter, piece))
        return 0;
    store_incoming_suspend(snapshotter->arrival.file);
    snapshotter->arrival.file = NULL;
    snapshotter->arrival.index = piece->last_included_index;
    snapshotter->arrival.term = piece->last_included_term;
    snapshotter->arrival.file_bytes = piece->file_bytes;
    int code = store_incoming_begin(snapshotter->store, piece->last_included_index, piece->last_included_term,
                                    piece->file_bytes, &snapshotter->arrival.file,
                                    &snapshotter->arrival.offset, error);
    if (code)
        snapshotter->arrival.file = NULL;
    return code;
}

void snapshotter_arrival_take(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    if (snapshotter_arrival_is_loading(snapshotter)) {
        take_while_loading(snapshotter, job);
        return;
    }
    struct hive_error error;
    const struct queen_snapshot_piece *piece = &job->piece;
    /* A leader that is no more, and the new one, would each remove what the other has sent, and neither would ever be done. */
    if (piece->term < snapshotter->arrival.leader_term) {
        job->piece_done(QUEEN_DONE, snapshotter->arrival.leader_term, 0, 0, job->context);
        return;
    }
    snapshotter->arrival.leader_term = piece->term;
    int code = open_file(snapshotter, piece, &error);
    if (!code && piece->offset == snapshotter->arrival.offset && piece->bytes > 0) {
        code = store_incoming_append(snapshotter->arrival.file, piece->data, piece->bytes, &error);
        snapshotter->arrival.offset += piece->bytes;
    }
    if (code) {
        store_incoming_suspend(snapshotter->arrival.file);
        snapshotter->arrival.file = NULL;
        fail(snapshotter, &error, job->piece_done, job->context);
    } else if (snapshotter->arrival.offset < piece->file_bytes) {
        job->piece_done(QUEEN_DONE, piece->term, snapshotter->arrival.offset, 0, job->context);
    } else {
        wait_for_end(snapshotter, job);
        complete(snapshotter);
    }
}

void snapshotter_arrival_stop(struct snapshotter *snapshotter)
{
    if (snapshotter_arrival_is_loading(snapshotter)) {
        machine_load_abort(snapshotter->arrival.loader);
        end_loading(snapshotter);
        snapshotter->arrival.done(QUEEN_STOPPING, 0, 0, 0, snapshotter->arrival.context);
    }
    store_incoming_suspend(snapshotter->arrival.file);
    snapshotter->arrival.file = NULL;
}
