/* Messages that no honest server sends: they are dropped and counted, and change nothing. A server must not
 * be brought down by what others say. */
#include "unit/raft_speech.h"

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

/* Small numbers, so that they often nearly fit: whatever three lying peers say, nothing asserts. */
static void test_a_storm_of_random_messages_breaks_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct raft_network *network =
            raft_network_create(&(struct raft_network_config){.nodes = 3, .seed = seed});
        const struct raft_node *node = &network->nodes[1];
        raft_network_start(network, 1);
        for (int i = 0; i < 200; i++) {
            struct raft_entry entries[4];
            struct raft_message message = {
                .type = (enum raft_message_type)raft_network_random_below(network, 4),
                .from = 2 + raft_network_random_below(network, 2),
                .to = 1,
                .term = raft_network_random_below(network, 6),
                .context = raft_network_random_below(network, 5),
            };
            uint64_t a = raft_network_random_below(network, 6), b = raft_network_random_below(network, 4);
            uint64_t c = raft_network_random_below(network, 6), bit = raft_network_random_below(network, 2);
            if (message.type == RAFT_REQUEST_VOTE)
                message.request_vote = (struct raft_request_vote){a, b, bit, c % 2, c};
            if (message.type == RAFT_REQUEST_VOTE_REPLY)
                message.request_vote_reply = (struct raft_request_vote_reply){bit, c % 2, c == 5};
            if (message.type == RAFT_APPEND_ENTRIES) {
                message.append_entries =
                    (struct raft_append_entries){a, b, c, bit, (int64_t)b, (int64_t)c, entries, c % 5 % 4};
                for (size_t e = 0; e < 4; e++)
                    entries[e] = (struct raft_entry){
                        .index = a + 1 + e, .term = b + e / 2 * bit, .type = RAFT_ENTRY_COMMAND};
            }
            if (message.type == RAFT_APPEND_ENTRIES_REPLY)
                message.append_entries_reply =
                    (struct raft_append_entries_reply){bit, a, c, b, c, (int64_t)a};
            struct raft_update update;
            raft_step(node->raft,
                      &(struct raft_event){.type = RAFT_EVENT_MESSAGE,
                                           .now_ms = i * 20,
                                           .random = seed * 77 + (uint64_t)i,
                                           .message = &message},
                      &update);
            if (update.write && bit)
                raft_step(
                    node->raft,
                    &(struct raft_event){.type = RAFT_EVENT_DURABLE, .now_ms = i * 20, .write = update.write},
                    &update);
        }
        raft_network_destroy(network);
    }
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
