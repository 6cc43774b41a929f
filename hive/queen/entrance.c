/* The way in: what other threads ask of a queen becomes an event in the inbox, and their answer comes through a callback. What is
 * only looked at comes from the published copies. */
#include <errno.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "queen/runtime.h"

static void answer_refused(enum inbox_result result, queen_done *done, void *context)
{
    struct queen_answer answer = {.outcome = result == INBOX_FULL ? QUEEN_BUSY : QUEEN_STOPPING};
    done(&answer, context);
}

static void put(struct queen *queen, struct inbox_event *event)
{
    enum inbox_result result = inbox_put(queen->inbox, event);
    if (result == INBOX_TAKEN)
        return;
    inbox_event_finish(event);
    answer_refused(result, event->done, event->context);
}

/* ---- clients ---- */

void queen_propose(struct queen *queen, const struct machine_command *command, queen_done *done,
                   void *context)
{
    struct machine_command stamped = *command;
    stamped.time_ms = hive_clock_unix_ms();
    struct inbox_event event = {.type = INBOX_PROPOSE, .done = done, .context = context};
    machine_command_encode(&stamped, &event.command);
    put(queen, &event);
}

void queen_read(struct queen *queen, bool stale, queen_done *done, void *context)
{
    struct inbox_event event = {.type = INBOX_READ, .stale = stale, .done = done, .context = context};
    put(queen, &event);
}

void queen_change(struct queen *queen, const struct raft_change *change, queen_done *done, void *context)
{
    struct inbox_event event = {.type = INBOX_CHANGE, .done = done, .context = context};
    event.change = hive_malloc(sizeof *event.change);
    *event.change = *change;
    put(queen, &event);
}

void queen_transfer(struct queen *queen, raft_id to, queen_done *done, void *context)
{
    struct inbox_event event = {.type = INBOX_TRANSFER, .peer = to, .done = done, .context = context};
    put(queen, &event);
}

void queen_snapshot(struct queen *queen, queen_snapshot_done *done, void *context)
{
    struct inbox_event event = {.type = INBOX_BACKUP, .snapshot_done = done, .context = context};
    enum inbox_result result = inbox_put(queen->inbox, &event);
    if (result == INBOX_FULL)
        done(QUEEN_BUSY, NULL, "too much is waiting", context);
    else if (result == INBOX_CLOSED)
        done(QUEEN_STOPPING, NULL, "this queen is stopping", context);
}

/* ---- peers ---- */

void queen_rpc(struct queen *queen, struct raft_message *message, queen_rpc_done *done, void *context)
{
    struct inbox_event event = {.type = INBOX_RPC, .message = message, .rpc_done = done, .context = context};
    if (inbox_put(queen->inbox, &event) != INBOX_TAKEN) {
        inbox_event_finish(&event);
        done(QUEEN_STOPPING, NULL, context);
    }
}

/* All of it is here: only the leader does not know yet, and the core tells it. Nothing is installed, so that it does not matter which
 * members the snapshot has; but a message that names none is none. */
static void answer_stale(struct queen *queen, const struct queen_snapshot_piece *piece,
                         queen_piece_done *done, void *context)
{
    struct raft_snapshot *snapshot = hive_calloc(1, sizeof *snapshot);
    queen_members(queen, &snapshot->configuration, NULL);
    snapshot->configuration.index = 0;
    snapshot->index = piece->last_included_index;
    snapshot->term = piece->last_included_term;
    snapshotter_hand_in(queen->inbox, piece, snapshot, NULL, done, context);
    free(snapshot);
}

void queen_install_snapshot(struct queen *queen, const struct queen_snapshot_piece *piece,
                            queen_piece_done *done, void *context)
{
    pthread_mutex_lock(&queen->status_mutex);
    raft_index applied = queen->status.applied;
    pthread_mutex_unlock(&queen->status_mutex);
    if (piece->to != queen->id || piece->last_included_index == 0)
        done(QUEEN_DISCARDED, 0, 0, 0, context);
    else if (piece->last_included_index <= applied)
        answer_stale(queen, piece, done, context);
    else
        snapshotter_take_piece(queen->snapshotter, piece, done, context);
}

void queen_leader_gone(struct queen *queen, raft_id leader)
{
    struct inbox_event event = {.type = INBOX_LEADER_GONE, .peer = leader};
    inbox_put(queen->inbox, &event);
}

/* ---- the group ---- */

int queen_found(struct queen *queen, const struct raft_configuration *founding, struct hive_error *error)
{
    int code = store_set_founding(queen->store, founding, error);
    if (code)
        return code;
    pthread_mutex_lock(&queen->status_mutex);
    queen->founders = *founding;
    pthread_mutex_unlock(&queen->status_mutex);
    struct inbox_event event = {.type = INBOX_FOUND, .founding = hive_malloc(sizeof *founding)};
    *event.founding = *founding;
    if (inbox_put(queen->inbox, &event) == INBOX_TAKEN)
        return 0;
    inbox_event_finish(&event);
    return hive_error_set(error, -ECANCELED, "this queen is stopping");
}

int queen_joined(struct queen *queen, raft_index index, struct hive_error *error)
{
    return store_set_joined(queen->store, index, error);
}

void queen_removed(struct queen *queen)
{
    struct inbox_event event = {.type = INBOX_REMOVED};
    inbox_put(queen->inbox, &event);
}

void queen_members(struct queen *queen, struct raft_configuration *members,
                   struct raft_configuration *founding)
{
    pthread_mutex_lock(&queen->status_mutex);
    *members = queen->members;
    if (founding)
        *founding = queen->founders;
    pthread_mutex_unlock(&queen->status_mutex);
}

bool queen_address_of(struct queen *queen, raft_id id, char address[HIVE_ADDRESS_BYTES])
{
    pthread_mutex_lock(&queen->status_mutex);
    const struct raft_member *member = raft_configuration_find(&queen->members, id);
    if (member)
        memcpy(address, member->address, HIVE_ADDRESS_BYTES);
    pthread_mutex_unlock(&queen->status_mutex);
    return member != NULL;
}

raft_id queen_id(const struct queen *queen)
{
    return queen->id;
}

/* ---- drones and watches ---- */

struct watch_hub *queen_watch_hub(struct queen *queen)
{
    return queen->watch_hub;
}

void queen_each_drone(struct queen *queen, bool (*visit)(const struct queen_drone *drone, void *context),
                      void *context)
{
    reconciler_each_drone(queen->reconciler, visit, context);
}

bool queen_find_drone(struct queen *queen, const char *address, struct queen_drone *drone)
{
    return reconciler_find_drone(queen->reconciler, address, drone);
}
