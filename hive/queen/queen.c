/* A queen's life: recovery, the start of its threads in the order in which they need each other, and the way
 * back. */
#include "queen/queen.h"

#include <errno.h>

#include "hive/clock.h"
#include "hive/encoding.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "hive/random.h"
#include "queen/runtime.h"

/* A leader whose disk finishes nothing for so long gives way: well above the hiccups of a shared disk. */
#define DISK_STALL_MS 1500

const char *queen_address_of(const struct queen *queen, raft_id id)
{
    for (size_t i = 0; i < queen->member_count; i++)
        if (queen->members[i].id == id)
            return queen->members[i].address;
    return NULL;
}

raft_id queen_id(const struct queen *queen)
{
    return queen->id;
}

static int add_member(struct queen *queen, const char *address, struct hive_error *error)
{
    raft_id id = hive_queen_id(address);
    if (queen_address_of(queen, id))
        return hive_error_set(error, -EINVAL, "queen %s is named twice: list each member of the group once",
                              address);
    if (queen->member_count == HIVE_QUEENS)
        return hive_error_set(error, -EINVAL,
                              "more than %d queens: a Raft group of that size is not supported", HIVE_QUEENS);
    queen->members[queen->member_count++] =
        (struct transport_peer){.id = id, .address = hive_strdup(address)};
    return 0;
}

static int add_members(struct queen *queen, struct hive_error *error)
{
    int code = add_member(queen, queen->config.address, error);
    for (size_t i = 0; !code && i < queen->config.queens->count; i++)
        code = add_member(queen, queen->config.queens->items[i], error);
    queen->id = queen->members[0].id;
    return code;
}

static void create_core(struct queen *queen, const struct store_recovery *recovery)
{
    raft_id voters[HIVE_QUEENS];
    for (size_t i = 0; i < queen->member_count; i++)
        voters[i] = queen->members[i].id;
    struct raft_config config = {
        .id = queen->id,
        .voters = voters,
        .voter_count = queen->member_count,
        .election_timeout_min_ms = queen->config.election_timeout.min_ms,
        .election_timeout_max_ms = queen->config.election_timeout.max_ms,
        .heartbeat_ms = queen->config.heartbeat_ms,
        .batch_entries = HIVE_BATCH_ENTRIES,
        .batch_bytes = HIVE_BATCH_BYTES,
        .inflight_appends = 1,
        .disk_stall_ms = DISK_STALL_MS,
        .pre_vote = true,
        .check_quorum = true,
    };
    struct raft_recovered recovered = {
        .term = recovery->term,
        .voted_for = recovery->voted_for,
        .entries = recovery->entries,
        .entry_count = recovery->entry_count,
    };
    queen->random_state = hive_random();
    queen->raft = raft_create(&config, &recovered, hive_clock_monotonic_ms(), hive_random());
    queen->raft_deadline_ms = raft_deadline_ms(queen->raft);
    queen->machine = machine_create();
}

static int recover(struct queen *queen, struct hive_error *error)
{
    struct store_config config = {.directory = queen->config.data_directory, .id = queen->id};
    struct store_recovery recovery = {0};
    int code = store_open(&config, &queen->store, &recovery, error);
    if (code)
        return code;
    hive_log_info("log recovered", LOG_N("entries", recovery.entry_count), LOG_N("term", recovery.term),
                  LOG_N("torn_bytes", recovery.truncated_bytes));
    create_core(queen, &recovery);
    store_recovery_finish(&recovery);
    return 0;
}

static void start_threads(struct queen *queen)
{
    queen->disk = disk_start(queen->store, queen->inbox);
    struct transport_config transport = {
        .address = queen->config.address,
        .token = queen->config.token,
        .heartbeat_timeout_ms = queen->config.election_timeout.max_ms,
        .timeout_ms = QUEEN_RPC_TIMEOUT_MS,
        .inbox = queen->inbox,
        .peers = queen->members + 1,
        .peer_count = queen->member_count - 1,
    };
    queen->transport = transport_start(&transport);
    struct reconciler_config reconciler = {
        .queen = queen,
        .token = queen->config.token,
        .address = queen->config.address,
        .heartbeat_ms = queen->config.drone_heartbeat_ms,
        .suspect_ms = queen->config.drone_suspect_ms,
        .lost_ms = queen->config.drone_lost_ms,
    };
    queen->reconciler = reconciler_start(&reconciler);
    struct raft_transition follower = {.role = RAFT_FOLLOWER, .term = raft_current_term(queen->raft)};
    queen_status_add_transition(queen, &follower);
    queen_status_publish(queen);
    pthread_create(&queen->thread, NULL, queen_consensus_run, queen);
    pthread_setname_np(queen->thread, "consensus");
}

int queen_start(const struct queen_config *config, struct queen **started, struct hive_error *error)
{
    struct queen *queen = hive_calloc(1, sizeof *queen);
    queen->config = *config;
    TAILQ_INIT(&queen->reads);
    pthread_mutex_init(&queen->status_mutex, NULL);
    queen->inbox = inbox_create();
    int code = add_members(queen, error);
    if (!code)
        code = recover(queen, error);
    if (code) {
        queen_destroy(queen);
        return code;
    }
    start_threads(queen);
    *started = queen;
    return 0;
}

void queen_stop(struct queen *queen)
{
    /* The reconciler first: it waits for answers of the consensus thread. */
    reconciler_stop(queen->reconciler);
    inbox_close(queen->inbox);
    pthread_join(queen->thread, NULL);
    transport_stop(queen->transport);
    disk_stop(queen->disk);
    store_close(queen->store);
    queen->store = NULL;
}

void queen_destroy(struct queen *queen)
{
    if (!queen)
        return;
    reconciler_destroy(queen->reconciler);
    for (size_t i = 0; i < queen->member_count; i++)
        free((void *)queen->members[i].address);
    raft_destroy(queen->raft);
    machine_destroy(queen->machine);
    pending_finish(&queen->pending);
    free(queen->held);
    inbox_destroy(queen->inbox);
    pthread_mutex_destroy(&queen->status_mutex);
    free(queen);
}

static void answer_refused(enum inbox_result result, queen_done *done, void *context)
{
    struct queen_answer answer = {.outcome = result == INBOX_FULL ? QUEEN_BUSY : QUEEN_STOPPING};
    done(&answer, context);
}

void queen_propose(struct queen *queen, const struct machine_command *command, queen_done *done,
                   void *context)
{
    struct machine_command stamped = *command;
    stamped.time_ms = hive_clock_unix_ms();
    struct inbox_event event = {.type = INBOX_PROPOSE, .done = done, .context = context};
    machine_command_encode(&stamped, &event.command);
    enum inbox_result result = inbox_put(queen->inbox, &event);
    if (result != INBOX_TAKEN) {
        hive_buffer_finish(&event.command);
        answer_refused(result, done, context);
    }
}

void queen_read(struct queen *queen, bool stale, queen_done *done, void *context)
{
    struct inbox_event event = {.type = INBOX_READ, .stale = stale, .done = done, .context = context};
    enum inbox_result result = inbox_put(queen->inbox, &event);
    if (result != INBOX_TAKEN)
        answer_refused(result, done, context);
}

void queen_rpc(struct queen *queen, struct raft_message *message, queen_rpc_done *done, void *context)
{
    struct inbox_event event = {.type = INBOX_RPC, .message = message, .rpc_done = done, .context = context};
    if (inbox_put(queen->inbox, &event) != INBOX_TAKEN) {
        queen_message_free(message);
        done(QUEEN_STOPPING, NULL, context);
    }
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
