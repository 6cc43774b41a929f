/* All queens are asked at once, ten times a second. What they tell of the past (transitions) makes this exact; what they cannot tell,
 * because they were killed or are frozen, those who did it tell. */
#include "chaos_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>

#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/memory.h"

#define LOOK_EVERY_MS 100
#define LOOK_MS       400
#define DIGESTS       4096 /* that are remembered, by index */

struct look {
    struct chaos_watch *watch;
    size_t queen;
    int64_t asked_ms;
};

struct queen {
    char name[HIVE_NAME_BYTES], address[HIVE_ADDRESS_BYTES];
    int64_t asked_ms; /* unix: the newest question that was answered; 0: none yet */
    bool has_vote, is_leader;
    bool is_stranger; /* somebody else answers there: a port is free while its node is down */
    uint64_t term, applied;
};

struct told {
    struct hive_digest digest;
    size_t by; /* who told it first */
};

struct chaos_watch {
    pthread_mutex_t lock; /* all below */
    pthread_t thread;
    bool is_ending;
    struct queen *queens;
    size_t count;
    struct chaos_reigns reigns;
    char group[20]; /* of the logs; empty: nobody has told yet */
    uint64_t first_term, last_term;
    struct told *told; /* by index modulo DIGESTS */
    size_t compared;
    struct hive_buffer difference;
};

static void take_digest(struct chaos_watch *watch, size_t queen, const struct hive_digest *digest)
{
    struct told *told = &watch->told[digest->index % DIGESTS];
    if (told->digest.index != digest->index || told->digest.term != digest->term) {
        if (digest->index > told->digest.index)
            *told = (struct told){.digest = *digest, .by = queen};
        return;
    }
    if (told->by == queen)
        return;
    watch->compared++;
    if (strcmp(told->digest.hash, digest->hash) != 0 && !watch->difference.size)
        hive_buffer_format(&watch->difference,
                           "the logs of %s and %s differ up to index %" PRIu64 " (term %" PRIu64 "): %s, %s",
                           watch->queens[told->by].name, watch->queens[queen].name, digest->index,
                           digest->term, told->digest.hash, digest->hash);
}

static void take_health(struct chaos_watch *watch, const struct look *look, const struct hive_health *health)
{
    struct queen *queen = &watch->queens[look->queen];
    if (!watch->group[0])
        memcpy(watch->group, health->log_group, sizeof watch->group);
    queen->is_stranger = health->log_group[0] && strcmp(health->log_group, watch->group) != 0;
    if (queen->is_stranger)
        return;
    queen->asked_ms = look->asked_ms;
    queen->has_vote = strcmp(health->standing, "voter") == 0;
    queen->is_leader = health->raft_state == HIVE_RAFT_LEADER;
    queen->term = health->term;
    queen->applied = health->log_applied;
    if (!watch->first_term)
        watch->first_term = health->term;
    if (health->term > watch->last_term)
        watch->last_term = health->term;
    chaos_reigns_take(&watch->reigns, look->queen, health, look->asked_ms);
    for (size_t i = 0; i < health->digest_count && health->log_group[0]; i++)
        take_digest(watch, look->queen, &health->digests[i]);
}

static void on_answer(struct hive_http_response *response, void *context)
{
    const struct look *look = context;
    struct chaos_watch *watch = look->watch;
    struct hive_health health = {0};
    struct hive_error error;
    pthread_mutex_lock(&watch->lock);
    if (response->status == 200 && response->body.data &&
        hive_health_parse(response->body.data, response->body.size, &health, &error) == 0)
        take_health(watch, look, &health);
    else if (response->error_number == -ECONNREFUSED && !(watch->reigns.away >> look->queen & 1)) {
        /* She died by herself. */
        chaos_reigns_lose(&watch->reigns, look->queen, look->asked_ms);
        chaos_reigns_return(&watch->reigns, look->queen);
    }
    pthread_mutex_unlock(&watch->lock);
    hive_health_finish(&health);
}

static bool is_ending(struct chaos_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool ending = watch->is_ending;
    pthread_mutex_unlock(&watch->lock);
    return ending;
}

static void *look_on(void *context)
{
    struct chaos_watch *watch = context;
    struct hive_http_client *client = hive_http_client_create();
    struct look *looks = hive_calloc(watch->count, sizeof *looks);
    while (!is_ending(watch)) {
        int64_t began_ms = hive_clock_monotonic_ms();
        for (size_t i = 0; i < watch->count; i++) {
            char url[HIVE_ADDRESS_BYTES + 32];
            snprintf(url, sizeof url, "http://%s/healthz?drones=0", watch->queens[i].address);
            const struct hive_http_request request = {
                .method = "GET", .url = url, .timeout_ms = LOOK_MS, .response_bytes = 4 << 20};
            looks[i] = (struct look){watch, i, hive_clock_unix_ms()};
            hive_http_client_start(client, &request, on_answer, &looks[i]);
        }
        while (hive_http_client_pending(client))
            hive_http_client_wait(client, NULL, 0, LOOK_MS);
        int64_t left_ms = began_ms + LOOK_EVERY_MS - hive_clock_monotonic_ms();
        poll(NULL, 0, left_ms > 0 ? (int)left_ms : 0);
    }
    hive_http_client_destroy(client);
    free(looks);
    return NULL;
}

struct chaos_watch *chaos_watch_start(const struct hive_ledger *ledger)
{
    struct chaos_watch *watch = hive_calloc(1, sizeof *watch);
    watch->queens = hive_calloc(ledger->node_count, sizeof *watch->queens);
    watch->told = hive_calloc(DIGESTS, sizeof *watch->told);
    for (size_t i = 0; i < ledger->node_count; i++) {
        const struct hive_ledger_node *node = &ledger->nodes[i];
        if (node->role != HIVE_ROLE_QUEEN)
            continue;
        struct queen *queen = &watch->queens[watch->count++];
        memcpy(queen->name, node->name, sizeof queen->name);
        memcpy(queen->address, node->address, sizeof queen->address);
    }
    pthread_mutex_init(&watch->lock, NULL);
    if (pthread_create(&watch->thread, NULL, look_on, watch))
        abort(); /* for want of memory only */
    return watch;
}

int chaos_watch_leader(struct chaos_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    int leader = chaos_reigns_leader(&watch->reigns);
    pthread_mutex_unlock(&watch->lock);
    return leader;
}

void chaos_watch_lose(struct chaos_watch *watch, uint64_t queens)
{
    int64_t now_ms = hive_clock_unix_ms();
    pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < watch->count; i++)
        if (queens >> i & 1)
            chaos_reigns_lose(&watch->reigns, i, now_ms);
    pthread_mutex_unlock(&watch->lock);
}

void chaos_watch_return(struct chaos_watch *watch, uint64_t queens)
{
    pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < watch->count; i++)
        if (queens >> i & 1)
            chaos_reigns_return(&watch->reigns, i);
    pthread_mutex_unlock(&watch->lock);
}

bool chaos_watch_has_vote(struct chaos_watch *watch, size_t queen, int64_t since_ms)
{
    pthread_mutex_lock(&watch->lock);
    bool has_vote = watch->queens[queen].asked_ms > since_ms && watch->queens[queen].has_vote;
    pthread_mutex_unlock(&watch->lock);
    return has_vote;
}

bool chaos_watch_is_whole(struct chaos_watch *watch, int64_t since_ms)
{
    size_t leaders = 0;
    bool is_whole = true;
    pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < watch->count; i++) {
        const struct queen *queen = &watch->queens[i], *first = &watch->queens[0];
        leaders += queen->is_leader;
        is_whole = is_whole && queen->asked_ms > since_ms && queen->has_vote && queen->term == first->term &&
                   queen->applied == first->applied;
    }
    pthread_mutex_unlock(&watch->lock);
    return is_whole && leaders == 1;
}

void chaos_watch_describe(struct chaos_watch *watch, int64_t since_ms, struct hive_buffer *text)
{
    size_t leaders = 0;
    pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < watch->count; i++) {
        const struct queen *queen = &watch->queens[i];
        leaders += queen->is_leader;
        if (queen->is_stranger)
            hive_buffer_format(text, "%ssomebody of another group answers at the address of %s",
                               text->size ? ", " : "", queen->name);
        else if (queen->asked_ms <= since_ms)
            hive_buffer_format(text, "%s%s does not answer", text->size ? ", " : "", queen->name);
        else if (!queen->has_vote)
            hive_buffer_format(text, "%s%s has no vote", text->size ? ", " : "", queen->name);
    }
    if (leaders != 1)
        hive_buffer_format(text, "%s%zu lead", text->size ? ", " : "", leaders);
    if (!text->size)
        hive_buffer_append_text(text, "the queens did not come to the same index");
    pthread_mutex_unlock(&watch->lock);
}

void chaos_watch_sum_up(struct chaos_watch *watch, int64_t from_ms, int64_t until_ms,
                        struct chaos_sight *sight)
{
    pthread_mutex_lock(&watch->lock);
    *sight = (struct chaos_sight){.first_term = watch->first_term,
                                  .last_term = watch->last_term,
                                  .elections = chaos_reigns_elections(&watch->reigns, from_ms, until_ms),
                                  .gaps = chaos_reigns_gaps(&watch->reigns, from_ms, until_ms),
                                  .digests_compared = watch->compared};
    hive_buffer_append(&sight->difference, watch->difference.data, watch->difference.size);
    pthread_mutex_unlock(&watch->lock);
}

void chaos_watch_end(struct chaos_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->is_ending = true;
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->lock);
    chaos_reigns_finish(&watch->reigns);
    hive_buffer_finish(&watch->difference);
    free(watch->queens);
    free(watch->told);
    free(watch);
}
