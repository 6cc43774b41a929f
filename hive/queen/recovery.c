/* What a queen finds on its disk when it starts, and the replica that is made of it: the newest snapshot's machine, and the log behind
 * it. */
#include <errno.h>

#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "hive/random.h"
#include "queen/runtime.h"

#define SLICE_BYTES ((size_t)1024 * 1024)

static int feed(struct store_snapshot_reader *reader, struct machine_loader *loader, struct hive_error *error)
{
    void *slice = hive_malloc(SLICE_BYTES);
    ssize_t bytes;
    int code = 0;
    while (!code && (bytes = store_snapshot_read(reader, slice, SLICE_BYTES, error)) != 0)
        code = bytes < 0 ? (int)bytes : machine_load_feed(loader, slice, (size_t)bytes, error);
    free(slice);
    return code;
}

static int load_machine(struct queen *queen, struct machine **machine, struct hive_error *error)
{
    struct store_snapshot_reader *reader;
    int code = store_snapshot_open(queen->store, &reader, error);
    if (code)
        return code;
    struct machine_loader *loader = machine_load_begin();
    code = feed(reader, loader, error);
    store_snapshot_close(reader);
    if (!code)
        return machine_load_end(loader, machine, error);
    machine_load_abort(loader);
    return code;
}

/* Behind a snapshot, for followers that are a little behind; but no more than that with which one is taken. */
static uint64_t trailing_entries(const struct queen_config *config)
{
    bool is_small = config->snapshot_entries > 0 && config->snapshot_entries < HIVE_TRAILING_ENTRIES;
    return is_small ? (uint64_t)config->snapshot_entries : HIVE_TRAILING_ENTRIES;
}

static void create_replica(struct queen *queen, const struct store_recovery *recovery,
                           struct machine *machine)
{
    const struct queen_config *config = &queen->config;
    struct replica_config replica = {
        .raft =
            {
                .id = queen->id,
                .election_timeout_min_ms = config->election_timeout.min_ms,
                .election_timeout_max_ms = config->election_timeout.max_ms,
                .heartbeat_ms = config->heartbeat_ms,
                .batch_entries = HIVE_BATCH_ENTRIES,
                .batch_bytes = HIVE_BATCH_BYTES,
                .inflight_appends = 1,
                .disk_stall_ms = QUEEN_DISK_STALL_MS,
                .pre_vote = true,
                .check_quorum = true,
                .read_lease = config->read_lease,
                .clock_drift_percent = (unsigned)config->clock_drift_percent,
            },
        .host = &queen_host,
        .context = queen,
        .request_timeout_ms = config->request_timeout_ms,
        .rpc_timeout_ms = QUEEN_RPC_TIMEOUT_MS,
        .snapshot_entries = (uint64_t)config->snapshot_entries,
        .snapshot_bytes = (uint64_t)config->snapshot_bytes,
        .trailing_entries = trailing_entries(config),
        .seed = hive_random(),
    };
    struct raft_recovered recovered = {
        .term = recovery->term,
        .voted_for = recovery->voted_for,
        .founding = recovery->founding,
        .snapshot = recovery->snapshot,
        .entries = recovery->entries,
        .entry_count = recovery->entry_count,
    };
    queen->replica = replica_create(&replica, &recovered, machine, hive_clock_monotonic_ms());
}

/* The group calls this queen at the address that it has as a member. */
static int check_address(const struct queen *queen, struct hive_error *error)
{
    const struct raft_member *own =
        raft_configuration_find(raft_configuration(replica_raft(queen->replica)), queen->id);
    if (!own || !strcmp(own->address, queen->config.address))
        return 0;
    return hive_error_set(error, -EINVAL,
                          "%s holds the data of the queen at %s: start it at that address (--listen, or "
                          "--advertise where others call it so), or give another --data-dir",
                          queen->config.data_directory, own->address);
}

int queen_recover(struct queen *queen, struct hive_error *error)
{
    struct store_config config = {.directory = queen->config.data_directory};
    struct store_recovery recovery = {0};
    int code = store_open(&config, &queen->store, &recovery, error);
    if (code)
        return code;
    queen->id = recovery.id;
    struct machine *machine = NULL;
    if (recovery.snapshot)
        code = load_machine(queen, &machine, error);
    else
        machine = machine_create();
    if (!code) {
        hive_log_info("log recovered", LOG_N("id", recovery.id), LOG_N("entries", recovery.entry_count),
                      LOG_N("term", recovery.term),
                      LOG_N("snapshot", recovery.snapshot ? recovery.snapshot->index : 0),
                      LOG_N("torn_bytes", recovery.truncated_bytes));
        create_replica(queen, &recovery, machine);
        if (recovery.founding)
            queen->founders = *recovery.founding;
        queen->joined = recovery.joined;
        code = check_address(queen, error);
    }
    store_recovery_finish(&recovery);
    return code;
}
