/* Whether a history can have been: whether each operation could have happened at one moment between its beginning and its end, so
 * that all together make sense (Herlihy and Wing). Checked key by key, as a history is linearizable where that of each key is. */
#ifndef HIVE_LINEARIZABLE_H
#define HIVE_LINEARIZABLE_H

#include "hive/history.h"

enum hive_linearizable_verdict {
    HIVE_LINEARIZABLE_YES,
    HIVE_LINEARIZABLE_NO,
    HIVE_LINEARIZABLE_UNDECIDED, /* too many possibilities to try them all */
};

/* The history of one key, without stale reads. `why` gets some lines where the verdict is not YES. */
enum hive_linearizable_verdict hive_linearizable_check(const struct hive_history *history, unsigned key,
                                                       struct hive_buffer *why);

/* Stale reads of one key: each saw something that was there once, was not from the future, and was not older than it said: by a clock
 * that runs up to `drift_per_mille` too slow. False: says which in `why`. */
bool hive_linearizable_check_stale(const struct hive_history *history, unsigned key, unsigned drift_per_mille,
                                   struct hive_buffer *why);

#endif
