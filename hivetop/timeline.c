/* Queens tell when they changed roles, also between two polls and before anybody watched; whether a process is
 * there is only seen from here. Both are kept as they come, and put together when somebody looks. */
#include "timeline.h"

#include <string.h>

#include "hive/memory.h"

#define COMMIT_GAP_MS      250   /* between samples */
#define COMMIT_PATIENCE_MS 10000 /* without a sample for so long, nothing is known of the time between */
#define ELECTION_GAP_MS    1000  /* candidacies that are closer together are of one election */

static void spans_cut(struct spans *spans, int64_t from_ms)
{
    while (spans->count > 0 && spans->items[spans->count - 1].from_ms >= from_ms)
        spans->count--;
}

/* Forgets what ended before `kept_from_ms`, and the oldest where there are too many. */
static void spans_trim(struct spans *spans, int64_t kept_from_ms)
{
    size_t old = 0;
    while (old + 1 < spans->count &&
           (spans->items[old + 1].from_ms <= kept_from_ms || spans->count - old > TIMELINE_SPANS))
        old++;
    if (old == 0)
        return;
    spans->count -= old;
    memmove(spans->items, spans->items + old, spans->count * sizeof *spans->items);
}

static void spans_add(struct spans *spans, int64_t from_ms, enum lane_state state, uint64_t term)
{
    const struct span *last = spans->count ? &spans->items[spans->count - 1] : NULL;
    if (last && last->state == state && last->term == term)
        return;
    if (last && last->from_ms > from_ms)
        from_ms = last->from_ms;                  /* a clock was set */
    if ((spans->count & (spans->count + 1)) == 0) /* room is a power of two less one */
        spans->items = hive_realloc(spans->items, 2 * spans->count + 1, sizeof *spans->items);
    spans->items[spans->count++] = (struct span){from_ms, term, state};
}

static const struct span *spans_at(const struct spans *spans, int64_t unix_ms)
{
    size_t low = 0, high = spans->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spans->items[middle].from_ms <= unix_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &spans->items[low - 1] : NULL;
}

static void lane_finish(struct lane *lane)
{
    free(lane->roles.items);
    free(lane->presence.items);
}

void timeline_finish(struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->count; i++)
        lane_finish(&timeline->lanes[i]);
    free(timeline->lanes);
    free(timeline->commits);
    *timeline = (struct timeline){0};
}

static void spans_copy(const struct spans *spans, struct spans *copy)
{
    size_t room = 1;
    while (room <= spans->count)
        room *= 2;
    copy->count = spans->count;
    copy->items = hive_calloc(room, sizeof *copy->items);
    if (spans->count)
        memcpy(copy->items, spans->items, spans->count * sizeof *copy->items);
}

void timeline_copy(const struct timeline *timeline, struct timeline *copy)
{
    *copy = (struct timeline){.lanes = hive_calloc(timeline->count + 1, sizeof *copy->lanes),
                              .count = timeline->count};
    if (timeline->commit_count) {
        copy->commits = hive_calloc(TIMELINE_COMMITS, sizeof *copy->commits);
        copy->commit_count = timeline->commit_count;
        memcpy(copy->commits, timeline->commits, copy->commit_count * sizeof *copy->commits);
    }
    for (size_t i = 0; i < timeline->count; i++) {
        copy->lanes[i] = timeline->lanes[i];
        spans_copy(&timeline->lanes[i].roles, &copy->lanes[i].roles);
        spans_copy(&timeline->lanes[i].presence, &copy->lanes[i].presence);
    }
}

static struct lane *find(const struct timeline *timeline, const char *address)
{
    for (size_t i = 0; i < timeline->count; i++) {
        if (strcmp(timeline->lanes[i].address, address) == 0)
            return &timeline->lanes[i];
    }
    return NULL;
}

static int64_t last_change_ms(const struct lane *lane)
{
    return lane->presence.count ? lane->presence.items[lane->presence.count - 1].from_ms : 0;
}

static struct lane *find_or_add(struct timeline *timeline, const char *address)
{
    struct lane *lane = find(timeline, address);
    if (lane)
        return lane;
    if (timeline->count < TIMELINE_LANES) {
        timeline->lanes = hive_realloc(timeline->lanes, timeline->count + 1, sizeof *timeline->lanes);
        lane = &timeline->lanes[timeline->count++];
    } else { /* in the place of who has been gone for longest */
        lane = &timeline->lanes[0];
        for (size_t i = 1; i < timeline->count; i++) {
            if (last_change_ms(&timeline->lanes[i]) < last_change_ms(lane))
                lane = &timeline->lanes[i];
        }
        lane_finish(lane);
    }
    *lane = (struct lane){0};
    snprintf(lane->address, sizeof lane->address, "%s", address);
    return lane;
}

static enum lane_state lane_state_of(enum hive_raft_state state)
{
    return state == HIVE_RAFT_LEADER      ? LANE_LEADER
           : state == HIVE_RAFT_CANDIDATE ? LANE_CANDIDATE
                                          : LANE_FOLLOWER;
}

static void take_roles(struct lane *lane, const struct hive_health *health, int64_t unix_ms)
{
    if (health->transition_count == 0) { /* a recording may have none */
        spans_add(&lane->roles, unix_ms, lane_state_of(health->raft_state), health->term);
        return;
    }
    const struct hive_transition *newest = &health->transitions[health->transition_count - 1];
    const struct span *last = lane->roles.count ? &lane->roles.items[lane->roles.count - 1] : NULL;
    if (last && last->from_ms == newest->time_ms && last->term == newest->term &&
        last->state == lane_state_of(newest->state))
        return;
    spans_cut(&lane->roles, health->transitions[0].time_ms);
    for (size_t i = 0; i < health->transition_count; i++) {
        const struct hive_transition *transition = &health->transitions[i];
        spans_add(&lane->roles, transition->time_ms, lane_state_of(transition->state), transition->term);
    }
}

/* She is there. Since when, a new process says itself; one that was silent was there all the time. */
static void take_presence(struct lane *lane, const struct hive_health *health, int64_t unix_ms)
{
    struct spans *presence = &lane->presence;
    const struct span *last = presence->count ? &presence->items[presence->count - 1] : NULL;
    if (lane->pid == health->pid && last) {
        if (last->state == LANE_SILENT)
            spans_cut(presence, last->from_ms);
        spans_add(presence, unix_ms, LANE_FOLLOWER, 0);
        return;
    }
    int64_t start_ms = unix_ms - (health->uptime_ms > 0 ? health->uptime_ms : 0);
    spans_cut(presence, start_ms);
    last = presence->count ? &presence->items[presence->count - 1] : NULL;
    if (last && last->state == LANE_FOLLOWER) /* its end was too short to be seen */
        spans_add(presence, start_ms - 1, LANE_DOWN, 0);
    spans_add(presence, start_ms, LANE_FOLLOWER, 0);
    lane->pid = health->pid;
}

/* The highest that anybody told: it stands still while nobody leads. */
static void take_commit(struct timeline *timeline, const struct hive_health *health, int64_t unix_ms)
{
    if (!timeline->commits)
        timeline->commits = hive_calloc(TIMELINE_COMMITS, sizeof *timeline->commits);
    struct commit_sample *last =
        timeline->commit_count ? &timeline->commits[timeline->commit_count - 1] : NULL;
    if (last && health->raft_state == HIVE_RAFT_LEADER && health->log_commit < last->commit) {
        timeline->commit_count = 0; /* another cluster answers there now */
        last = NULL;
    }
    uint64_t commit = last && last->commit > health->log_commit ? last->commit : health->log_commit;
    if (last && unix_ms < last->at_ms + COMMIT_GAP_MS)
        return;
    size_t old = 0;
    while (old < timeline->commit_count && (timeline->commits[old].at_ms < unix_ms - TIMELINE_KEPT_MS ||
                                            timeline->commit_count - old == TIMELINE_COMMITS))
        old += 1 + timeline->commit_count / 64; /* several at a time: moving them costs */
    if (old > timeline->commit_count)
        old = timeline->commit_count;
    timeline->commit_count -= old;
    memmove(timeline->commits, timeline->commits + old, timeline->commit_count * sizeof *timeline->commits);
    timeline->commits[timeline->commit_count++] = (struct commit_sample){unix_ms, commit};
}

void timeline_take_health(struct timeline *timeline, const char *address, const struct hive_health *health,
                          int64_t unix_ms)
{
    struct lane *lane = find_or_add(timeline, address);
    take_presence(lane, health, unix_ms);
    take_roles(lane, health, unix_ms);
    take_commit(timeline, health, unix_ms);
    spans_trim(&lane->roles, unix_ms - TIMELINE_KEPT_MS);
    spans_trim(&lane->presence, unix_ms - TIMELINE_KEPT_MS);
}

void timeline_take_condition(struct timeline *timeline, const char *address, enum condition condition,
                             int64_t unix_ms)
{
    static const enum lane_state states[] = {
        [CONDITION_NEW] = LANE_UNKNOWN,   [CONDITION_STARTING] = LANE_DOWN, [CONDITION_UP] = LANE_FOLLOWER,
        [CONDITION_SILENT] = LANE_SILENT, [CONDITION_PAUSED] = LANE_PAUSED, [CONDITION_DOWN] = LANE_DOWN,
    };
    struct lane *lane = find_or_add(timeline, address);
    if (condition == CONDITION_STARTING && lane->presence.count == 0)
        return;
    spans_add(&lane->presence, unix_ms, states[condition], 0);
    spans_trim(&lane->presence, unix_ms - TIMELINE_KEPT_MS);
}

/* ---- looking ---- */

/* The first sample after that moment. */
static size_t sample_after(const struct timeline *timeline, int64_t unix_ms)
{
    size_t low = 0, high = timeline->commit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (timeline->commits[middle].at_ms <= unix_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The commit index at that moment, between two samples; negative where nothing is known. */
static double commit_at(const struct timeline *timeline, int64_t unix_ms)
{
    size_t after = sample_after(timeline, unix_ms);
    if (after == 0)
        return -1;
    const struct commit_sample *left = &timeline->commits[after - 1], *right = left + 1;
    if (after == timeline->commit_count)
        return unix_ms == left->at_ms ? (double)left->commit : -1;
    if (right->at_ms - left->at_ms > COMMIT_PATIENCE_MS)
        return -1; /* nobody looked */
    double part = (double)(unix_ms - left->at_ms) / (double)(right->at_ms - left->at_ms);
    return (double)left->commit + part * (double)(right->commit - left->commit);
}

void timeline_rates(const struct timeline *timeline, int64_t until_ms, int64_t cell_ms, double *rates,
                    int count)
{
    int64_t from_ms = timeline_cell_start(until_ms, cell_ms) - (int64_t)(count - 1) * cell_ms;
    for (int i = 0; i < count; i++, from_ms += cell_ms) {
        int64_t end_ms = from_ms + cell_ms < until_ms ? from_ms + cell_ms : until_ms;
        double first = commit_at(timeline, from_ms), last = commit_at(timeline, end_ms);
        rates[i] = first < 0 || last < 0 || end_ms <= from_ms
                       ? -1
                       : (last - first) * 1000 / (double)(end_ms - from_ms);
    }
}

int64_t timeline_cell_start(int64_t unix_ms, int64_t cell_ms)
{
    return unix_ms - ((unix_ms % cell_ms) + cell_ms) % cell_ms;
}

/* What she was at that moment. */
static enum lane_state state_at(const struct lane *lane, int64_t unix_ms)
{
    const struct span *presence = spans_at(&lane->presence, unix_ms);
    if (!presence || presence->state != LANE_FOLLOWER)
        return presence ? presence->state : LANE_UNKNOWN;
    const struct span *role = spans_at(&lane->roles, unix_ms);
    return role ? role->state : LANE_UNKNOWN;
}

/* The state that a cell shows: the one at its end, unless something worth more happened within. */
static enum lane_state cell_state(const struct lane *lane, int64_t from_ms, int64_t end_ms)
{
    enum lane_state state = state_at(lane, end_ms);
    const struct span *span = spans_at(&lane->presence, end_ms);
    for (; span && span >= lane->presence.items && span->from_ms >= from_ms; span--)
        state = span->state > state && span->state > LANE_LEADER ? span->state : state;
    span = spans_at(&lane->roles, end_ms);
    for (; span && span >= lane->roles.items && span->from_ms >= from_ms; span--) {
        const struct span *presence = spans_at(&lane->presence, span->from_ms);
        if (span->state == LANE_CANDIDATE && presence && presence->state == LANE_FOLLOWER)
            state = LANE_CANDIDATE;
    }
    return state;
}

void timeline_cells(const struct timeline *timeline, const char *address, int64_t until_ms, int64_t cell_ms,
                    enum lane_state *cells, int count)
{
    const struct lane *lane = find(timeline, address);
    int64_t from_ms = timeline_cell_start(until_ms, cell_ms) - (int64_t)(count - 1) * cell_ms;
    for (int i = 0; i < count; i++, from_ms += cell_ms) {
        int64_t end_ms = from_ms + cell_ms - 1;
        cells[i] = lane ? cell_state(lane, from_ms, end_ms < until_ms ? end_ms : until_ms) : LANE_UNKNOWN;
    }
}

size_t timeline_terms(const struct timeline *timeline, int64_t until_ms, struct term_start *terms,
                      size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct spans *roles = &timeline->lanes[i].roles;
        for (size_t j = 0; j < roles->count && roles->items[j].from_ms <= until_ms; j++) {
            struct term_start start = {roles->items[j].from_ms, roles->items[j].term};
            size_t at = count;
            while (at > 0 && terms[at - 1].term > start.term)
                at--;
            if (at > 0 && terms[at - 1].term == start.term) {
                if (start.from_ms < terms[at - 1].from_ms)
                    terms[at - 1].from_ms = start.from_ms;
            } else if (count < room) {
                memmove(terms + at + 1, terms + at, (count - at) * sizeof *terms);
                terms[at] = start;
                count++;
            } else if (at > 0) {
                memmove(terms, terms + 1, (at - 1) * sizeof *terms);
                terms[at - 1] = start;
            }
        }
    }
    return count;
}

/* Walks over the beginnings of all candidacies. */
static int64_t nearest_election(const struct timeline *timeline, int64_t unix_ms, bool is_before)
{
    int64_t nearest_ms = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct spans *roles = &timeline->lanes[i].roles;
        for (size_t j = 0; j < roles->count; j++) {
            int64_t from_ms = roles->items[j].from_ms;
            if (roles->items[j].state != LANE_CANDIDATE ||
                (is_before ? from_ms >= unix_ms : from_ms <= unix_ms))
                continue;
            if (nearest_ms == 0 || (is_before ? from_ms > nearest_ms : from_ms < nearest_ms))
                nearest_ms = from_ms;
        }
    }
    return nearest_ms;
}

int64_t timeline_election_before(const struct timeline *timeline, int64_t unix_ms)
{
    int64_t start_ms = nearest_election(timeline, unix_ms, true);
    for (int64_t earlier_ms = start_ms; earlier_ms && start_ms - earlier_ms <= ELECTION_GAP_MS;
         earlier_ms = nearest_election(timeline, start_ms, true))
        start_ms = earlier_ms;
    return start_ms;
}

int64_t timeline_election_after(const struct timeline *timeline, int64_t unix_ms)
{
    for (;;) {
        int64_t start_ms = nearest_election(timeline, unix_ms, false);
        int64_t before_ms = start_ms ? nearest_election(timeline, start_ms, true) : 0;
        if (before_ms == 0 || start_ms - before_ms > ELECTION_GAP_MS)
            return start_ms;
        unix_ms = start_ms; /* one more candidate of an election that began earlier */
    }
}
