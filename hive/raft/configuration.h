/* The members of a group: looking them up, checking them, and as bytes (in log entries, messages and
 * snapshots alike).
 *
 * The bytes, all numbers little-endian:
 *
 *     u8  version, 1
 *     u8  members, 0 to HIVE_QUEENS
 *     and of each, in order:  u64 id · u8 kind · u16 bytes of the address · the address, without NUL
 *
 * The index is not among them: it is that of the entry (or is said beside them, in a snapshot). */
#ifndef RAFT_CONFIGURATION_H
#define RAFT_CONFIGURATION_H

#include "hive/buffer.h"
#include "raft/raft.h"

/* Ids are not 0 and there is none twice, kinds exist, addresses end. An empty one is valid. */
bool raft_configuration_is_valid(const struct raft_configuration *configuration);

size_t raft_configuration_voters(const struct raft_configuration *configuration);

/* The one with that address (not ""), or NULL. */
const struct raft_member *raft_configuration_find_address(const struct raft_configuration *configuration,
                                                          const char *address);

/* Puts the member of that id in (or changes the one that is there); takes it out. False where it does not
 * fit, or is not there. */
bool raft_configuration_put(struct raft_configuration *configuration, const struct raft_member *member);
bool raft_configuration_take_out(struct raft_configuration *configuration, raft_id id);

/* Appends the bytes of a valid configuration. */
void raft_configuration_encode(struct hive_buffer *buffer, const struct raft_configuration *configuration);

/* The configuration in an entry (or snapshot) of that index; false for bytes that are not one, whatever
 * they are. */
bool raft_configuration_decode(const void *data, size_t bytes, raft_index index,
                               struct raft_configuration *configuration);

#endif
