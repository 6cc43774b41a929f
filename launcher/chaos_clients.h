/* Those who write and read while everything goes wrong, and remember what they were told. Threads of their own. */
#ifndef LAUNCHER_CHAOS_CLIENTS_H
#define LAUNCHER_CHAOS_CLIENTS_H

#include "hive/api.h"
#include "hive/history.h"

struct chaos_clients;

/* `target` is used until the end. */
struct chaos_clients *chaos_clients_start(const struct hive_target *target, uint64_t seed);

/* Writes that were acknowledged so far. */
size_t chaos_clients_acknowledged(struct chaos_clients *clients);

/* They finish what they are at, within a few seconds, and begin nothing new. */
void chaos_clients_stop(struct chaos_clients *clients);

/* After that. Writes a key of its own until that is acknowledged, and reads all keys. True where all of that was answered in time. */
bool chaos_clients_conclude(struct chaos_clients *clients, int64_t until_ms);

/* After that. */
const struct hive_history *chaos_clients_history(const struct chaos_clients *clients);
unsigned chaos_clients_keys(const struct chaos_clients *clients);

/* Deletes the keys, as far as that works. */
void chaos_clients_clean_up(struct chaos_clients *clients);

void chaos_clients_finish(struct chaos_clients *clients);

#endif
