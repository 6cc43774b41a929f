/* What each check may lean on. Answers of one queen come in the order in which she gave them; those of two do not come at the same
 * moment, so nothing is made of their being different, only of what both say of the same index or term. Everything of one answer is
 * of one moment. */
#include "checks.h"

#include <inttypes.h>
#include <stdarg.h>

#include "format.h"
#include "model.h"

const char *const checks_kind_names[] = {"two-leaders",
                                         "logs-disagree",
                                         "term-went-back",
                                         "commit-went-back",
                                         "applied-went-back",
                                         "applied-beyond-commit",
                                         NULL};

/* ---- findings ---- */

static bool is_known(const struct checks *checks, enum checks_kind kind, const char *a, const char *b,
                     uint64_t number)
{
    for (size_t i = 0; i < checks->finding_count; i++) {
        const struct checks_finding *finding = &checks->findings[i];
        bool is_pair = strcmp(finding->ids[0], a) == 0 && strcmp(finding->ids[1], b) == 0;
        bool is_turned = strcmp(finding->ids[0], b) == 0 && strcmp(finding->ids[1], a) == 0;
        if (finding->kind == kind && finding->number == number && (is_pair || is_turned))
            return true;
    }
    return false;
}

static void find(struct checks *checks, int64_t unix_ms, enum checks_kind kind, const struct checks_member *a,
                 const struct checks_member *b, uint64_t number, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

static void find(struct checks *checks, int64_t unix_ms, enum checks_kind kind, const struct checks_member *a,
                 const struct checks_member *b, uint64_t number, const char *format, ...)
{
    if (is_known(checks, kind, a->id, b->id, number))
        return;
    if (checks->finding_count == CHECKS_FINDINGS) {
        checks->more++;
        return;
    }
    struct checks_finding *finding = &checks->findings[checks->finding_count++];
    *finding = (struct checks_finding){.time_ms = unix_ms, .kind = kind, .number = number};
    memcpy(finding->ids[0], a->id, sizeof finding->ids[0]);
    memcpy(finding->ids[1], b->id, sizeof finding->ids[1]);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

/* ---- who is who ---- */

/* What a member said goes with it: its place will be another's. */
static void forget(struct checks *checks, int member)
{
    for (size_t i = 0; i < CHECKS_LEVELS * CHECKS_POINTS; i++) {
        struct checks_point *point = &checks->points[i / CHECKS_POINTS][i % CHECKS_POINTS];
        point->heard &= ~(UINT64_C(1) << member);
        if (point->first == member)
            point->index = 0;
    }
    for (size_t i = 0; i < CHECKS_LEADERS; i++) {
        if (checks->leading[i].member == member)
            checks->leading[i].term = 0;
    }
    checks->members[member] = (struct checks_member){0};
}

/* The place of the queen with that id, which is a new one's where it was not known. */
static int member_of(struct checks *checks, const char *id)
{
    int oldest = 0;
    for (int i = 0; i < CHECKS_MEMBERS; i++) {
        if (strcmp(checks->members[i].id, id) == 0)
            return i;
        if (checks->members[i].answer < checks->members[oldest].answer)
            oldest = i;
    }
    forget(checks, oldest);
    snprintf(checks->members[oldest].id, sizeof checks->members[oldest].id, "%s", id);
    return oldest;
}

/* ---- one queen ---- */

/* A process that does not say which one it is may be another one each time. */
static bool is_same_process(const struct checks_member *before, const struct hive_health *now)
{
    return before->pid != 0 && before->started_at != 0 && before->pid == now->pid &&
           before->started_at == now->started_at;
}

/* After a crash nothing is left but what was on the disk: the term that was durable (an unfinished write of a newer one bound nobody), and
 * of the log's applied part what the snapshot holds. */
static void check_monotony(struct checks *checks, int64_t unix_ms, const struct checks_member *before,
                           const struct hive_health *now)
{
    bool is_same = is_same_process(before, now);
    const char *since = is_same ? "" : " after a restart";
    uint64_t term = is_same ? before->term : before->durable_term;
    uint64_t commit = is_same ? before->commit : before->snapshot;
    uint64_t applied = is_same ? before->applied : before->snapshot;
    if (now->term < term)
        find(checks, unix_ms, CHECKS_TERM_BACK, before, before, now->term,
             "%s went back from term %" PRIu64 " to term %" PRIu64 "%s", before->name, term, now->term,
             since);
    if (now->log_commit < commit)
        find(checks, unix_ms, CHECKS_COMMIT_BACK, before, before, now->log_commit,
             "%s went back from commit %" PRIu64 " to commit %" PRIu64 "%s", before->name, commit,
             now->log_commit, since);
    if (now->log_applied < applied)
        find(checks, unix_ms, CHECKS_APPLIED_BACK, before, before, now->log_applied,
             "%s went back from applied %" PRIu64 " to applied %" PRIu64 "%s", before->name, applied,
             now->log_applied, since);
}

static void check_applied(struct checks *checks, int64_t unix_ms, const struct checks_member *member,
                          const struct hive_health *now)
{
    if (now->log_applied > now->log_commit)
        find(checks, unix_ms, CHECKS_APPLIED_TOO_MUCH, member, member, now->log_applied,
             "%s has applied %" PRIu64 ", which is beyond its commit index %" PRIu64, member->name,
             now->log_applied, now->log_commit);
}

static void remember(struct checks_member *member, const struct hive_health *now)
{
    member->pid = now->pid;
    member->started_at = now->started_at;
    member->term = now->term;
    member->durable_term = now->durable_term;
    member->commit = now->log_commit;
    member->applied = now->log_applied;
    member->snapshot = now->log_snapshot;
}

/* ---- leaders ---- */

static void take_leader(struct checks *checks, int64_t unix_ms, uint64_t group, uint64_t term, int member)
{
    for (size_t i = 0; i < CHECKS_LEADERS; i++) {
        const struct checks_leader *leader = &checks->leading[i];
        if (leader->term != term || leader->group != group)
            continue;
        const struct checks_member *a = &checks->members[leader->member], *b = &checks->members[member];
        if (a != b)
            find(checks, unix_ms, CHECKS_TWO_LEADERS, a, b, term, "%s and %s have both led term %" PRIu64,
                 a->name, b->name, term);
        return;
    }
    checks->leading[checks->next_leader] = (struct checks_leader){group, term, member};
    checks->next_leader = (checks->next_leader + 1) % CHECKS_LEADERS;
    checks->leaders++;
}

/* Those between two polls are in the transitions. Who has led a term had its own vote of it on the disk first. */
static void check_leaders(struct checks *checks, int64_t unix_ms, uint64_t group, int member,
                          const struct hive_health *now)
{
    uint64_t *durable_term = &checks->members[member].durable_term;
    for (size_t i = 0; i <= now->transition_count; i++) {
        bool is_now = i == now->transition_count;
        enum hive_raft_state state = is_now ? now->raft_state : now->transitions[i].state;
        uint64_t term = is_now ? now->term : now->transitions[i].term;
        if (state != HIVE_RAFT_LEADER || term == 0)
            continue;
        take_leader(checks, unix_ms, group, term, member);
        if (term > *durable_term && term <= now->term)
            *durable_term = term;
    }
}

/* ---- logs ---- */

static size_t level_of(uint64_t index)
{
    size_t level = 0;
    for (; level < CHECKS_LEVELS - 1 && index % 16 == 0; index /= 16)
        level++;
    return level;
}

static void compare(struct checks *checks, int64_t unix_ms, const struct checks_point *told,
                    struct checks_point *point)
{
    const struct checks_member *a = &checks->members[point->first], *b = &checks->members[told->first];
    bool is_first = !(point->heard & told->heard);
    point->heard |= told->heard;
    /* What is committed at an index has one term, and what is before it one hash. */
    if (point->term == told->term && point->hash == told->hash) {
        checks->compared += is_first;
        return;
    }
    find(checks, unix_ms, CHECKS_LOGS_DISAGREE, a, b, 0,
         "%s and %s disagree at index %" PRIu64 ": term %" PRIu64 " %016" PRIx64 " / term %" PRIu64
         " %016" PRIx64,
         a->name, a == b ? "itself" : b->name, told->index, point->term, point->hash, told->term, told->hash);
}

static void take_point(struct checks *checks, int64_t unix_ms, const struct checks_point *told)
{
    size_t level = level_of(told->index);
    struct checks_point *points = checks->points[level];
    for (size_t i = 0; i < CHECKS_POINTS; i++) {
        if (points[i].index == told->index && points[i].group == told->group) {
            compare(checks, unix_ms, told, &points[i]);
            return;
        }
    }
    points[checks->next_point[level]] = *told;
    checks->next_point[level] = (checks->next_point[level] + 1) % CHECKS_POINTS;
}

/* 16 hexadecimal digits; false where it is something else. */
static bool read_hash(const char *text, uint64_t *hash)
{
    char *end;
    *hash = strtoull(text, &end, 16);
    return strspn(text, "0123456789abcdef") == 16 && *end == '\0';
}

static void check_logs(struct checks *checks, int64_t unix_ms, uint64_t group, int member,
                       const struct hive_health *now)
{
    for (size_t i = 0; i < now->digest_count; i++) {
        struct checks_point told = {.index = now->digests[i].index,
                                    .term = now->digests[i].term,
                                    .group = group,
                                    .heard = UINT64_C(1) << member,
                                    .first = member};
        if (told.index > 0 && read_hash(now->digests[i].hash, &told.hash))
            take_point(checks, unix_ms, &told);
    }
}

/* ---- from outside ---- */

void checks_take(struct checks *checks, const struct model *model, const struct node *node)
{
    const struct hive_health *now = &node->health;
    uint64_t group;
    if (now->mode != HIVE_MODE_QUEEN || !now->id[0])
        return;
    int place = member_of(checks, now->id);
    struct checks_member *member = &checks->members[place];
    bool is_first = member->answer == 0;
    member->answer = ++checks->answers;
    snprintf(member->name, sizeof member->name, "%.*s", HIVE_NAME_BYTES - 1, node->name);
    if (!is_first)
        check_monotony(checks, model->unix_ms, member, now);
    check_applied(checks, model->unix_ms, member, now);
    remember(member, now);
    /* Who is of no group yet, or does not say of which, cannot be compared with others. */
    if (!read_hash(now->log_group, &group))
        return;
    check_leaders(checks, model->unix_ms, group, place, now);
    check_logs(checks, model->unix_ms, group, place, now);
}

bool checks_is_broken(const struct checks *checks)
{
    return checks->finding_count > 0;
}

bool checks_holds(const struct checks *checks)
{
    return checks->compared > 0 && !checks_is_broken(checks);
}

void checks_line(const struct checks *checks, char *text, size_t bytes)
{
    uint64_t others = checks->finding_count - 1 + checks->more;
    char time[FORMAT_BYTES], more[40] = "";
    if (!checks_is_broken(checks)) {
        if (checks_holds(checks))
            snprintf(text, bytes, "consensus holds: %" PRIu64 " hashes agree", checks->compared);
        else
            snprintf(text, bytes, "consensus: not compared yet");
        return;
    }
    format_time_of_day(checks->findings[0].time_ms, time);
    if (others > 0)
        snprintf(more, sizeof more, " (and %" PRIu64 " more)", others);
    snprintf(text, bytes, "CONSENSUS BROKEN%s %.8s %s", more, time, checks->findings[0].text);
}
