/* hive members against a queen of the test's own, who says what a test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli_scene.h"

#define IDENTITY(id, standing) "{\"id\":\"" id "\",\"address\":\"q.example:9\",\"standing\":\"" standing "\","
#define MEMBER(id, address, kind, leader)                                                                    \
    "{\"id\":\"" id "\",\"address\":\"" address "\",\"kind\":\"" kind "\",\"leader\":" leader

/* A new queen, who knows nobody. */
#define NEW_QUEEN                                                                                            \
    IDENTITY("77", "none")                                                                                   \
    "\"leader\":null,\"last_index\":0,\"configuration\":{\"index\":0,\"members\":[]},\"founding\":null}"

/* A group of three, of which the leader tells; `kind` and `match` are those of the third, id 77. */
#define LEADER_ROW             MEMBER("5", "q.example:9", "voter", "true") ",\"match_index\":120},"
#define SECOND_ROW             MEMBER("6", "q.example:6", "voter", "false") "},"
#define THIRD_ROW(kind, match) MEMBER("77", "q.example:7", kind, "false") ",\"match_index\":" match "}"
#define GROUP(kind, match)                                                                                   \
    IDENTITY("5", "voter")                                                                                   \
    "\"leader\":\"q.example:9\",\"last_index\":120,\"configuration\":{\"index\":9,\"members\":[" LEADER_ROW  \
        SECOND_ROW                                                                                           \
        THIRD_ROW(kind, match) "]},\"founding\":null}"

static void members_are_listed(void **state)
{
    (void)state;
    say(200, GROUP("joining", "20"));
    assert_int_equal(RUN("members"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /members");
    assert_string_equal(out.data, "QUEEN        KIND     ROLE    BEHIND  SEEN  ID\n"
                                  "q.example:9  voter    LEADER       0     -  5\n"
                                  "q.example:6  voter    -            -     -  6\n"
                                  "q.example:7  joining  -          100     -  77\n");
    assert_int_equal(RUN("members", "--json"), HIVE_EXIT_OK);
    assert_string_equal(out.data, GROUP("joining", "20") "\n");
}

static void a_queen_without_a_group_says_so(void **state)
{
    (void)state;
    say(200, NEW_QUEEN);
    assert_int_equal(RUN("members"), HIVE_EXIT_UNAVAILABLE);
    assert_string_equal(out.data, "");
    assert_non_null(strstr(err.data, "q.example:9 belongs to no group yet"));
}

static void a_list_that_is_not_hives_is_told(void **state)
{
    (void)state;
    say(200, "{\"configuration\":{\"members\":[{\"id\":7}]}}");
    assert_int_equal(RUN("members"), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, "id"));
}

static void add_asks_the_new_queen_who_she_is(void **state)
{
    (void)state;
    say(200, NEW_QUEEN);
    says.later = "{\"result\":\"OK\",\"id\":\"77\",\"index\":12}";
    assert_int_equal(RUN("members", "add", address), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "POST /members");
    assert_string_equal(asked.body.data, "{\"id\":\"77\",\"address\":\"q.example:9\",\"kind\":\"joining\"}");
    assert_string_equal(out.data, "q.example:9 is a member now (joining, id 77)\n");

    say(200, NEW_QUEEN);
    says.later = "{\"result\":\"OK\",\"id\":\"77\",\"index\":12}";
    assert_int_equal(RUN("members", "add", address, "--learner", "--json"), HIVE_EXIT_OK);
    assert_non_null(strstr(asked.body.data, "\"kind\":\"learner\""));
    assert_string_equal(out.data, "{\"result\":\"OK\",\"id\":\"77\",\"index\":12}\n");
}

static void add_tries_again_what_will_pass(void **state)
{
    (void)state;
    static const char *const passing[] = {"change-pending", "too-early", "address-taken"};
    for (size_t i = 0; i < 3; i++) {
        say(200, NEW_QUEEN);
        says.later = "{\"result\":\"OK\",\"id\":\"77\",\"index\":12}";
        says.problem = passing[i];
        assert_int_equal(RUN("members", "add", address), HIVE_EXIT_OK);
    }
    say(200, NEW_QUEEN);
    says.problem = "group-full";
    assert_int_equal(RUN("members", "add", address), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, "one by one"));
    say(200, NEW_QUEEN);
    says.problem = "change-pending";
    assert_int_equal(RUN("members", "add", address, "--timeout", "50"), HIVE_EXIT_FAILED);
}

static void add_refuses_who_is_no_new_queen(void **state)
{
    (void)state;
    say(200, NEW_QUEEN);
    assert_int_equal(RUN("members", "add", "127.0.0.1:1", "--timeout", "200"), HIVE_EXIT_UNAVAILABLE);
    assert_non_null(strstr(err.data, "nobody answers at 127.0.0.1:1: start the queen there first"));
    say(200, "<html>");
    assert_int_equal(RUN("members", "add", address), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, "is no queen"));
    say(400, "this node is a drone");
    assert_int_equal(RUN("members", "add", address), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, "is no queen"));
    say(200, IDENTITY("1", "voter") "\"configuration\":{\"index\":1,\"members\":[" MEMBER(
                 "1", "q.example:1", "voter", "true") "}]},\"founding\":null}");
    says.later = GROUP("voter", "120");
    assert_int_equal(RUN("members", "add", address), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, "is a member of another group"));
    assert_string_equal(asked.target.data, "GET /members");
}

static void add_waits_for_the_vote(void **state)
{
    (void)state;
    say(200, NEW_QUEEN); /* in place of the answer to the POST there is the list, which does as well */
    says.later = GROUP("voter", "120");
    assert_int_equal(RUN("members", "add", address, "--wait"), HIVE_EXIT_OK);
    assert_non_null(strstr(out.data, "q.example:9 has caught up and has a vote\n"));
    assert_int_equal(says.calls, 3);

    say(200, NEW_QUEEN);
    says.later = GROUP("learner", "120");
    assert_int_equal(RUN("members", "add", address, "--wait", "--learner"), HIVE_EXIT_OK);
    assert_non_null(strstr(out.data, "q.example:9 has caught up\n"));

    say(200, NEW_QUEEN); /* the list does not have her any more */
    says.later = NEW_QUEEN;
    assert_int_equal(RUN("members", "add", address, "--wait"), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, "was removed again"));
}

static void changes_name_a_member_by_id_or_address(void **state)
{
    (void)state;
    say(200, "{\"result\":\"OK\",\"id\":\"7\",\"index\":12}");
    assert_int_equal(RUN("members", "promote", "7"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "POST /members/7/promote");
    assert_string_equal(out.data, "7 has a vote now\n");
    assert_int_equal(RUN("members", "remove", "[::1]:80"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "DELETE /members/%5B%3A%3A1%5D%3A80");
    assert_string_equal(out.data, "[::1]:80 is no member any more: she can be stopped\n");
    say(404, "no such member");
    assert_int_equal(RUN("members", "remove", "8"), HIVE_EXIT_NOT_FOUND);
    say(504, "nobody knows");
    assert_int_equal(RUN("members", "remove", "8"), HIVE_EXIT_UNKNOWN);
    assert_non_null(strstr(err.data, "look with 'hive members' before"));
    says.leads = false;
    assert_int_equal(RUN("members", "remove", "8", "--timeout", "50"), HIVE_EXIT_UNAVAILABLE);
}

static void leadership_goes_to_the_named_or_the_best(void **state)
{
    (void)state;
    say(200, "{\"result\":\"OK\",\"leader\":\"q.example:6\"}");
    assert_int_equal(RUN("members", "transfer"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "POST /members/best/transfer");
    assert_string_equal(out.data, "q.example:6 leads now\n");
    say(200, "{\"result\":\"OK\",\"leader\":null}");
    assert_int_equal(RUN("members", "transfer", "6"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "POST /members/6/transfer");
    assert_string_equal(out.data, "6 leads now\n");
}

static void wrong_usage_sends_nothing(void **state)
{
    (void)state;
    say(200, "{}");
    hive_buffer_clear(&asked.target);
    assert_int_equal(RUN("members", "add"), HIVE_EXIT_USAGE);
    assert_non_null(strstr(err.data, "the address of the new queen"));
    assert_int_equal(RUN("members", "promote"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("members", "remove"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("members", "remove", "1", "2"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("members", "demote", "1"), HIVE_EXIT_USAGE);
    assert_non_null(strstr(err.data, "'demote' cannot be done"));
    assert_int_equal(RUN("members", "promote", "1", "--learner"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("members", "--wait"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("members", "add", "nowhere", "--timeout", "50"), HIVE_EXIT_USAGE);
    assert_int_equal(asked.target.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_listed),
        cmocka_unit_test(a_queen_without_a_group_says_so),
        cmocka_unit_test(a_list_that_is_not_hives_is_told),
        cmocka_unit_test(add_asks_the_new_queen_who_she_is),
        cmocka_unit_test(add_tries_again_what_will_pass),
        cmocka_unit_test(add_refuses_who_is_no_new_queen),
        cmocka_unit_test(add_waits_for_the_vote),
        cmocka_unit_test(changes_name_a_member_by_id_or_address),
        cmocka_unit_test(leadership_goes_to_the_named_or_the_best),
        cmocka_unit_test(wrong_usage_sends_nothing),
    };
    return cmocka_run_group_tests_name("cli_members", tests, start_queen, stop_queen);
}
