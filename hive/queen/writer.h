/* The writer thread: takes all records that gathered while the last sync ran, writes and syncs them as one
 * (group commit), and says up to which write everything is durable. A failure ends the process: a sync that
 * failed cannot be repeated. */
#ifndef QUEEN_WRITER_H
#define QUEEN_WRITER_H

#include <stdint.h>

#include "queen/inbox.h"
#include "store/store.h"

struct writer;

/* Starts the thread. `store` and `inbox` must outlive it. */
struct writer *writer_start(struct store *store, struct inbox *inbox);

/* The consensus thread: where this step's records go, between begin and end. The lock is held meanwhile, for
 * as long as encoding takes. */
struct hive_buffer *writer_begin(struct writer *writer);
void writer_end(struct writer *writer, uint64_t write);

/* Finishes what was handed in, and ends the thread. */
void writer_stop(struct writer *writer);

#endif
