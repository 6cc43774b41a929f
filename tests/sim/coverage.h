/* What happened in the runs, counted: a simulator that is clean because nothing ever goes wrong in it proves nothing. One table gives
 * names and floors; a campaign in which a floor is not reached fails. */
#ifndef SIM_COVERAGE_H
#define SIM_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, what it counts, at least so many in 1,000 runs) */
#define SIM_COVERAGE(X)                                                                                      \
    X(ELECTIONS, "elections won", 5000)                                                                      \
    X(STEP_DOWNS, "leaders that stepped down", 500)                                                          \
    X(COMMITS, "entries committed", 100000)                                                                  \
    X(TRUNCATIONS, "logs cut", 100)                                                                          \
    X(INSTALLS, "snapshots installed", 200)                                                                  \
    X(INSTALLS_KEEPING, "of them, before a log that agreed", 1)                                              \
    X(SNAPSHOTS, "snapshots taken", 2000)                                                                    \
    X(SNAPSHOTS_FAILED, "snapshots given up", 5)                                                             \
    X(STREAMS_BROKEN, "snapshot streams broken", 50)                                                         \
    X(STREAMS_RESUMED, "snapshot streams resumed", 10)                                                       \
    X(CONFIGURATIONS, "changes of members committed", 500)                                                   \
    X(ROLLBACKS, "changes of members rolled back", 5)                                                        \
    X(JOINS, "queens that joined", 200)                                                                      \
    X(PROMOTIONS, "queens promoted to voters", 100)                                                          \
    X(REMOVALS, "queens that learned of their removal", 50)                                                  \
    X(LEADERS_REMOVED, "leaders that were removed", 5)                                                       \
    X(TRANSFERS, "leaderships handed over", 100)                                                             \
    X(TRANSFERS_FAILED, "transfers given up", 5)                                                             \
    X(CRASHES, "processes that ended", 3000)                                                                 \
    X(POWER_LOSSES, "of them, with what was not synced", 1000)                                               \
    X(CRASHES_IN_DISK, "of them, in the middle of the disk's work", 200)                                     \
    X(LOST_SECTORS, "unsynced sectors lost", 1000)                                                           \
    X(TORN_TAILS, "torn tails cut", 50)                                                                      \
    X(RECOVERIES, "logs recovered", 2000)                                                                    \
    X(SNAPSHOTS_LOADED, "of them, with a snapshot", 500)                                                     \
    X(WIPES, "disks wiped", 100)                                                                             \
    X(DISK_ERRORS, "disk errors", 100)                                                                       \
    X(PAUSES, "processes paused", 300)                                                                       \
    X(STALLS, "disks stalled", 300)                                                                          \
    X(PARTITIONS, "partitions", 500)                                                                         \
    X(LEADERS_GONE, "ends of a leader noticed by its connections", 200)                                      \
    X(PACKETS, "messages", 1000000)                                                                          \
    X(PACKETS_LOST, "messages lost", 10000)                                                                  \
    X(PACKETS_DOUBLED, "messages delivered twice", 1000)                                                     \
    X(WRITES, "clients' writes done", 50000)                                                                 \
    X(READS, "clients' reads done", 20000)                                                                   \
    X(UNKNOWN, "requests with an unknown outcome", 1000)                                                     \
    X(REPLAYS, "repeated writes that were answered from memory", 100)                                        \
    X(LEASE_RUNS, "runs with reads by lease", 50)

enum coverage_event {
#define X(name, text, floor) COVER_##name,
    SIM_COVERAGE(X)
#undef X
        COVER_COUNT
};

struct coverage {
    uint64_t counts[COVER_COUNT];
};

void coverage_add(struct coverage *sum, const struct coverage *more);
/* Prints the table; false where a floor for so many runs was missed. */
bool coverage_print(const struct coverage *coverage, uint64_t runs);

#endif
