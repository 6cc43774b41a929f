/* A plan cannot know who leads, or how long it takes until a queen is back. So each fault is looked at again when its time has come:
 * who is away now, together with whom it hits, must not be more than can be borne. */
#include "chaos_strike.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "order.h"

#define LOOK_MS      50
#define WIPE_MOST_MS 60000 /* until she has a vote again; then it is said */
#define CALL_MS      3000
#define RETRY_MS     500

struct strike {
    struct chaos_strikes *all;
    struct chaos_fault fault; /* with the leader's bit where it is one's */
    pthread_t thread;
};

struct chaos_strikes {
    struct chaos_stage stage;
    atomic_bool is_ending;
    pthread_mutex_t lock;
    uint64_t away; /* under the lock */
    bool is_one_wiped;
    struct strike *strikes;
    size_t count, by_kind[CHAOS_KINDS]; /* main thread */
};

struct chaos_strikes *chaos_strikes_create(const struct chaos_stage *stage)
{
    struct chaos_strikes *all = hive_calloc(1, sizeof *all);
    all->stage = *stage;
    all->away = stage->gone;
    all->strikes = hive_calloc(stage->fault_count + 1, sizeof *all->strikes);
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

static void say(struct chaos_strikes *all, const char *what, const struct chaos_fault *fault, const char *why)
{
    struct hive_buffer text = {0};
    hive_buffer_append_text(&text, what);
    struct chaos_fault named = *fault;
    named.is_leader = false;
    chaos_fault_describe(&named, all->stage.names, &text);
    if (fault->is_leader)
        hive_buffer_append_text(&text, " (leader)");
    if (why)
        hive_buffer_format(&text, ": %s", why);
    pthread_mutex_lock(&all->lock);
    all->stage.say(all->stage.context, text.data);
    pthread_mutex_unlock(&all->lock);
    hive_buffer_finish(&text);
}

/* ---- orders ---- */

static bool order(const struct hive_ledger *ledger, const char *method, const char *path, const char *body,
                  struct hive_error *error)
{
    struct hive_buffer answer = {0};
    enum hive_exit status = order_try(ledger, method, path, body, &answer, error);
    hive_buffer_finish(&answer);
    return status == HIVE_EXIT_OK;
}

static bool order_node(const struct hive_ledger *ledger, const char *name, const char *verb,
                       struct hive_error *error)
{
    struct hive_buffer path = {0};
    hive_buffer_append_text(&path, "/nodes/");
    hive_path_append(&path, name);
    hive_buffer_format(&path, "/%s", verb);
    bool is_done = order(ledger, "POST", path.data, NULL, error);
    hive_buffer_finish(&path);
    return is_done;
}

/* `verb` for each victim. */
static bool order_victims(struct chaos_strikes *all, const struct chaos_fault *fault, const char *verb,
                          struct hive_error *error)
{
    bool is_done = true;
    for (size_t i = 0; i < all->stage.queens; i++)
        if (fault->victims >> i & 1)
            is_done = order_node(all->stage.ledger, all->stage.names[i], verb, error) && is_done;
    return is_done;
}

static bool order_link(struct chaos_strikes *all, const struct chaos_fault *fault, size_t victim,
                       size_t other, bool is_cut, struct hive_error *error)
{
    bool is_inward = fault->way == CHAOS_INWARD;
    const char *from = all->stage.names[is_inward ? other : victim],
               *to = all->stage.names[is_inward ? victim : other];
    struct hive_buffer text = {0};
    bool is_done;
    if (is_cut) {
        hive_buffer_format(&text, "{\"kind\":\"cut\",\"from\":\"%s\",\"to\":\"%s\",\"one_way\":%s}", from, to,
                           fault->way == CHAOS_BOTH_WAYS ? "false" : "true");
        is_done = order(all->stage.ledger, "POST", "/links", text.data, error);
    } else {
        hive_buffer_format(&text, "/links?from=%s&to=%s", from, to);
        is_done = order(all->stage.ledger, "DELETE", text.data, NULL, error);
    }
    hive_buffer_finish(&text);
    return is_done;
}

/* Between the victims and the others; among themselves all stays as it is. */
static bool order_cut(struct chaos_strikes *all, const struct chaos_fault *fault, bool is_cut,
                      struct hive_error *error)
{
    bool is_done = true;
    for (size_t victim = 0; victim < all->stage.queens; victim++)
        for (size_t other = 0; other < all->stage.queens; other++)
            if (fault->victims >> victim & 1 && !(fault->victims >> other & 1))
                is_done = order_link(all, fault, victim, other, is_cut, error) && is_done;
    return is_done;
}

static bool order_all_links(struct chaos_strikes *all, const char *change, struct hive_error *error)
{
    char *body = hive_format("{\"from\":\"queens\",\"to\":\"queens\",%s}", change);
    bool is_done = order(all->stage.ledger, "POST", "/links", body, error);
    free(body);
    return is_done;
}

static bool transfer(struct chaos_strikes *all, struct hive_error *error)
{
    int leader = chaos_watch_leader(all->stage.watch);
    if (leader < 0) {
        hive_error_set(error, 0, "nobody leads");
        return false;
    }
    /* Leave it to the next one: whether she is fit, the leader decides. */
    size_t heir = ((size_t)leader + 1) % all->stage.queens;
    pthread_mutex_lock(&all->lock);
    uint64_t away = all->away;
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; i < all->stage.queens && away >> heir & 1; i++)
        heir = (heir + 1) % all->stage.queens;
    char *path = hive_format("/members/%s/transfer", all->stage.ledger->nodes[heir].address);
    const struct hive_call call = {.method = "POST", .path = path, .timeout_ms = CALL_MS};
    struct hive_answer answer = {0};
    bool is_done = hive_call(all->stage.target, &call, &answer, error) == HIVE_EXIT_OK;
    hive_answer_finish(&answer);
    free(path);
    return is_done;
}

/* ---- a fault's life ---- */

static bool begin(struct chaos_strikes *all, const struct chaos_fault *fault, struct hive_error *error)
{
    char change[96];
    switch (fault->kind) {
    case CHAOS_KILL:
    case CHAOS_PAUSE:
    case CHAOS_STOP:
    case CHAOS_WIPE:
        return order_victims(all, fault, chaos_kind_names[fault->kind], error);
    case CHAOS_CUT:
        return order_cut(all, fault, true, error);
    case CHAOS_DELAY:
        snprintf(change, sizeof change, "\"kind\":\"delay\",\"delay_ms\":%d,\"jitter_ms\":%d",
                 (int)fault->delay_ms, (int)fault->jitter_ms);
        return order_all_links(all, change, error);
    case CHAOS_LOSE:
        snprintf(change, sizeof change, "\"kind\":\"lose\",\"percent\":%d", fault->percent);
        return order_all_links(all, change, error);
    case CHAOS_TRANSFER:
        return transfer(all, error);
    }
    return false;
}

/* A queen whose disk is empty is back when she votes again. */
static bool await_vote(struct chaos_strikes *all, const struct chaos_fault *fault, struct hive_error *error)
{
    int64_t since_ms = hive_clock_unix_ms(), until_ms = hive_clock_monotonic_ms() + WIPE_MOST_MS;
    for (size_t i = 0; i < all->stage.queens; i++) {
        while (fault->victims >> i & 1 && !chaos_watch_has_vote(all->stage.watch, i, since_ms)) {
            if (!hive_process_is_alive(all->stage.ledger->launcher)) {
                hive_error_set(error, 0, "the launcher is gone, and she with it");
                return false;
            }
            if (hive_clock_monotonic_ms() > until_ms) {
                hive_error_set(error, 0, "she has no vote after %d s", WIPE_MOST_MS / 1000);
                return false;
            }
            poll(NULL, 0, LOOK_MS);
        }
    }
    return true;
}

static bool undo(struct chaos_strikes *all, const struct chaos_fault *fault, struct hive_error *error)
{
    switch (fault->kind) {
    case CHAOS_KILL:
    case CHAOS_STOP:
        return order_victims(all, fault, "restart", error);
    case CHAOS_PAUSE:
        return order_victims(all, fault, "resume", error);
    case CHAOS_WIPE:
        return await_vote(all, fault, error);
    case CHAOS_CUT:
        return order_cut(all, fault, false, error);
    case CHAOS_DELAY:
        return order_all_links(all, "\"kind\":\"delay\",\"delay_ms\":0", error);
    case CHAOS_LOSE:
        return order_all_links(all, "\"kind\":\"lose\",\"percent\":0", error);
    case CHAOS_TRANSFER:
        break;
    }
    return true;
}

static void *live(void *context)
{
    struct strike *strike = context;
    struct chaos_strikes *all = strike->all;
    const struct chaos_fault *fault = &strike->fault;
    uint64_t lost = chaos_fault_cost(fault) ? fault->victims : 0;
    struct hive_error error = {0};
    say(all, "", fault, NULL);
    chaos_watch_lose(all->stage.watch, lost);
    bool is_done = begin(all, fault, &error);
    if (!is_done)
        say(all, "not quite: ", fault, error.message);
    while (!atomic_load(&all->is_ending) &&
           hive_clock_monotonic_ms() < all->stage.began_ms + fault->until_ms && fault->kind != CHAOS_WIPE)
        poll(NULL, 0, LOOK_MS);
    /* She is away until it has worked: another cluster may have got her port meanwhile. */
    bool is_undone = undo(all, fault, &error);
    while (!is_undone && !atomic_load(&all->is_ending)) {
        poll(NULL, 0, RETRY_MS);
        is_undone = undo(all, fault, &error);
    }
    is_done = is_done && is_undone;
    chaos_watch_return(all->stage.watch, lost);
    if (fault->kind != CHAOS_TRANSFER)
        say(all, is_done ? "over: " : "over, with trouble: ", fault, is_done ? NULL : error.message);
    pthread_mutex_lock(&all->lock);
    all->away &= ~lost;
    if (fault->kind == CHAOS_WIPE)
        all->is_one_wiped = false;
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

/* Under the lock. */
static bool can_be_borne(const struct chaos_strikes *all, const struct chaos_fault *fault)
{
    if (!chaos_fault_cost(fault))
        return true;
    if (fault->kind == CHAOS_WIPE && all->is_one_wiped)
        return false;
    return !(all->away & fault->victims) &&
           (size_t)__builtin_popcountll(all->away | fault->victims) <= all->stage.spare;
}

bool chaos_strike(struct chaos_strikes *all, const struct chaos_fault *fault)
{
    struct strike *strike = &all->strikes[all->count];
    *strike = (struct strike){.all = all, .fault = *fault};
    if (fault->is_leader) {
        int leader = chaos_watch_leader(all->stage.watch);
        if (leader < 0)
            return false;
        strike->fault.victims = UINT64_C(1) << leader;
    }
    pthread_mutex_lock(&all->lock);
    bool can_be = can_be_borne(all, &strike->fault);
    if (can_be && chaos_fault_cost(fault))
        all->away |= strike->fault.victims;
    all->is_one_wiped = all->is_one_wiped || (can_be && fault->kind == CHAOS_WIPE);
    pthread_mutex_unlock(&all->lock);
    if (!can_be)
        return false;
    all->count++;
    all->by_kind[fault->kind]++;
    if (pthread_create(&strike->thread, NULL, live, strike))
        abort(); /* for want of memory only */
    return true;
}

void chaos_strikes_end(struct chaos_strikes *all)
{
    atomic_store(&all->is_ending, true);
    for (size_t i = 0; i < all->count; i++)
        pthread_join(all->strikes[i].thread, NULL);
}

size_t chaos_strikes_count(const struct chaos_strikes *all, enum chaos_kind kind)
{
    return all->by_kind[kind];
}

void chaos_strikes_finish(struct chaos_strikes *all)
{
    pthread_mutex_destroy(&all->lock);
    free(all->strikes);
    free(all);
}

bool chaos_restore(const struct hive_ledger *ledger, struct hive_error *error)
{
    struct hive_ledger now = {0};
    struct hive_error damage = {0}; /* loading leaves words here also where it succeeds */
    bool is_done = order(ledger, "DELETE", "/links", NULL, error);
    if (hive_ledger_load(ledger->name, &now, &damage)) {
        *error = damage;
        return false;
    }
    for (size_t i = 0; i < now.node_count; i++) {
        const struct hive_ledger_node *node = &now.nodes[i];
        if (node->state == HIVE_NODE_PAUSED)
            is_done = order_node(ledger, node->name, "resume", error) && is_done;
        else if (node->state == HIVE_NODE_STOPPED || node->state == HIVE_NODE_DEAD)
            is_done = order_node(ledger, node->name, "restart", error) && is_done;
    }
    hive_ledger_finish(&now);
    return is_done;
}
