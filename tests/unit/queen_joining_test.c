/* Being taken into a group that is there already: with an emptied disk, by --join, or by waiting for it. */
#include "queen_founding_scene.h"

#include "hive/json.h"

static void start_joiner(size_t i, size_t from, size_t to)
{
    struct hive_strings list = list_of(from, to, &queens[i]);
    start(&queens[i], NULL, &list, false);
}

static void assert_asked_for(const struct queen *leader, const struct queen *queen)
{
    char id[24];
    const char *text;
    snprintf(id, sizeof id, "%llu", (unsigned long long)queen->status.id);
    cJSON *json = hive_json_parse_object(leader->body, strlen(leader->body), NULL);
    assert_non_null(json);
    assert_int_equal(hive_json_string(json, "id", &text, NULL), 0);
    assert_string_equal(text, id);
    assert_int_equal(hive_json_string(json, "address", &text, NULL), 0);
    assert_string_equal(text, queen->address);
    assert_int_equal(hive_json_string(json, "kind", &text, NULL), 0);
    assert_string_equal(text, "joining");
    cJSON_Delete(json);
    assert_string_equal(leader->authorization, "Bearer " TOKEN);
}

static void an_emptied_disk_is_taken_in_as_new(void **state)
{
    (void)state;
    make_group(0, 2);
    /* The third comes back under the same address with another id; only a follower is there to ask, who redirects. */
    queens[2].founded.count = queens[2].members.count = 0;
    queens[2].status = (struct queen_status){.id = 99};
    start_founder(2, 2);
    AWAIT(queens[0].posts == 1);
    assert_asked_for(&queens[0], &queens[2]);
    await_reason(&queens[2], "the log is on its way");
    await_rounds(&queens[2]);
    make_member(&queens[2], &queens[0]);
    await_reason(&queens[2], NULL);
    founding_stop(queens[2].founding);
    assert_int_equal(queens[0].posts, 1); /* taken in once, and not asked for again */
    assert_int_equal(queens[2].foundings, 0);
}

/* Queen `at` has `queen` among the members, by an entry that is committed. */
static void list_at(struct queen *at, const struct queen *queen, raft_index index)
{
    struct raft_member *member = &at->members.members[at->members.count++];
    *member = (struct raft_member){.id = queen->status.id, .kind = RAFT_MEMBER_JOINING};
    memcpy(member->address, queen->address, sizeof member->address);
    at->members.index = at->status.commit = index;
}

static void a_group_without_a_leader_is_asked_again(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[0].hospitality = HAS_NO_LEADER;
    start_founder(2, 2);
    await_reason(&queens[2], "there is no leader now");
    AWAIT(queens[0].posts > 2);
    UNDER_LOCK(queens[0].hospitality = TAKES);
    await_reason(&queens[2], "the log is on its way");
    assert_int_equal(queens[2].foundings, 0);
}

static void join_asks_whoever_answers(void **state)
{
    (void)state;
    make_group(1, 2);
    close_queen(&queens[0]);
    queens[2].leader = &queens[1];
    struct hive_strings list = {.items = (const char *[]){queens[0].address, queens[2].address}, .count = 2};
    start(&queens[3], NULL, &list, false);
    AWAIT(queens[1].posts == 1);
    assert_int_equal(queens[2].posts, 1);
    assert_asked_for(&queens[1], &queens[3]);
    await_reason(&queens[3], "the log is on its way");
    make_member(&queens[3], &queens[1]);
    await_reason(&queens[3], NULL);
    assert_int_equal(queens[3].foundings, 0);
}

static void what_passes_is_tried_again(void **state)
{
    (void)state;
    static const enum hospitality passing[] = {HAS_CHANGE_PENDING, DOES_NOT_KNOW, HAS_NO_LEADER};
    make_group(0, 0);
    queens[0].hospitality = passing[0];
    start_joiner(3, 0, 0);
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        int posts;
        UNDER_LOCK(queens[0].hospitality = passing[i]; posts = queens[0].posts);
        AWAIT(queens[0].posts > posts + 1);
    }
    await_reason(&queens[3], "there is no leader now");
    /* It may be that one of those tries was granted after all. */
    UNDER_LOCK(queens[0].hospitality = KNOWS_HER; list_at(&queens[0], &queens[3], 5));
    await_reason(&queens[3], "the log is on its way");
    AWAIT(queens[3].joined == 5);
}

static void who_redirect_in_a_circle_are_asked_again(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[0].hospitality = REDIRECTS;
    queens[0].leader = &queens[1];
    start_joiner(3, 0, 1);
    await_reason(&queens[3], "ask the leader");
    AWAIT(queens[1].posts > 8);
    UNDER_LOCK(queens[0].hospitality = TAKES);
    await_reason(&queens[3], "the log is on its way");
}

static void a_refused_token_is_told(void **state)
{
    (void)state;
    make_group(0, 0);
    struct hive_strings list = list_of(0, 0, NULL);
    struct founding_config config = {
        .queen = &queens[3], .id = 13, .address = queens[3].address, .join = &list, .token = "another-token"};
    queens[3].founding = founding_create(&config);
    founding_start(queens[3].founding);
    await_reason(&queens[3], "token");
    assert_int_equal(queens[0].posts, 0);
}

/* ---- in the middle ---- */

static void who_is_listed_already_only_waits(void **state)
{
    (void)state;
    make_group(0, 1);
    struct raft_member *member = &queens[0].members.members[queens[0].members.count++];
    *member = (struct raft_member){.id = queens[2].status.id, .kind = RAFT_MEMBER_JOINING};
    snprintf(member->address, sizeof member->address, "%s", queens[2].address);
    start_founder(2, 2);
    await_reason(&queens[2], "counts this queen among the group's members");
    AWAIT(queens[0].asked > 5);
    assert_int_equal(queens[0].posts + queens[1].posts + queens[2].foundings, 0);
}

/* Restarted on her way in: the log is here in part, and does not name her yet. */
static void a_joiner_goes_on_after_a_restart(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[3].members = queens[0].members;
    queens[3].status.last = 40;
    start_joiner(3, 0, 0);
    AWAIT(queens[0].posts == 1);
    assert_asked_for(&queens[0], &queens[3]);
    await_reason(&queens[3], "the log is on its way");
}

/* What the log says of her before it is committed may be cut off again, and then no leader knows her: she asks until it is certain. */
static void an_entry_that_may_be_cut_off_does_not_settle(void **state)
{
    (void)state;
    make_group(0, 1);
    make_member(&queens[3], &queens[0]);
    queens[3].status.commit = 6;
    queens[0].hospitality = HAS_NO_LEADER;
    start_joiner(3, 0, 0);
    AWAIT(queens[0].posts > 2);
    UNDER_LOCK(queens[3].status.commit = 7);
    await_reason(&queens[3], NULL);
}

/* … but where it makes her a voter, it cannot be: whoever was promoted was taken in for certain. */
static void a_voter_is_a_member_before_her_log_is_committed(void **state)
{
    (void)state;
    make_group(0, 1);
    make_member(&queens[3], &queens[0]);
    queens[3].status.commit = 0;
    queens[3].status.standing = RAFT_STANDING_VOTER;
    start_joiner(3, 0, 0);
    char reason[HIVE_ERROR_BYTES];
    assert_false(founding_reason(queens[3].founding, reason));
    /* The newest entry may be one that removes her: then the voters tell her, and she does not ask. */
    queens[4].members = queens[0].members;
    queens[4].status.standing = RAFT_STANDING_VOTER;
    start_joiner(4, 0, 0);
    assert_false(founding_reason(queens[4].founding, reason));
    queens[2].members = queens[0].members; /* the same for a learner who was removed */
    queens[2].status.standing = RAFT_STANDING_LEARNER;
    start_joiner(2, 0, 0);
    assert_false(founding_reason(queens[2].founding, reason));
    assert_int_equal(queens[0].posts, 0);
}

/* The same with --queen-list: she asks, and never founds. */
static void half_a_log_is_no_reason_to_found(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[3].members = queens[0].members;
    for (size_t i = 0; i < 2; i++)
        queens[i].founded.count = queens[i].members.count = 0;
    struct hive_strings list = list_of(0, 1, NULL);
    start(&queens[3], &list, NULL, false);
    AWAIT(queens[0].asked > 5);
    assert_int_equal(queens[3].foundings, 0);
}

/* A snapshot does not tell whether she was a member once: she might have been removed, and must not come back by herself. */
static void who_may_have_been_removed_does_not_ask(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[3].members = queens[0].members;
    queens[3].status.snapshot = 40;
    start_joiner(3, 0, 0);
    await_reason(&queens[3], "hive members add");
    await_rounds(&queens[3]);
    assert_int_equal(queens[0].posts, 0);
    make_member(&queens[3], &queens[0]);
    await_reason(&queens[3], NULL);
}

/* … but where the snapshot came while she was being taken in, in this very life, she goes on. */
static void a_snapshot_on_the_way_in_changes_nothing(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[0].hospitality = DOES_NOT_KNOW;
    start_joiner(3, 0, 0);
    AWAIT(queens[0].posts > 0);
    UNDER_LOCK(queens[3].members = queens[0].members; queens[3].status.snapshot = 40);
    int posts;
    UNDER_LOCK(posts = queens[0].posts);
    AWAIT(queens[0].posts > posts + 1);
}

static void removal_ends_the_asking(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[0].hospitality = HAS_NO_LEADER;
    start_joiner(3, 0, 0);
    AWAIT(queens[0].posts > 0);
    UNDER_LOCK(queens[3].status.standing = RAFT_STANDING_REMOVED);
    await_reason(&queens[3], NULL);
    int posts;
    UNDER_LOCK(posts = queens[0].posts; queens[1].hospitality = HAS_NO_LEADER);
    start_joiner(4, 1, 1); /* another, who asks as often as she would */
    await_rounds(&queens[4]);
    assert_int_equal(queens[0].posts, posts);
}

/* ---- out again ---- */

static void who_is_removed_while_she_waits_for_the_log_learns_of_it(void **state)
{
    (void)state;
    make_group(0, 1);
    start_joiner(3, 0, 1);
    await_reason(&queens[3], "the log is on its way");
    assert_int_equal(queens[3].joined, 7);
    /* What is not committed, or older than her entry, says nothing. */
    UNDER_LOCK(list_at(&queens[0], &queens[3], 7); queens[1].members.index = 9; queens[1].status.commit = 8);
    int asked;
    UNDER_LOCK(asked = queens[1].asked);
    AWAIT(queens[1].asked > asked + 1);
    await_reason(&queens[3], "counts this queen among the members");
    UNDER_LOCK(asked = queens[3].removals);
    assert_int_equal(asked, 0);
    /* Whoever knows it may say it; the one who took her in is gone. */
    close_queen(&queens[0]);
    UNDER_LOCK(queens[1].status.commit = 9);
    AWAIT(queens[3].removals == 1);
    await_reason(&queens[3], NULL); /* "removed" is told by her standing */
    /* A leader that does not know that it is none calls. */
    UNDER_LOCK(queens[3].status.standing = RAFT_STANDING_NONE);
    AWAIT(queens[3].removals == 2);
    assert_int_equal(queens[0].posts, 1);
    assert_int_equal(queens[1].posts, 0);
    /* Somebody adds her again. */
    UNDER_LOCK(queens[3].status.standing = RAFT_STANDING_VOTER);
    await_reason(&queens[3], NULL);
}

/* Neither with --join nor with --queen-list does she come back by herself, whatever is left of her log. */
static void who_was_removed_does_not_come_back_with_her_disk(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[0].members.index = queens[0].status.commit = 9;
    for (size_t i = 2; i <= 4; i++)
        queens[i].joined = 7;
    make_member(
        &queens[2],
        &queens[0]); /* a learner with a whole log, of which she does not know how far it is committed … */
    queens[2].status.commit = 0;
    make_member(&queens[4], &queens[0]); /* … or a snapshot, but no leader calls */
    queens[2].status.leader[0] = queens[4].status.leader[0] = '\0';
    start_joiner(2, 0, 0);
    start_founder(3, 0);
    start_joiner(4, 0, 0);
    for (size_t i = 2; i <= 4; i++)
        AWAIT(queens[i].removals == 1);
    assert_int_equal(queens[0].posts + queens[3].foundings, 0);
}

/* … nor alone: an empty log is no reason to found a group, for one who belongs to another. */
static void who_was_taken_in_founds_nothing(void **state)
{
    (void)state;
    queens[3].joined = 7;
    start(&queens[3], NULL, NULL, false);
    await_reason(&queens[3], "waits for the call of its leader");
    assert_int_equal(queens[3].foundings, 0);
}

/* Being taken in is noted on disk, however it came about; what cannot be written is told, and tried again. */
static void membership_is_noted(void **state)
{
    (void)state;
    make_group(0, 1);
    queens[3].found_error = -ENOSPC;
    start_joiner(3, 0, 1);
    await_reason(&queens[3], "the disk is full");
    UNDER_LOCK(queens[3].found_error = 0);
    AWAIT(queens[3].joined == 7);
    start(&queens[4], NULL, NULL, true);
    make_member(&queens[4], &queens[0]);
    AWAIT(queens[4].joined == 7);
}

static void standby_waits_until_she_is_added(void **state)
{
    (void)state;
    make_group(0, 1);
    struct hive_strings list = list_of(0, 1, NULL);
    start(&queens[3], &list, NULL, true);
    await_reason(&queens[3], "hive members add");
    await_rounds(&queens[3]);
    assert_int_equal(queens[0].asked + queens[0].posts + queens[3].foundings, 0);
    make_member(&queens[3], &queens[0]);
    await_reason(&queens[3], NULL);
}

static void stopping_does_not_wait_for_the_group(void **state)
{
    (void)state;
    make_group(0, 0);
    queens[0].hospitality = HANGS_ON_POST;
    start_joiner(3, 0, 0);
    AWAIT(queens[0].posts == 1);
    int64_t start_ms = hive_clock_monotonic_ms();
    founding_stop(queens[3].founding);
    assert_true(hive_clock_monotonic_ms() - start_ms < 500);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_emptied_disk_is_taken_in_as_new),
        TEST(a_group_without_a_leader_is_asked_again),
        TEST(join_asks_whoever_answers),
        TEST(what_passes_is_tried_again),
        TEST(who_redirect_in_a_circle_are_asked_again),
        TEST(a_refused_token_is_told),
        TEST(who_is_listed_already_only_waits),
        TEST(a_joiner_goes_on_after_a_restart),
        TEST(an_entry_that_may_be_cut_off_does_not_settle),
        TEST(a_voter_is_a_member_before_her_log_is_committed),
        TEST(half_a_log_is_no_reason_to_found),
        TEST(who_may_have_been_removed_does_not_ask),
        TEST(a_snapshot_on_the_way_in_changes_nothing),
        TEST(removal_ends_the_asking),
        TEST(who_is_removed_while_she_waits_for_the_log_learns_of_it),
        TEST(who_was_removed_does_not_come_back_with_her_disk),
        TEST(who_was_taken_in_founds_nothing),
        TEST(membership_is_noted),
        TEST(standby_waits_until_she_is_added),
        TEST(stopping_does_not_wait_for_the_group),
    };
    return cmocka_run_group_tests_name("queen_joining", tests, NULL, NULL);
}
