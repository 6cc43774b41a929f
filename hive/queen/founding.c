/* The founding thread: asks those who might know, does what the rules say (founding_rules.c), and says whom it waits for. It
 * asks often at first, because queens are mostly started together and a group should not take longer to be there than an election does;
 * later seldom, because then it waits for a person. */
#include "queen/founding_internal.h"

#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/queen.h"

#define QUICK_MS     20   /* between rounds at first, … */
#define QUICK_FOR_MS 2000 /* … and for so long; then more and more, up to … */
#define SLOW_MS      1000
#define SETTLED_MS   50   /* between looks at whether the log has come */
#define QUIET_MS     1000 /* what is over within that is not worth a line in the log */

/* ---- what people see ---- */

static void set_reason(struct founding *founding, const char *reason)
{
    pthread_mutex_lock(&founding->lock);
    snprintf(founding->reason, sizeof founding->reason, "%s", reason);
    pthread_mutex_unlock(&founding->lock);
}

void founding_explain(struct founding *founding, const char *reason, const char *subject)
{
    set_reason(founding, reason);
    bool is_early = hive_clock_monotonic_ms() - founding->started_ms < QUIET_MS;
    if (is_early || strcmp(founding->logged, subject) == 0)
        return;
    hive_log_warning("no member of a group yet", LOG_S("reason", reason));
    snprintf(founding->logged, sizeof founding->logged, "%s", subject);
}

bool founding_reason(struct founding *founding, char reason[HIVE_ERROR_BYTES])
{
    reason[0] = '\0';
    if (!founding)
        return false;
    pthread_mutex_lock(&founding->lock);
    memcpy(reason, founding->reason, HIVE_ERROR_BYTES);
    pthread_mutex_unlock(&founding->lock);
    return reason[0] != '\0';
}

/* ---- what this queen knows by herself ---- */

enum membership {
    NO_MEMBER,
    ON_HER_WAY, /* her log takes her in, but the leader that wrote so may be deposed, and the entry be cut off again */
    MEMBER,
    REMOVED, /* it is for people to take her in again */
};

/* Her own disk's word. */
struct own_state {
    enum membership membership;
    bool has_group; /* she knows a group, whether she has a place in it or not */
    bool has_snapshot;
    bool is_founder;
    bool
        is_uncertain; /* a member by her log, but as she has no vote, nobody would tell her if she were none any more */
    raft_index members_index;
};

/* What is committed is certain. So are the founding, which is durable, and a vote: nobody is promoted before the entry that took
 * her in is committed (§4.1: one change at a time). The last is what a log tells right after a restart, when no leader has said yet how
 * far it is committed; should she have been removed meanwhile, the voters will say so. */
static enum membership judge_membership(raft_id id, const struct raft_configuration *members,
                                        const struct raft_configuration *founders,
                                        const struct queen_status *status)
{
    if (status->standing == RAFT_STANDING_REMOVED)
        return REMOVED;
    if (raft_configuration_find(founders, id) || status->standing == RAFT_STANDING_VOTER)
        return MEMBER;
    if (status->standing == RAFT_STANDING_NONE)
        return NO_MEMBER;
    return raft_configuration_find(members, id) && members->index > status->commit ? ON_HER_WAY : MEMBER;
}

static struct own_state look_at_self(const struct founding *founding)
{
    struct raft_configuration *members = hive_calloc(2, sizeof *members), *founders = members + 1;
    struct queen_status *status = hive_malloc(sizeof *status);
    queen_members(founding->queen, members, founders);
    queen_status(founding->queen, status);
    struct own_state own = {
        .membership = judge_membership(founding->self.id, members, founders, status),
        .has_group = members->count > 0,
        .has_snapshot = status->snapshot > 0,
        .is_founder = raft_configuration_find(founders, founding->self.id),
        .is_uncertain = status->standing == RAFT_STANDING_LEARNER && !status->leader[0],
        .members_index = members->index,
    };
    free(status);
    free(members);
    return own;
}

static void pause_for(struct founding *founding, int64_t pause_ms)
{
    int64_t now_ms, end_ms = hive_clock_monotonic_ms() + pause_ms;
    while (!founding->is_stopping && (now_ms = hive_clock_monotonic_ms()) < end_ms)
        hive_http_client_wait(founding->client, NULL, 0, (int)(end_ms - now_ms));
}

static void pause_between_rounds(struct founding *founding)
{
    if (hive_clock_monotonic_ms() - founding->started_ms < QUICK_FOR_MS)
        founding->pause_ms = QUICK_MS;
    else
        founding->pause_ms = founding->pause_ms * 2 < SLOW_MS ? founding->pause_ms * 2 : SLOW_MS;
    pause_for(founding, founding->pause_ms);
}

/* ---- the rounds ---- */

/* Makes it durable, and tells the replica. */
static void found(struct founding *founding)
{
    struct hive_error error = {{0}};
    int code = queen_found(founding->queen, &founding->verdict.founding, &error);
    if (!code) {
        founding->is_settled = true;
        hive_log_info(founding->verdict.step == FOUNDING_TAKE ? "group found" : "group founded",
                      LOG_N("queens", founding->verdict.founding.count));
        return;
    }
    /* The leader may have been quicker: then there is a log already, and soon a member. */
    char reason[HIVE_ERROR_BYTES];
    snprintf(reason, sizeof reason, "%.400s", error.message);
    founding_explain(founding, reason, reason);
}

/* All are here and nobody has a group: a second round has to say the same (founding_rules.c). True: go on at once. */
static bool confirm(struct founding *founding)
{
    bool is_confirmed =
        founding->queen_count == 0 || group_is_same(&founding->seen, &founding->verdict.founding);
    founding->seen = founding->verdict.founding;
    if (is_confirmed)
        found(founding);
    return !is_confirmed;
}

/* Somebody counts her among the members: where that is committed, she was taken in. */
static void note_if_certain(struct founding *founding)
{
    raft_index index = 0;
    if (founding_judge_place(&founding->self, founding->peers, founding->queen_count, &index, NULL) ==
        FOUNDING_PLACE_KEPT)
        founding_note_joined(founding, index);
}

static void round_of_founding(struct founding *founding, const struct own_state *own)
{
    struct founding_verdict *verdict = &founding->verdict;
    founding_ask(founding, (const char *const *)founding->queens, founding->queen_count);
    if (founding->is_stopping)
        return;
    founding_judge(&founding->self, founding->peers, founding->queen_count, verdict);
    founding_explain(founding, verdict->reason, verdict->subject);
    if (verdict->step == FOUNDING_FOUND && !own->has_group && confirm(founding))
        return;
    if (verdict->step != FOUNDING_FOUND)
        founding->seen.count = 0;
    if (verdict->step == FOUNDING_TAKE && !own->has_group)
        found(founding);
    if (verdict->step == FOUNDING_JOIN)
        founding_ask_to_join(founding, verdict->whom);
    if (verdict->step == FOUNDING_LISTED)
        note_if_certain(founding);
    pause_between_rounds(founding);
}

static void round_of_joining(struct founding *founding)
{
    for (size_t i = 0; i < founding->join_count && founding->joined == 0 && !founding->is_stopping; i++)
        founding_ask_to_join(founding, founding->joins[i]);
    pause_between_rounds(founding);
}

/* She knows her place in the group, or that she has none any more: nobody is to be asked. */
static bool is_over(const struct founding *founding, const struct own_state *own)
{
    if (own->membership == MEMBER)
        return founding->joined == 0 || !own->is_uncertain;
    /* What was said by others, a leader that was deposed without knowing it may deny for a while. */
    return own->membership == REMOVED && !founding->is_told_removed;
}

/* What she does without a group, until she has one. */
static void round_of_asking(struct founding *founding, const struct own_state *own, bool may_ask)
{
    if (founding->standby) {
        founding_explain(founding, "waits to be added to a group: 'hive members add'", "standby");
        pause_between_rounds(founding);
    } else if (!may_ask) {
        founding_explain(
            founding,
            "this queen's data directory belongs to a group in which she has no place yet, or none any more: "
            "unless its leader calls, add her with 'hive members add', or empty the directory",
            "strange group");
        pause_between_rounds(founding);
    } else if (founding->is_settled) {
        pause_for(founding, SETTLED_MS);
    } else if (founding->join_count > 0) {
        round_of_joining(founding);
    } else {
        round_of_founding(founding, own);
    }
}

/* Being a member was news to this data directory. */
static void note_membership(struct founding *founding, const struct own_state *own)
{
    if (own->membership == MEMBER && !own->is_founder && founding->joined == 0 && own->members_index > 0)
        founding_note_joined(founding, own->members_index);
}

static void *run(void *argument)
{
    struct founding *founding = argument;
    struct own_state own = look_at_self(founding);
    /* A queen who knows a group that has no place for her was on her way into it, or was removed from it. Where her log is whole, it
     * tells; a snapshot does not: then she must not come back by herself. */
    bool may_ask = own.membership == ON_HER_WAY || !(own.has_group && own.has_snapshot);
    for (; !founding->is_stopping && !is_over(founding, &own); own = look_at_self(founding)) {
        if (own.membership == REMOVED || own.membership == MEMBER)
            set_reason(founding, "");
        if (own.membership == REMOVED) {
            pause_for(founding, SLOW_MS);
        } else if (founding->joined > 0) {
            founding_watch(founding, own.membership == MEMBER);
            pause_for(founding, SETTLED_MS);
        } else {
            round_of_asking(founding, &own, may_ask);
        }
    }
    if (!founding->is_stopping)
        note_membership(founding, &own);
    set_reason(founding, "");
    return NULL;
}

/* ---- its life ---- */

static char **copy_list(const struct hive_strings *list, size_t *count)
{
    *count = list ? list->count : 0;
    char **copy = hive_calloc(*count + 1, sizeof *copy);
    for (size_t i = 0; i < *count; i++)
        copy[i] = hive_strdup(list->items[i]);
    return copy;
}

struct founding *founding_create(const struct founding_config *config)
{
    struct founding *founding = hive_calloc(1, sizeof *founding);
    founding->queen = config->queen;
    founding->address = hive_strdup(config->address);
    founding->token = hive_strdup(config->token);
    founding->faults = config->faults;
    founding->self = (struct founding_self){.id = config->id, .address = founding->address};
    founding->standby = config->standby;
    founding->queens = copy_list(config->queens, &founding->queen_count);
    founding->joins = copy_list(config->join, &founding->join_count);
    founding->joined = config->joined;
    founding->is_joined_durable = config->joined > 0;
    founding->started_ms = hive_clock_monotonic_ms();
    founding->looked_ms = INT64_MIN / 2;
    founding->peers =
        hive_calloc(founding->queen_count + founding->join_count + HIVE_QUEENS, sizeof *founding->peers);
    pthread_mutex_init(&founding->lock, NULL);
    return founding;
}

void founding_start(struct founding *founding)
{
    struct own_state own = look_at_self(founding);
    if (is_over(founding, &own)) {
        note_membership(founding, &own);
        set_reason(founding, "");
        return;
    }
    founding->started_ms = hive_clock_monotonic_ms();
    set_reason(founding, "looks for her group");
    founding->client = hive_http_client_create();
    founding->is_started = pthread_create(&founding->thread, NULL, run, founding) == 0;
    if (!founding->is_started)
        abort(); /* for want of memory only, like all threads of a queen */
    pthread_setname_np(founding->thread, "founding");
}

void founding_stop(struct founding *founding)
{
    if (!founding || !founding->is_started)
        return;
    founding->is_stopping = true;
    hive_http_client_wake(founding->client);
    pthread_join(founding->thread, NULL);
    hive_http_client_destroy(founding->client);
    founding->is_started = false;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void founding_destroy(struct founding *founding)
{
    if (!founding)
        return;
    founding_stop(founding);
    hive_buffer_finish(&founding->reply.body);
    free_list(founding->queens, founding->queen_count);
    free_list(founding->joins, founding->join_count);
    free(founding->peers);
    free(founding->address);
    free(founding->token);
    pthread_mutex_destroy(&founding->lock);
    free(founding);
}
