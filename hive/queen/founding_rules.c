/* The rules by which queens found a group without anybody who decides for all of them.
 *
 * They are given the same list of addresses, but ids are drawn with each data directory. A founding is therefore a map from addresses to
 * ids, and two queens that saw the disks at different times could found with different maps. What keeps the group one:
 *
 *  - Somebody founds only when all that are listed answered, in two rounds one after the other, with the same ids and without a group.
 *    All ids of a founding thus existed at one moment (between the rounds), and of two different foundings one is older: where they
 *    differ, the older one's disks were gone before the later one's moment. From then on they can acknowledge nothing.
 *  - What the older one acknowledged before, a majority of it had; unless that whole majority was emptied, one of them answered the later
 *    founder's second round, and said that it has a group: whoever acknowledges an entry of a client has the entry with the members, which
 *    a leader appends first. Then nothing is founded.
 *  - What the older one acknowledges after, it does with a majority of disks that are in both, as is every majority of the later one
 *    by at least one: they overlap, and elections are safe (§3.6).
 *
 * And whoever finds herself in a group's founding takes that over, instead of making one. */
#include "queen/founding_rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_reason(struct founding_verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set_reason(struct founding_verdict *verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->reason, sizeof verdict->reason, format, arguments);
    va_end(arguments);
    snprintf(verdict->subject, sizeof verdict->subject, "%s", verdict->reason);
}

/* Appends to a text of HIVE_ERROR_BYTES, as far as there is room. */
static void append(char *text, const char *more)
{
    size_t bytes = strlen(text);
    snprintf(text + bytes, HIVE_ERROR_BYTES - bytes, "%s", more);
}

static bool has_group(const struct founding_peer *peer)
{
    return peer->is_answered && (peer->answer.configuration.count > 0 || peer->answer.founding.count > 0);
}

/* Two queens of the same name or of the same disk: nothing good can come of it. */
static bool is_mixed_up(const struct founding_self *self, const struct founding_peer *peers, size_t count,
                        struct founding_verdict *verdict)
{
    for (size_t i = 0; i < count; i++) {
        const struct group_answer *answer = &peers[i].answer;
        if (!peers[i].is_answered)
            continue;
        bool is_own_id = answer->id == self->id, is_own_address = !strcmp(answer->address, self->address);
        if (is_own_id && !is_own_address) {
            set_reason(verdict,
                       "the queen at %s has the same id as this one, so one data directory is a copy of the "
                       "other: empty the one that was copied",
                       peers[i].listed);
            return true;
        }
        if (!is_own_id && is_own_address) {
            set_reason(verdict,
                       "the queen at %s calls herself %s, as this one does: give each an address of her own "
                       "(--listen or --advertise)",
                       peers[i].listed, self->address);
            return true;
        }
        for (size_t j = 0; j < i; j++) {
            const struct group_answer *other = &peers[j].answer;
            if (peers[j].is_answered &&
                (answer->id == other->id) != !strcmp(answer->address, other->address)) {
                set_reason(verdict,
                           "the queens at %s and %s have the same %s: give each a data directory and an "
                           "address (--advertise) of her own",
                           peers[j].listed, peers[i].listed, answer->id == other->id ? "id" : "address");
                return true;
            }
        }
    }
    return false;
}

/* She is in the founding that somebody has: the best answer there is. */
static bool find_founding(const struct founding_self *self, const struct founding_peer *peers, size_t count,
                          struct founding_verdict *verdict)
{
    for (size_t i = 0; i < count; i++)
        if (peers[i].is_answered && peers[i].answer.id != self->id &&
            raft_configuration_find(&peers[i].answer.founding, self->id)) {
            verdict->step = FOUNDING_TAKE;
            verdict->founding = peers[i].answer.founding;
            verdict->founding.index = 0;
            set_reason(verdict, "the group is founded, and %s has told its members", peers[i].listed);
            return true;
        }
    return false;
}

static bool find_membership(const struct founding_self *self, const struct founding_peer *peers, size_t count,
                            struct founding_verdict *verdict)
{
    for (size_t i = 0; i < count; i++)
        if (peers[i].is_answered && peers[i].answer.id != self->id &&
            raft_configuration_find(&peers[i].answer.configuration, self->id)) {
            verdict->step = FOUNDING_LISTED;
            set_reason(verdict, "%s counts this queen among the group's members: the leader will call",
                       peers[i].listed);
            return true;
        }
    return false;
}

/* How much the word of a queen counts: a member's more than that of one who has left or is on her way in. */
static int rank(const struct group_answer *answer)
{
    return answer->standing == RAFT_STANDING_VOTER ? 2 : answer->standing == RAFT_STANDING_LEARNER ? 1 : 0;
}

static bool find_group(const struct founding_self *self, const struct founding_peer *peers, size_t count,
                       struct founding_verdict *verdict)
{
    const struct founding_peer *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct founding_peer *peer = &peers[i];
        if (!has_group(peer) || peer->answer.id == self->id)
            continue;
        if (best && rank(&best->answer) > 0 && rank(&peer->answer) > 0 &&
            !group_is_shared(&best->answer, &peer->answer)) {
            set_reason(verdict,
                       "%s and %s belong to different groups: name queens of one group only (--queen-list)",
                       best->listed, peer->listed);
            return true;
        }
        int better = best ? rank(&peer->answer) - rank(&best->answer) : 1;
        if (better > 0 ||
            (better == 0 && peer->answer.configuration.index > best->answer.configuration.index))
            best = peer;
    }
    if (!best)
        return false;
    verdict->step = FOUNDING_JOIN;
    verdict->whom = best->listed;
    set_reason(verdict,
               "there is a group already, which does not know this queen's disk: asks %s to take her in",
               best->listed);
    return true;
}

static void add_founder(struct raft_configuration *founding, raft_id id, const char *address)
{
    if (raft_configuration_find(founding, id) || founding->count == HIVE_QUEENS)
        return;
    /* By id, so that all founders write the same down. */
    size_t at = founding->count++;
    for (; at > 0 && founding->members[at - 1].id > id; at--)
        founding->members[at] = founding->members[at - 1];
    founding->members[at] = (struct raft_member){.id = id, .kind = RAFT_MEMBER_VOTER};
    snprintf(founding->members[at].address, HIVE_ADDRESS_BYTES, "%s", address);
}

static void found_or_wait(const struct founding_self *self, const struct founding_peer *peers, size_t count,
                          struct founding_verdict *verdict)
{
    size_t missing = 0;
    char names[HIVE_ERROR_BYTES] = "", details[HIVE_ERROR_BYTES] = "";
    add_founder(&verdict->founding, self->id, self->address);
    for (size_t i = 0; i < count; i++) {
        if (peers[i].is_answered) {
            add_founder(&verdict->founding, peers[i].answer.id, peers[i].answer.address);
            continue;
        }
        append(names, missing ? ", " : "");
        append(names, peers[i].listed);
        append(details, missing ? ", " : "");
        append(details, peers[i].listed);
        append(details, " (");
        append(details, peers[i].failure);
        append(details, ")");
        missing++;
    }
    if (missing) {
        static const char waiting[] =
            "the group can be founded only when each of its queens was seen once: waits for ";
        set_reason(verdict, "%s", waiting);
        append(verdict->reason, details);
        append(verdict->subject, names);
        return;
    }
    verdict->step = FOUNDING_FOUND;
    set_reason(verdict, "all %zu queens are here, and found the group", verdict->founding.count);
}

void founding_judge(const struct founding_self *self, const struct founding_peer *peers, size_t count,
                    struct founding_verdict *verdict)
{
    *verdict = (struct founding_verdict){.step = FOUNDING_WAIT};
    if (is_mixed_up(self, peers, count, verdict) || find_founding(self, peers, count, verdict) ||
        find_membership(self, peers, count, verdict) || find_group(self, peers, count, verdict))
        return;
    found_or_wait(self, peers, count, verdict);
}

enum founding_place founding_judge_place(const struct founding_self *self, const struct founding_peer *peers,
                                         size_t count, raft_index *joined, const char **whom)
{
    const struct founding_peer *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct group_answer *answer = &peers[i].answer;
        const struct raft_configuration *members = &answer->configuration;
        bool is_certain = peers[i].is_answered && members->count > 0 && members->index <= answer->commit;
        if (is_certain && answer->id != self->id &&
            (!best || members->index > best->answer.configuration.index))
            best = &peers[i];
    }
    if (!best || best->answer.configuration.index < *joined)
        return FOUNDING_PLACE_UNKNOWN; /* old news */
    if (whom)
        *whom = best->listed;
    if (raft_configuration_find(&best->answer.configuration, self->id)) {
        *joined = best->answer.configuration.index;
        return FOUNDING_PLACE_KEPT;
    }
    return *joined > 0 && best->answer.configuration.index > *joined ? FOUNDING_PLACE_LOST
                                                                     : FOUNDING_PLACE_UNKNOWN;
}
