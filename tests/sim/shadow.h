/* What must be on each disk: a second book of every log, kept beside the store and the core, by terms. Of each disk it knows what is
 * durable, and in order what is on its way, so that it can say after a crash whether what the store recovered is one of the states that
 * may be there; and it can say what is durable where, for what the core promises. Books outlive processes, and disks. */
#ifndef SIM_SHADOW_H
#define SIM_SHADOW_H

#include "raft/raft.h"
#include "store/store.h"

/* Terms of a log: of the entries behind `start`, which a snapshot stands for. */
struct shadow_log {
    raft_index start;
    raft_term start_term; /* of the entry at `start` */
    raft_term *terms;
    size_t count, capacity;
};

struct shadow_state {
    struct shadow_log log;
    raft_term term;
    raft_id voted_for;
};

/* One record of a write, as the store has them. */
struct shadow_record {
    enum { SHADOW_INSTALL, SHADOW_INSTALL_KEEPING, SHADOW_TRUNCATE, SHADOW_ENTRY, SHADOW_STATE } kind;
    uint64_t write;
    raft_index index;
    raft_term term;
    raft_id voted_for;
};

struct shadow {
    raft_id id;
    struct shadow_state durable, issued; /* issued: all that was asked for */
    struct shadow_record *records;       /* asked for, and not durable */
    size_t record_first, record_count, record_capacity;
};

struct shadow *shadow_create(raft_id id);
void shadow_destroy(struct shadow *shadow);

void shadow_persist(struct shadow *shadow, const struct raft_update *update);
void shadow_durable(struct shadow *shadow, uint64_t write);
/* True where what was recovered is what was durable, and of what was asked for behind that the first so many records. From there the book
 * goes on. */
bool shadow_recover(struct shadow *shadow, const struct store_recovery *recovery);

raft_index shadow_last(const struct shadow_log *log);
/* The term of the entry at `index`, 0 where it is not known. */
raft_term shadow_term(const struct shadow_log *log, raft_index index);

#endif
