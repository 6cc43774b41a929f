/* A seed that fails does so with a hundred faults of which three matter. Leaves out ever smaller groups of them, as long as the run still
 * fails in the same way (delta debugging: Zeller and Hildebrandt, 2002), and then the time behind the last. */
#include <ctype.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "sim/campaign.h"
#include "sim/faults.h"

#define MESSAGE_BYTES 1024

struct shrink {
    uint64_t seed;
    char reason[MESSAGE_BYTES];
    bool *kept;
    size_t count;
    int64_t faults_ms; /* 0: as the seed says */
    unsigned tries;
};

/* What is the same of two failures of one kind: all but numbers. */
static void reason_of(const char *message, char *reason)
{
    const char *at = strstr(message, ": ");
    size_t size = 0;
    for (at = at ? at : message; *at && *at != '\n' && size < MESSAGE_BYTES - 1; at++) {
        if (!isdigit((unsigned char)*at))
            reason[size++] = *at;
    }
    reason[size] = '\0';
}

static bool still_fails(struct shrink *shrink, const bool *kept, int64_t faults_ms)
{
    char message[MESSAGE_BYTES], reason[MESSAGE_BYTES];
    struct world_options options = {
        .seed = shrink->seed, .kept = kept, .kept_count = shrink->count, .faults_ms = faults_ms};
    shrink->tries++;
    if (campaign_try(&options, message, sizeof message))
        return false;
    reason_of(message, reason);
    return strcmp(reason, shrink->reason) == 0;
}

/* Tries without `size` of those that are kept, at each place. True where some could go. */
static bool leave_out(struct shrink *shrink, size_t size)
{
    bool *fewer = hive_calloc(shrink->count + 1, sizeof *fewer);
    bool has_shrunk = false;
    size_t at = 0;
    while (at < shrink->count) {
        size_t left = size, next = at;
        memcpy(fewer, shrink->kept, shrink->count * sizeof *fewer);
        for (; next < shrink->count && left > 0; next++) {
            left -= fewer[next];
            fewer[next] = false;
        }
        if (left < size && still_fails(shrink, fewer, shrink->faults_ms)) {
            memcpy(shrink->kept, fewer, shrink->count * sizeof *fewer);
            has_shrunk = true;
        }
        at = next;
    }
    free(fewer);
    return has_shrunk;
}

static size_t kept_count(const struct shrink *shrink)
{
    size_t kept = 0;
    for (size_t i = 0; i < shrink->count; i++)
        kept += shrink->kept[i];
    return kept;
}

void shrink_print_kept(const bool *kept, size_t count)
{
    const char *comma = "";
    for (size_t i = 0; i < count; i++) {
        size_t last = i;
        while (kept[i] && last + 1 < count && kept[last + 1])
            last++;
        if (kept[i] && last > i)
            printf("%s%zu-%zu", comma, i, last);
        else if (kept[i])
            printf("%s%zu", comma, i);
        comma = kept[i] ? "," : comma;
        i = last;
    }
    if (!*comma)
        printf("none");
}

void shrink_run(uint64_t seed)
{
    struct shrink shrink = {.seed = seed, .count = SIM_MOST_FAULTS};
    char message[MESSAGE_BYTES];
    bool *kept = shrink.kept = hive_calloc(shrink.count, sizeof *kept);
    struct world_config config;
    world_draw(seed, &config);
    memset(kept, true, shrink.count);
    if (campaign_try(&(struct world_options){.seed = seed}, message, sizeof message)) {
        printf("seed %" PRIu64 " does not fail when it is run again\n", seed);
        free(kept);
        return;
    }
    reason_of(message, shrink.reason);
    for (size_t size = 64; size > 0; size /= 2) {
        while (leave_out(&shrink, size) && size == 1)
            ;
    }
    for (int64_t ms = config.faults_ms / 2; ms >= 250; ms /= 2) {
        int64_t shorter_ms = (shrink.faults_ms ? shrink.faults_ms : config.faults_ms) - ms;
        if (shorter_ms > 0 && still_fails(&shrink, shrink.kept, shorter_ms))
            shrink.faults_ms = shorter_ms;
    }
    campaign_try(
        &(struct world_options){
            .seed = seed, .kept = kept, .kept_count = shrink.count, .faults_ms = shrink.faults_ms},
        message, sizeof message);
    printf("after %u tries, with %zu faults: %s", shrink.tries, kept_count(&shrink), message);
    printf("smallest: make sim SEED=%" PRIu64 " SIM_OPTIONS='--keep-faults ", seed);
    shrink_print_kept(kept, shrink.count);
    if (shrink.faults_ms)
        printf(" --milliseconds %" PRId64, shrink.faults_ms);
    printf("'\n");
    free(kept);
}
