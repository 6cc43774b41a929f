/* What queens tell each other about their group, and what a queen without one makes of it: the interleavings of founding, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "hive/memory.h"
#include "queen/founding_rules.h"
#include "queen/group.h"

#define ME 100

static const char *const addresses[] = {"127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003",
                                        "127.0.0.1:1004"};
static const struct founding_self self = {.id = ME, .address = "127.0.0.1:1000"};
static struct founding_peer peers[4];
static struct founding_verdict verdict;

static int set_up(void **state)
{
    (void)state;
    memset(peers, 0, sizeof peers);
    for (size_t i = 0; i < 4; i++)
        peers[i].listed = addresses[i];
    return 0;
}

static void add(struct raft_configuration *configuration, raft_id id, enum raft_member_kind kind,
                const char *address)
{
    struct raft_member *member = &configuration->members[configuration->count++];
    *member = (struct raft_member){.id = id, .kind = kind};
    snprintf(member->address, sizeof member->address, "%s", address);
}

/* Peer `i` answers, with id 1 + i and her listed address, and knows of no group. */
static struct group_answer *answers(size_t i)
{
    struct group_answer *answer = &peers[i].answer;
    peers[i].is_answered = true;
    answer->id = 1 + i;
    snprintf(answer->address, sizeof answer->address, "%s", addresses[i]);
    return answer;
}

static void is_silent(size_t i, const char *failure)
{
    snprintf(peers[i].failure, sizeof peers[i].failure, "%s", failure);
}

/* Peer `i` is a voter of a group of those ids, founded with them; addresses are made of the ids. */
static struct group_answer *is_in_group(size_t i, raft_index index, size_t count, const raft_id *ids)
{
    struct group_answer *answer = answers(i);
    answer->standing = RAFT_STANDING_VOTER;
    answer->configuration.index = index;
    for (size_t j = 0; j < count; j++) {
        char address[32];
        snprintf(address, sizeof address, "127.0.0.1:%d", (int)(1000 + ids[j] % 100));
        add(&answer->configuration, ids[j], RAFT_MEMBER_VOTER, address);
        add(&answer->founding, ids[j], RAFT_MEMBER_VOTER, address);
    }
    return answer;
}
#define GROUP(...)                                                                                           \
    sizeof((raft_id[]){__VA_ARGS__}) / sizeof(raft_id), (raft_id[])                                          \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

static void judge(size_t count, enum founding_step step, const char *part)
{
    founding_judge(&self, peers, count, &verdict);
    assert_true(verdict.reason[0] && verdict.subject[0]);
    if (verdict.step != step)
        fail_msg("step %d instead of %d: %s", verdict.step, step, verdict.reason);
    if (part && !strstr(verdict.reason, part))
        fail_msg("'%s' is not in '%s'", part, verdict.reason);
}

static void assert_founding(size_t count, const raft_id *ids)
{
    assert_int_equal(verdict.founding.count, count);
    assert_int_equal(verdict.founding.index, 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(verdict.founding.members[i].id, ids[i]);
        assert_int_equal(verdict.founding.members[i].kind, RAFT_MEMBER_VOTER);
    }
}

/* ---- the rules ---- */

static void a_queen_alone_is_her_group(void **state)
{
    (void)state;
    judge(0, FOUNDING_FOUND, NULL);
    assert_founding(GROUP(ME));
    assert_string_equal(verdict.founding.members[0].address, self.address);
}

static void all_must_have_been_seen(void **state)
{
    (void)state;
    answers(0);
    is_silent(1, "connection refused");
    is_silent(2, "timed out after 1000 ms");
    judge(3, FOUNDING_WAIT, "127.0.0.1:1002 (connection refused), 127.0.0.1:1003 (timed out after 1000 ms)");
    assert_non_null(strstr(verdict.subject, "127.0.0.1:1002, 127.0.0.1:1003"));
    assert_null(strstr(verdict.subject, "refused"));
    answers(1);
    judge(3, FOUNDING_WAIT, "127.0.0.1:1003");
    assert_null(strstr(verdict.reason, "127.0.0.1:1002"));
    answers(2);
    judge(3, FOUNDING_FOUND, NULL);
    assert_founding(GROUP(1, 2, 3, ME));
}

/* The map must come out the same for all of them, whatever the order of their lists and however they call each other. */
static void founders_write_the_same_down(void **state)
{
    (void)state;
    answers(0)->id = 900;
    answers(1)->id = 7;
    snprintf(peers[1].answer.address, HIVE_ADDRESS_BYTES, "bee.example:1002"); /* listed under an alias */
    judge(2, FOUNDING_FOUND, NULL);
    assert_founding(GROUP(7, ME, 900));
    assert_string_equal(verdict.founding.members[0].address, "bee.example:1002");
    assert_string_equal(verdict.founding.members[1].address, self.address);
    assert_string_equal(verdict.founding.members[2].address, addresses[0]);
}

static void an_alias_of_herself_is_no_other_queen(void **state)
{
    (void)state;
    answers(0);
    struct group_answer *alias = answers(1);
    alias->id = ME;
    snprintf(alias->address, sizeof alias->address, "%s", self.address);
    judge(2, FOUNDING_FOUND, NULL);
    assert_founding(GROUP(1, ME));
}

static void two_names_of_one_queen_count_once(void **state)
{
    (void)state;
    answers(0);
    *answers(1) = peers[0].answer;
    judge(2, FOUNDING_FOUND, NULL);
    assert_founding(GROUP(1, ME));
}

static void a_late_founder_takes_over_what_was_founded(void **state)
{
    (void)state;
    is_silent(0, "connection refused");
    is_in_group(1, 0, GROUP(2, 1, ME));
    judge(3, FOUNDING_TAKE, NULL);
    assert_founding(GROUP(2, 1, ME));
}

/* … even where the group has gone on meanwhile, and without her: she learns that from its votes. */
static void a_late_founder_comes_after_changes(void **state)
{
    (void)state;
    struct group_answer *answer = is_in_group(0, 17, GROUP(1, 2, ME));
    answer->configuration.count = 2;
    judge(1, FOUNDING_TAKE, NULL);
    assert_founding(GROUP(1, 2, ME));
}

static void an_emptied_disk_joins_and_never_founds(void **state)
{
    (void)state;
    is_in_group(0, 2, GROUP(1, 2, 55)); /* 55 had her address */
    answers(1);                         /* has not heard of it yet, or was emptied too */
    judge(2, FOUNDING_JOIN, addresses[0]);
    assert_string_equal(verdict.whom, addresses[0]);
    is_silent(1, "connection refused");
    judge(2, FOUNDING_JOIN, NULL);
}

static void one_founded_answer_outweighs_all_that_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        answers(i);
    is_in_group(3, 0, GROUP(4, 55, 2));
    judge(4, FOUNDING_JOIN, addresses[3]);
    /* A founding without entries yet counts as well. */
    peers[3].answer.configuration.count = 0;
    judge(4, FOUNDING_JOIN, addresses[3]);
}

static void a_member_that_is_taken_in_just_waits(void **state)
{
    (void)state;
    struct group_answer *answer = is_in_group(0, 9, GROUP(1, 2));
    add(&answer->configuration, ME, RAFT_MEMBER_JOINING, self.address);
    judge(1, FOUNDING_LISTED, addresses[0]);
}

static void she_asks_the_member_with_the_newest_word(void **state)
{
    (void)state;
    is_in_group(0, 4, GROUP(1, 2, 3))->standing = RAFT_STANDING_REMOVED;
    peers[0].answer.configuration.index = 90;
    is_in_group(1, 5, GROUP(2, 3));
    is_in_group(2, 8, GROUP(2, 3));
    judge(3, FOUNDING_JOIN, NULL);
    assert_string_equal(verdict.whom, addresses[2]);
    judge(1, FOUNDING_JOIN, NULL); /* better than nobody: she may know who leads */
}

static void two_groups_are_for_people_to_sort_out(void **state)
{
    (void)state;
    is_in_group(0, 4, GROUP(1, 31, 32));
    is_in_group(1, 5, GROUP(2, 41, 42));
    judge(2, FOUNDING_WAIT, "different groups");
    /* Old and new news of one group: they share a member. */
    add(&peers[1].answer.configuration, 31, RAFT_MEMBER_VOTER, "127.0.0.1:1031");
    judge(2, FOUNDING_JOIN, NULL);
    peers[1].answer.configuration.count--;
    add(&peers[1].answer.founding, 1, RAFT_MEMBER_VOTER, "127.0.0.1:1001");
    judge(2, FOUNDING_JOIN, NULL);
}

static void copied_disks_and_doubled_addresses_are_told(void **state)
{
    (void)state;
    answers(0)->id = ME;
    judge(1, FOUNDING_WAIT, "copy");
    snprintf(answers(0)->address, HIVE_ADDRESS_BYTES, "%s", self.address);
    judge(1, FOUNDING_WAIT, "calls herself 127.0.0.1:1000");
    answers(0);
    answers(1)->id = 1;
    judge(2, FOUNDING_WAIT, "same id");
    snprintf(answers(1)->address, HIVE_ADDRESS_BYTES, "%s", addresses[0]);
    judge(2, FOUNDING_WAIT, "same address");
}

static void many_missing_queens_fit_into_the_reason(void **state)
{
    (void)state;
    static struct founding_peer many[HIVE_QUEENS - 1];
    for (size_t i = 0; i < HIVE_QUEENS - 1; i++) {
        many[i].listed = "a-queen-with-a-long-name.example.org:8080";
        snprintf(many[i].failure, sizeof many[i].failure, "connection refused");
    }
    founding_judge(&self, many, HIVE_QUEENS - 1, &verdict);
    assert_int_equal(verdict.step, FOUNDING_WAIT);
    assert_int_equal(strlen(verdict.reason), HIVE_ERROR_BYTES - 1);
}

/* ---- the JSON ---- */

static void what_is_written_can_be_read(void **state)
{
    (void)state;
    static struct queen_status status = {.id = 7,
                                         .role = RAFT_LEADER,
                                         .standing = RAFT_STANDING_VOTER,
                                         .last = 44,
                                         .commit = 43,
                                         .peer_count = 1};
    static struct raft_configuration members = {.index = 40}, founding;
    static struct group_answer answer;
    snprintf(status.leader, sizeof status.leader, "[::1]:7");
    status.peers[0].id = 8;
    status.peers[0].match = 41;
    add(&members, 7, RAFT_MEMBER_VOTER, "[::1]:7");
    add(&members, 8, RAFT_MEMBER_JOINING, "q.example:8");
    add(&members, 9, RAFT_MEMBER_LEARNER, "q.example:9");
    add(&founding, 7, RAFT_MEMBER_VOTER, "[::1]:7");
    add(&founding, 10, RAFT_MEMBER_VOTER, "q.example:8");
    struct hive_buffer json = {0};
    struct hive_error error = {{0}};
    group_append(&json, "[::1]:7", &status, &members, &founding);
    assert_non_null(strstr(json.data,
                           "\"id\":\"8\",\"address\":\"q.example:8\",\"kind\":\"joining\",\"leader\":false,"
                           "\"match_index\":41"));
    assert_non_null(strstr(json.data, "\"kind\":\"voter\",\"leader\":true,\"match_index\":44"));
    if (group_parse(json.data, json.size, &answer, &error))
        fail_msg("%s: %s", error.message, json.data);
    assert_int_equal(answer.id, 7);
    assert_string_equal(answer.address, "[::1]:7");
    assert_int_equal(answer.standing, RAFT_STANDING_VOTER);
    assert_int_equal(answer.configuration.index, 40);
    assert_true(group_is_same(&answer.configuration, &members));
    assert_true(group_is_same(&answer.founding, &founding));
    assert_false(group_is_same(&answer.founding, &members));

    hive_buffer_clear(&json);
    members.count = founding.count = 0;
    members.index = 0;
    status = (struct queen_status){.id = 7};
    group_append(&json, "q.example:7", &status, &members, &founding);
    assert_string_equal(json.data,
                        "{\"id\":\"7\",\"address\":\"q.example:7\",\"standing\":\"none\",\"leader\":null,"
                        "\"last_index\":0,\"commit_index\":0,\"configuration\":{\"index\":0,\"members\":"
                        "[]},\"founding\":null}");
    assert_int_equal(group_parse(json.data, json.size, &answer, &error), 0);
    assert_int_equal(answer.founding.count, 0);
    hive_buffer_finish(&json);
}

static void sameness_looks_at_everything(void **state)
{
    (void)state;
    static struct raft_configuration a, b;
    add(&a, 1, RAFT_MEMBER_VOTER, "x:1");
    add(&a, 2, RAFT_MEMBER_VOTER, "x:2");
    add(&b, 2, RAFT_MEMBER_VOTER, "x:2");
    add(&b, 1, RAFT_MEMBER_VOTER, "x:1");
    assert_true(group_is_same(&a, &b));
    b.members[1].id = 3;
    assert_false(group_is_same(&a, &b));
    b.members[1].id = 1;
    b.members[1].kind = RAFT_MEMBER_LEARNER;
    assert_false(group_is_same(&a, &b));
    b.members[1] = a.members[0];
    b.members[1].address[2] = '9';
    assert_false(group_is_same(&a, &b));
}

static void garbage_is_no_answer(void **state)
{
    (void)state;
#define MEMBER(id, address, kind) "{\"id\":\"" id "\",\"address\":\"" address "\",\"kind\":\"" kind "\"}"
#define ANSWER(id, standing, members, founding)                                                              \
    "{\"id\":\"" id "\",\"address\":\"q:1\",\"standing\":\"" standing                                        \
    "\",\"configuration\":{\"index\":3,\"members\":[" members "]},\"founding\":" founding "}"
    static const char *const texts[] = {
        "",
        "[]",
        "null",
        "{}",
        "<html>",
        ANSWER("0", "voter", "", "null"),
        ANSWER("-1", "voter", "", "null"),
        ANSWER("1x", "voter", "", "null"),
        ANSWER("99999999999999999", "voter", "", "null"),
        ANSWER("1", "queen", "", "null"),
        ANSWER("1", "voter", "7", "null"),
        ANSWER("1", "voter", MEMBER("2", "q:2", "drone"), "null"),
        ANSWER("1", "voter", MEMBER("2", "q", "voter"), "null"),
        ANSWER("1", "voter", MEMBER("2", "q:0", "voter"), "null"),
        ANSWER("1", "voter", MEMBER("2", "q:2", "voter") "," MEMBER("2", "q:3", "voter"), "null"),
        ANSWER("1", "voter", MEMBER("2", "q:2", "voter") "," MEMBER("3", "q:2", "voter"), "null"),
        ANSWER("1", "voter", "", "[]"),
        ANSWER("1", "voter", "", "{\"members\":[]}"),
        ANSWER("1", "voter", "", "{\"members\":[{}]}"),
        "{\"id\":\"1\",\"address\":\"q:1\",\"standing\":\"voter\",\"founding\":null}",
        "{\"id\":\"1\",\"address\":\"\",\"standing\":\"none\",\"configuration\":{\"index\":0,\"members\":[]}"
        "}",
    };
    static struct group_answer answer;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct hive_error error = {{0}};
        if (group_parse(texts[i], strlen(texts[i]), &answer, &error) != -EINVAL || !error.message[0])
            fail_msg("taken: %s", texts[i]);
    }
    static const char fine[] = ANSWER("1", "voter", MEMBER("2", "q:2", "voter"), "null");
    assert_int_equal(group_parse(fine, sizeof fine - 1, &answer, NULL), 0);

    struct hive_buffer crowd = {0};
    hive_buffer_append_text(&crowd,
                            "{\"id\":\"1\",\"address\":\"q:1\",\"standing\":\"voter\",\"founding\":null,"
                            "\"configuration\":{\"index\":3,\"members\":[");
    for (int i = 1; i <= HIVE_QUEENS + 1; i++)
        hive_buffer_format(&crowd, "%s{\"id\":\"%d\",\"address\":\"q:%d\",\"kind\":\"voter\"}",
                           i > 1 ? "," : "", i, i);
    hive_buffer_append_text(&crowd, "]}}");
    assert_int_equal(group_parse(crowd.data, crowd.size, &answer, NULL), -EINVAL);
    hive_buffer_finish(&crowd);
}

static void ids_are_decimal_texts(void **state)
{
    (void)state;
    assert_int_equal(group_parse_id("281474976710655"), UINT64_C(281474976710655));
    static const char *const none[] = {
        "", "0", "-3", "+3", " 3", "3 ", "0x3", "3.0", "03", "9007199254740992", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(group_parse_id(none[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_queen_alone_is_her_group, set_up),
        cmocka_unit_test_setup(all_must_have_been_seen, set_up),
        cmocka_unit_test_setup(founders_write_the_same_down, set_up),
        cmocka_unit_test_setup(an_alias_of_herself_is_no_other_queen, set_up),
        cmocka_unit_test_setup(two_names_of_one_queen_count_once, set_up),
        cmocka_unit_test_setup(a_late_founder_takes_over_what_was_founded, set_up),
        cmocka_unit_test_setup(a_late_founder_comes_after_changes, set_up),
        cmocka_unit_test_setup(an_emptied_disk_joins_and_never_founds, set_up),
        cmocka_unit_test_setup(one_founded_answer_outweighs_all_that_are_not, set_up),
        cmocka_unit_test_setup(a_member_that_is_taken_in_just_waits, set_up),
        cmocka_unit_test_setup(she_asks_the_member_with_the_newest_word, set_up),
        cmocka_unit_test_setup(two_groups_are_for_people_to_sort_out, set_up),
        cmocka_unit_test_setup(copied_disks_and_doubled_addresses_are_told, set_up),
        cmocka_unit_test_setup(many_missing_queens_fit_into_the_reason, set_up),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(sameness_looks_at_everything),
        cmocka_unit_test(garbage_is_no_answer),
        cmocka_unit_test(ids_are_decimal_texts),
    };
    return cmocka_run_group_tests_name("queen_group", tests, NULL, NULL);
}
