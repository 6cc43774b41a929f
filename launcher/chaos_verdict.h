/* Was it right, what clients saw, and was anything lost? Pure. */
#ifndef LAUNCHER_CHAOS_VERDICT_H
#define LAUNCHER_CHAOS_VERDICT_H

#include <cjson/cJSON.h>

#include "chaos_plan.h"
#include "chaos_watch.h"
#include "hive/history.h"

struct chaos_evidence {
    const struct hive_history *history; /* its last read of each key was made when all was over */
    unsigned keys;
    const struct chaos_sight *sight;
    bool has_recovered;   /* all queens are back, agree, and answer */
    const char *trouble;  /* else: what is missing */
    int64_t recovered_ms; /* so long it took */
};

/* How it went otherwise: for the text only. */
struct chaos_course {
    const char *cluster;
    const struct chaos_plan *plan;
    size_t queens, faults[CHAOS_KINDS], skipped;
    char (*names)[HIVE_NAME_BYTES]; /* of the queens */
    uint64_t seed;
    int64_t ran_ms;
};

struct chaos_verdict {
    size_t acknowledged, unknown, refused, lost; /* writes */
    size_t
        declined; /* … that were answered, and had no effect: their condition did not hold, or there was no such key */
    int64_t longest_ms; /* in which no write was acknowledged */
    size_t reads, reads_failed;
    unsigned keys, keys_wrong, keys_undecided; /* linearizable or not */
    struct hive_buffer findings;               /* owned: what is wrong, line by line */
    enum hive_exit status;                     /* OK; FAILED; UNKNOWN where it could not be decided */
};

void chaos_verdict_make(struct chaos_verdict *verdict, const struct chaos_evidence *evidence);
void chaos_verdict_finish(struct chaos_verdict *verdict);

/* Lines for people. */
void chaos_verdict_describe(const struct chaos_verdict *verdict, const struct chaos_evidence *evidence,
                            const struct chaos_course *course, struct hive_buffer *text);
cJSON *chaos_verdict_json(const struct chaos_verdict *verdict, const struct chaos_evidence *evidence,
                          const struct chaos_course *course);

#endif
