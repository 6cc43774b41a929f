/* Raft's messages on the heap. Pure; any thread. */
#ifndef QUEEN_MESSAGE_H
#define QUEEN_MESSAGE_H

#include "raft/raft.h"

/* A copy, with its entries and their data, or its snapshot's description. */
struct raft_message *queen_message_copy(const struct raft_message *message);
void queen_message_free(struct raft_message *message); /* NULL is fine */

#endif
