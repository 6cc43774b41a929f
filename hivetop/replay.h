/* A recording that is played: a model of any of its moments. The file is read once from end to end in the background, so as
 * to know where to begin for each moment and when there were elections; it is never in memory as a whole. One thread. */
#ifndef HIVETOP_REPLAY_H
#define HIVETOP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/error.h"
#include "model.h"

#define REPLAY_LINE_BYTES ((size_t)16 * 1024 * 1024) /* the longest line: a ledger of all nodes */
#define REPLAY_INDEX_BYTES                                                                                   \
    ((size_t)32 * 1024 * 1024)  /* of models to begin from; beyond, every second one goes */
#define REPLAY_INDEX_LINES 1000 /* between two of them, as long as they fit */

struct replay;

/* NULL and an error where the file cannot be read or is no recording. */
struct replay *replay_open(const char *path, struct hive_error *error);
void replay_close(struct replay *replay);

/* Reads on in the background for about so long. False: all was read. */
bool replay_scan(struct replay *replay, int64_t budget_ms);

/* The model at that moment (the model's time, from TRACE_BASE_MS on), which stays the replay's. */
const struct model *replay_seek(struct replay *replay, int64_t at_ms);

/* When it ends, and what is known of elections so far. */
int64_t replay_last_ms(const struct replay *replay);
const struct timeline *replay_timeline(const struct replay *replay);

/* The damage that was found first, with its line; NULL: none so far. Damaged lines are passed over. */
const char *replay_damage(const struct replay *replay);

#endif
