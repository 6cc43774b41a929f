/* Linearizable reads without a log write (§6.4). */
#ifndef RAFT_READ_INDEX_H
#define RAFT_READ_INDEX_H

#include "raft/state.h"

/* A client asks to read. Answered in this step's update or a later one. */
void raft_read_index_ask(struct raft *raft, uint64_t context);

/* What is sent from now on belongs to a new round. */
void raft_read_index_new_round(struct raft *raft);

/* An answer to an AppendEntries confirms the round that it was sent in, whatever else it says. */
void raft_read_index_on_round(struct raft *raft, const struct raft_message *message);

/* Acknowledgements or a commit arrived: answers what is confirmed, and starts the next round for what waits.
 */
void raft_read_index_progress(struct raft *raft);

/* Leadership is lost: all that wait are refused. */
void raft_read_index_abandon(struct raft *raft);

#endif
