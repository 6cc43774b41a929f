/* The step in the middle of a replica: what comes in becomes an event for the core, and what the core's update asks for is
 * done in the order that raft.h's contract wants: records to the disk, messages to the network, committed commands to the
 * machine, answers to whoever waits. The other replica_*.c files hold who waits. */
#include "queen/replica.h"

#include <assert.h>

#include "hive/memory.h"
#include "queen/replica_internal.h"

/* The machine is that of a snapshot: its chain of hashes goes on from there. */
static void stand_at(struct replica *replica, const struct raft_snapshot *snapshot)
{
    machine_chain_stands_at(replica->machine, snapshot->index);
    replica->digests = (struct digests){0};
    digests_add(&replica->digests, snapshot->index, snapshot->term, machine_chain(replica->machine).hash);
}

/* ---- life ---- */

struct replica *replica_create(const struct replica_config *config, const struct raft_recovered *recovered,
                               struct machine *machine, int64_t now_ms)
{
    struct replica *replica = hive_calloc(1, sizeof *replica);
    replica->config = *config;
    replica->host = config->host;
    replica->context = config->context;
    replica->machine = machine;
    replica->random_state = config->seed;
    replica->now_ms = now_ms;
    replica->dropped_before = 1;
    TAILQ_INIT(&replica->reads);
    TAILQ_INIT(&replica->waiting);
    if (recovered && recovered->snapshot) {
        replica->applied = replica->snapshot.durable_index = recovered->snapshot->index;
        stand_at(replica, recovered->snapshot);
    }
    replica->raft = raft_create(&config->raft, recovered, now_ms, config->seed);
    replica->raft_deadline_ms = raft_deadline_ms(replica->raft);
    return replica;
}

void replica_destroy(struct replica *replica)
{
    if (!replica)
        return;
    raft_destroy(replica->raft);
    machine_destroy(replica->machine);
    pending_finish(&replica->pending);
    hive_buffer_finish(&replica->snapshot.piece);
    free(replica->held);
    free(replica);
}

void replica_stop(struct replica *replica)
{
    replica_snapshot_stop(replica);
    replica_transfer_stop(replica);
    replica_clients_stop(replica);
    replica_messages_stop(replica);
}

/* ---- the step ---- */

static uint64_t next_random(struct replica *replica)
{
    /* splitmix64: every step gets fresh bits, and the seed decides them all. */
    uint64_t z = replica->random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

const char *replica_leader_address(const struct replica *replica)
{
    const struct raft_member *leader =
        raft_configuration_find(raft_configuration(replica->raft), raft_leader(replica->raft));
    return leader ? leader->address : NULL;
}

/* The snapshot takes the place of the machine. Who waits for an entry that it covers cannot be told what became of it: only
 * the sum of all is known here. */
static void install(struct replica *replica, const struct raft_update *update)
{
    const struct raft_snapshot *snapshot = update->install;
    assert(replica->arrived && snapshot->index > replica->applied);
    replica_snapshot_give_up(replica);
    struct machine *old = replica->machine;
    replica->machine = replica->arrived;
    replica->arrived = NULL;
    replica->applied = snapshot->index;
    stand_at(replica, snapshot);
    if (update->install_keeps_log)
        replica_clients_give_up_to(replica, snapshot->index);
    else
        replica_clients_give_up_from(replica, 0);
    replica_snapshot_installed(replica, snapshot->index);
    replica->host->installed(replica->context, snapshot, old);
}

static void hash(struct replica *replica, const struct raft_entry *entry)
{
    const struct machine_entry link = {
        .index = entry->index,
        .term = entry->term,
        .data = entry->data,
        .bytes = entry->bytes,
        .type = entry->type,
        .is_configuration = entry->type == RAFT_ENTRY_CONFIGURATION,
    };
    machine_chain_take(replica->machine, &link);
    digests_add(&replica->digests, entry->index, entry->term, machine_chain(replica->machine).hash);
}

static void apply(struct replica *replica, raft_index commit)
{
    while (replica->applied < commit) {
        const struct raft_entry *entry = raft_entry_at(replica->raft, ++replica->applied);
        struct machine_result result = {0};
        hash(replica, entry);
        if (entry->type == RAFT_ENTRY_COMMAND) {
            machine_apply(replica->machine, entry->index, entry->data, entry->bytes, &result);
            replica->host->applied(replica->context, entry, &result);
        }
        replica_snapshot_applied(replica, entry);
        replica_clients_applied(replica, entry, &result);
    }
}

static void tell(struct replica *replica, const struct raft_update *update)
{
    for (size_t i = 0; i < update->transition_count; i++)
        replica->host->transition(replica->context, &update->transitions[i]);
    if (update->log_first > replica->dropped_before) {
        replica->dropped_before = update->log_first;
        replica->host->drop_before(replica->context, update->log_first);
    }
}

void replica_step(struct replica *replica, struct raft_event *event, struct replica_request *request,
                  struct raft_update *update)
{
    event->now_ms = replica->now_ms;
    event->random = next_random(replica);
    raft_step(replica->raft, event, update);
    replica->raft_deadline_ms = update->deadline_ms;
    if (update->write > 0)
        replica->host->persist(replica->context, update);
    if (update->configuration) /* before the acknowledgement of the entry that brought it may leave */
        replica->host->configuration(replica->context, update->configuration);
    replica_messages_send(replica, update, request);
    if (update->install)
        install(replica, update);
    if (update->truncate_from > 0)
        replica_clients_give_up_from(replica, update->truncate_from);
    apply(replica, update->commit_index);
    if (update->transfer_ended)
        replica_transfer_ended(replica, update->transfer_status);
    replica_clients_reads(replica, update);
    tell(replica, update);
}

/* What needs further steps of the core, after the one that made it possible. */
static void settle(struct replica *replica)
{
    replica_transfer_settle(replica);
    replica_snapshot_consider(replica);
}

static void take(struct replica *replica, int64_t now_ms, struct raft_event *event)
{
    struct raft_update update;
    replica->now_ms = now_ms;
    replica_step(replica, event, NULL, &update);
    settle(replica);
}

/* ---- what comes in ---- */

int64_t replica_deadline_ms(const struct replica *replica)
{
    int64_t deadlines[] = {replica_messages_deadline_ms(replica), replica_clients_deadline_ms(replica),
                           replica_transfer_deadline_ms(replica)};
    int64_t earliest = replica->raft_deadline_ms;
    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++)
        if (deadlines[i] < earliest)
            earliest = deadlines[i];
    return earliest;
}

void replica_tick(struct replica *replica, int64_t now_ms)
{
    replica->now_ms = now_ms;
    if (now_ms >= replica->raft_deadline_ms)
        take(replica, now_ms, &(struct raft_event){.type = RAFT_EVENT_TICK});
    replica_messages_expire(replica);
    replica_clients_expire(replica);
    replica_transfer_expire(replica);
    settle(replica);
}

void replica_durable(struct replica *replica, int64_t now_ms, uint64_t write)
{
    if (write <= replica->durable_write)
        return;
    replica->now_ms = now_ms;
    replica->durable_write = write;
    replica_messages_release(replica);
    take(replica, now_ms, &(struct raft_event){.type = RAFT_EVENT_DURABLE, .write = write});
}

static bool is_request(const struct raft_message *message)
{
    return message->type == RAFT_REQUEST_VOTE || message->type == RAFT_APPEND_ENTRIES ||
           message->type == RAFT_INSTALL_SNAPSHOT || message->type == RAFT_TIMEOUT_NOW;
}

static void take_message(struct replica *replica, int64_t now_ms, const struct raft_message *message,
                         void *rpc)
{
    struct replica_request request = {.rpc = rpc};
    struct raft_event event = {.type = RAFT_EVENT_MESSAGE, .message = message};
    struct raft_update update;
    replica->now_ms = now_ms;
    replica_step(replica, &event, is_request(message) ? &request : NULL, &update);
    if (is_request(message) && !request.is_answered)
        replica->host->reply(replica->context, QUEEN_DISCARDED, NULL, rpc);
    settle(replica);
}

void replica_message(struct replica *replica, int64_t now_ms, const struct raft_message *message, void *rpc)
{
    assert(message->type != RAFT_INSTALL_SNAPSHOT);
    take_message(replica, now_ms, message, rpc);
}

void replica_install(struct replica *replica, int64_t now_ms, const struct raft_message *message,
                     struct machine *machine, void *rpc)
{
    assert(message->type == RAFT_INSTALL_SNAPSHOT);
    replica->arrived = machine;
    take_message(replica, now_ms, message, rpc);
    machine_destroy(replica->arrived); /* the core would not have it */
    replica->arrived = NULL;
}

void replica_unreachable(struct replica *replica, int64_t now_ms, raft_id peer)
{
    take(replica, now_ms, &(struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = peer});
}

void replica_leader_gone(struct replica *replica, int64_t now_ms, raft_id leader)
{
    take(replica, now_ms, &(struct raft_event){.type = RAFT_EVENT_LEADER_GONE, .peer = leader});
}

void replica_removed(struct replica *replica, int64_t now_ms)
{
    take(replica, now_ms, &(struct raft_event){.type = RAFT_EVENT_REMOVED});
}

void replica_bootstrap(struct replica *replica, int64_t now_ms, const struct raft_configuration *founding)
{
    take(replica, now_ms, &(struct raft_event){.type = RAFT_EVENT_BOOTSTRAP, .bootstrap = founding});
}

/* ---- for status pages and checks ---- */

bool replica_has_clients(const struct replica *replica)
{
    return pending_untold(&replica->pending) || !TAILQ_EMPTY(&replica->reads) ||
           !TAILQ_EMPTY(&replica->waiting) || replica->transfer_done;
}

const struct raft *replica_raft(const struct replica *replica)
{
    return replica->raft;
}

const struct machine *replica_machine(const struct replica *replica)
{
    return replica->machine;
}

raft_index replica_applied(const struct replica *replica)
{
    return replica->applied;
}

const struct digests *replica_digests(const struct replica *replica)
{
    return &replica->digests;
}
