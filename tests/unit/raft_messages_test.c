/* Messages that no honest server sends: they are dropped and counted, and change nothing. A server must not
 * be brought down by what others say. */
#include "unit/raft_speech.h"

#include "raft/configuration.h"

#define FROM2 .from = 2, .to = 1

static const struct raft_entry good[] = {{.index = 3, .term = 2, .type = RAFT_ENTRY_COMMAND}};
static const struct raft_entry wrong_index[] = {{.index = 4, .term = 2, .type = RAFT_ENTRY_COMMAND}};
static const struct raft_entry no_term[] = {{.index = 3, .term = 0, .type = RAFT_ENTRY_COMMAND}};
static const struct raft_entry falling_term[] = {{.index = 3, .term = 1, .type = RAFT_ENTRY_COMMAND}};
static const struct raft_entry later_term[] = {{.index = 3, .term = 4, .type = RAFT_ENTRY_COMMAND}};
static const struct raft_entry gap[] = {{.index = 3, .term = 2, .type = RAFT_ENTRY_COMMAND},
                                        {.index = 5, .term = 2, .type = RAFT_ENTRY_COMMAND}};
static const struct raft_entry overwriting[] = {{.index = 1, .term = 3, .type = RAFT_ENTRY_COMMAND}};
static const struct raft_entry no_type[] = {{.index = 3, .term = 2}};
static const struct raft_entry unknown_type[] = {{.index = 3, .term = 2, .type = (enum raft_entry_type)99}};

/* To a follower in term 3 whose log is "1 2", the first of them committed. */
static const struct {
    const char *what;
    struct raft_message message;
} wrong[] = {
    {"not to us", {.type = RAFT_REQUEST_VOTE, .from = 2, .to = 3, .term = 9}},
    {"from us", {.type = RAFT_REQUEST_VOTE, .from = 1, .to = 1, .term = 9}},
    {"from nobody", {.type = RAFT_APPEND_ENTRIES, .from = 0, .to = 1, .term = 9}},
    {"a snapshot without a snapshot", {.type = RAFT_INSTALL_SNAPSHOT, FROM2, .term = 9}},
    {"a word to stand of term 0", {.type = RAFT_TIMEOUT_NOW, FROM2}},
    {"of no type", {.type = (enum raft_message_type)77, FROM2, .term = 9}},
    {"a vote request for term 0", {.type = RAFT_REQUEST_VOTE, FROM2}},
    {"an append of term 0", {.type = RAFT_APPEND_ENTRIES, FROM2}},
    {"the last term that there is", {.type = RAFT_REQUEST_VOTE, FROM2, .term = UINT64_MAX}},
#define APPEND(prev, prev_term, array)                                                                       \
    {                                                                                                        \
        .type = RAFT_APPEND_ENTRIES, FROM2, .term = 3, .append_entries = {                                   \
            .prev_log_index = prev,                                                                          \
            .prev_log_term = prev_term,                                                                      \
            .leader_commit = 9,                                                                              \
            .entries = array,                                                                                \
            .entry_count = sizeof array / sizeof *array                                                      \
        }                                                                                                    \
    }
    {"a wrong index", APPEND(2, 2, wrong_index)},
    {"an entry of no term", APPEND(2, 2, no_term)},
    {"a term that falls", APPEND(2, 2, falling_term)},
    {"an entry of a later term than the leader's", APPEND(2, 2, later_term)},
    {"a gap", APPEND(2, 2, gap)},
    {"a previous entry of a later term than the leader's", APPEND(2, 4, good)},
    {"a term for the entry 0", APPEND(0, 1, overwriting)},
    {"other entries than the committed ones", APPEND(0, 0, overwriting)},
    {"an entry of no type", APPEND(2, 2, no_type)},
    {"an entry of an unknown type", APPEND(2, 2, unknown_type)},
    {"a previous index without end",
     {.type = RAFT_APPEND_ENTRIES,
      FROM2,
      .term = 3,
      .append_entries = {.prev_log_index = UINT64_MAX, .prev_log_term = 2, .leader_commit = 9}}},
#undef APPEND
};

static struct raft_network *follower(void)
{
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1 2", 3, 2);
    raft_network_start(network, 1);
    say_append(network, 2, 1, 3, 1, 1, "", 1);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 1);
    raft_network_drop_all(network);
    return network;
}

static void test_wrong_messages_are_dropped_and_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct raft_network *network = follower();
        struct raft_message message = wrong[i].message;
        struct raft_event event = {.type = RAFT_EVENT_MESSAGE, .message = &message};
        struct raft *raft = network->nodes[1].raft;

        raft_network_trace(network, "%s", wrong[i].what);
        raft_network_step(network, 1, event);
        if (raft_dropped_messages(raft) != 1)
            raft_network_fail(network, "%s was not dropped", wrong[i].what);
        assert_int_equal(raft_current_term(raft), 3);
        assert_int_equal(raft_commit_index(raft), 1);
        raft_network_assert_log(network, 1, "1 2");
        assert_int_equal(network->nodes[1].disk.write_count, 0);
        raft_network_destroy(network);
    }
}

static void test_a_second_leader_of_our_own_term_is_not_followed(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    say_append(network, 2, 1, term, 0, 0, "", 0);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
    assert_int_equal(raft_dropped_messages(network->nodes[1].raft), 1);
    raft_network_destroy(network);
}

/* ---- a storm ---- */

struct storm { /* what one message points to */
    struct raft_entry entries[4];
    struct hive_buffer members[2];
    struct raft_snapshot snapshot;
};

static uint64_t below(struct raft_network *network, uint64_t limit)
{
    return raft_network_random_below(network, limit);
}

/* Any members, sometimes none that could be. */
static struct raft_configuration any_members(struct raft_network *network)
{
    struct raft_configuration configuration = {.index = below(network, 4), .count = below(network, 4)};
    for (size_t i = 0; i < configuration.count; i++)
        configuration.members[i] =
            (struct raft_member){.id = i + below(network, 9) / 8, .kind = 1 + below(network, 10) / 4};
    return configuration;
}

static void fill_entries(struct raft_network *network, struct storm *storm, raft_index prev,
                         raft_term prev_term)
{
    uint64_t rises = below(network, 2);
    for (size_t i = 0; i < 2; i++) {
        struct raft_configuration members = any_members(network);
        hive_buffer_clear(&storm->members[i]);
        hive_buffer_append_text(&storm->members[i], "");
        if (raft_configuration_is_valid(&members))
            raft_configuration_encode(&storm->members[i], &members);
    }
    for (size_t i = 0; i < 4; i++) {
        const struct hive_buffer *data = &storm->members[i % 2];
        enum raft_entry_type type = (enum raft_entry_type)(1 + below(network, 3));
        storm->entries[i] = (struct raft_entry){.index = prev + 1 + i,
                                                .term = prev_term + i / 2 * rises,
                                                .type = type,
                                                .data = data->data,
                                                .bytes = data->size};
    }
}

static struct raft_message any_message(struct raft_network *network, struct storm *storm,
                                       const struct raft *raft)
{
    raft_term term = raft_current_term(raft);
    struct raft_message message = {
        .type = (enum raft_message_type)below(network, 8),
        .from = 2 + below(network, 3),
        .to = 1,
        .term = term + below(network, 7) / 6 - (term > 0 && below(network, 6) == 0),
        .context = below(network, 5),
    };
    uint64_t a = below(network, raft_last_index(raft) + 3), c = below(network, 6), bit = below(network, 2);
    raft_term b = message.term - below(network, message.term < 2 ? message.term + 1 : 3);
    switch (message.type) {
    case RAFT_REQUEST_VOTE:
        message.request_vote = (struct raft_request_vote){a, b, bit, c % 2, c};
        break;
    case RAFT_REQUEST_VOTE_REPLY:
        message.request_vote_reply = (struct raft_request_vote_reply){c < 5, bit, c == 5 && bit};
        message.term += bit && below(network, 2);
        break;
    case RAFT_APPEND_ENTRIES:
        fill_entries(network, storm, a, b);
        message.append_entries = (struct raft_append_entries){
            a, b, below(network, a + 4), bit, (int64_t)b, (int64_t)c, storm->entries, c % 5 % 4};
        break;
    case RAFT_APPEND_ENTRIES_REPLY:
        message.append_entries_reply = (struct raft_append_entries_reply){bit, a, c, b, c, (int64_t)a};
        break;
    case RAFT_INSTALL_SNAPSHOT:
        storm->snapshot = (struct raft_snapshot){a, b, any_members(network)};
        message.install_snapshot.snapshot = c == 0 ? NULL : &storm->snapshot;
        break;
    case RAFT_INSTALL_SNAPSHOT_REPLY:
        message.install_snapshot_reply.match_index = a;
        break;
    case RAFT_TIMEOUT_NOW:
    case RAFT_TIMEOUT_NOW_REPLY:
        break;
    }
    return message;
}

/* What this server itself is asked to do meanwhile. */
static struct raft_event any_event(struct raft_network *network, struct storm *storm, const struct raft *raft)
{
    static struct raft_change change;
    struct raft_event event = {.type = RAFT_EVENT_READ, .read_context = 1};
    switch (below(network, 7)) {
    case 0:
        change = (struct raft_change){(enum raft_change_type)(1 + below(network, 3)),
                                      {.id = below(network, 6), .kind = RAFT_MEMBER_JOINING}};
        return (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change};
    case 1:
        return (struct raft_event){.type = RAFT_EVENT_TRANSFER, .peer = below(network, 5)};
    case 2:
        return (struct raft_event){.type = RAFT_EVENT_LEADER_GONE, .peer = below(network, 5)};
    case 3:
        return (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = below(network, 5)};
    case 5:
        return (struct raft_event){.type = RAFT_EVENT_REMOVED};
    case 4:
        if (raft_snapshot_at(raft, raft_commit_index(raft) - below(network, 2), &storm->snapshot))
            event =
                (struct raft_event){.type = RAFT_EVENT_SNAPSHOT,
                                    .compact = {&storm->snapshot, storm->snapshot.index + below(network, 3)}};
        return event;
    default:
        return event;
    }
}

/* Small numbers, so that they often nearly fit: whatever lying peers say, nothing asserts. */
static void test_a_storm_of_random_messages_breaks_nothing(void **state)
{
    (void)state;
    struct storm storm = {0};
    size_t installs = 0, changes = 0, leaderships = 0, compactions = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct raft_network *network = raft_network_create(&(struct raft_network_config){
            .nodes = 3, .seed = seed, .read_lease = seed % 2, .no_check_quorum = seed % 3 == 0});
        struct raft *raft;
        raft_network_start(network, 1);
        raft = network->nodes[1].raft;
        for (int i = 0; i < 300; i++) {
            struct raft_message message = any_message(network, &storm, raft);
            struct raft_event event = {.type = RAFT_EVENT_MESSAGE, .message = &message};
            if (below(network, 4) == 0)
                event = any_event(network, &storm, raft);
            event.now_ms = i * 20;
            event.random = seed * 77 + (uint64_t)i;
            struct raft_update update;
            raft_step(raft, &event, &update);
            installs += update.install != NULL;
            changes += update.configuration != NULL;
            compactions += event.type == RAFT_EVENT_SNAPSHOT;
            for (size_t t = 0; t < update.transition_count; t++)
                leaderships += update.transitions[t].role == RAFT_LEADER;
            if (update.write && below(network, 2))
                raft_step(
                    raft,
                    &(struct raft_event){.type = RAFT_EVENT_DURABLE, .now_ms = i * 20, .write = update.write},
                    &update);
        }
        raft_network_destroy(network);
    }
    print_message("# %zu installs, %zu changes of members, %zu leaderships, %zu compactions\n", installs,
                  changes, leaderships, compactions);
    assert_true(installs > 20 && changes > 200 && leaderships > 50 && compactions > 50);
    hive_buffer_finish(&storm.members[0]);
    hive_buffer_finish(&storm.members[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_leader_of_our_own_term_is_not_followed),
        cmocka_unit_test(test_a_storm_of_random_messages_breaks_nothing),
        cmocka_unit_test(test_wrong_messages_are_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
