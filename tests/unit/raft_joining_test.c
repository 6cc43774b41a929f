/* How servers come into the group: catching up and being promoted (§4.2.1), taking the place of a disk that was
 * lost. */
#include "unit/raft_speech.h"

/* ---- joining ---- */

static void test_a_joining_server_becomes_a_voter_once_it_has_caught_up(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    for (int i = 0; i < 20; i++)
        raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    raft_network_cut(network, 1, 4, true);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, JOINING), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 10);
    assert_int_equal(kind_of(network, 2, 4), JOINING); /* it has answered nothing yet */
    raft_network_heal(network);
    beat(network, 1, 5);
    assert_int_equal(kind_of(network, 1, 4), VOTER);
    assert_int_equal(kind_of(network, 4, 4), VOTER);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_VOTER);
    assert_string_equal(raft_configuration_find(raft_configuration(network->nodes[2].raft), 4)->address,
                        "node-4");
    /* Of four, three are a majority now. */
    raft_network_isolate(network, 2, true);
    raft_network_isolate(network, 3, true);
    raft_index index = raft_network_propose(network, 1, "y");
    raft_network_settle(network);
    assert_true(raft_commit_index(network->nodes[1].raft) < index);
    raft_network_isolate(network, 3, false);
    beat(network, 1, 5);
    assert_true(raft_commit_index(network->nodes[1].raft) >= index);
    raft_network_destroy(network);
}

/* Node 2 answers all appends that are under way to it: it has everything up to `match`. */
static void answer_all(struct raft_network *network, raft_index match)
{
    do {
        acknowledge(network, heard(network, RAFT_APPEND_ENTRIES, 1, 2).context, match);
    } while (!is_silent(network, RAFT_APPEND_ENTRIES, 1, 2));
}

static void test_a_joining_server_whose_rounds_are_slow_is_not_promoted(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 2, .founders = 1});
    raft_network_write_disk(network, 1, "1", 1, 0);
    raft_network_start(network, 1);
    raft_network_elect(network, 1);
    assert_int_equal(raft_network_change(network, 1, ADD, 2, JOINING), RAFT_OK);
    raft_network_complete_all(network, 1);
    for (int round = 0; round < 5; round++) {
        raft_index target = raft_last_index(network->nodes[1].raft);
        raft_network_propose(network, 1, "x");
        raft_network_complete_all(network, 1);
        for (int i = 0; i < 6; i++) { /* for 300 ms it has all but the last entry of the round */
            network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
            raft_network_tick(network, 1);
            answer_all(network, target - 1);
        }
        assert_int_equal(kind_of(network, 1, 2), JOINING);
        network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        raft_network_tick(network, 1);
        answer_all(network, target);
        assert_int_equal(kind_of(network, 1, 2), JOINING);
        assert_int_equal(raft_network_change(network, 1, PROMOTE, 2, VOTER),
                         RAFT_NOT_CAUGHT_UP); /* nor by hand */
    }
    /* One that is quick, and it is. */
    network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 1);
    answer_all(network, raft_last_index(network->nodes[1].raft));
    assert_int_equal(kind_of(network, 1, 2), VOTER);
    raft_network_destroy(network);
}

static void test_a_learner_is_promoted_when_asked_and_only_when_near(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    raft_network_cut(network, 1, 4, true);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, LEARNER), RAFT_OK);
    raft_network_settle(network);
    assert_int_equal(raft_network_change(network, 1, PROMOTE, 4, VOTER), RAFT_NOT_CAUGHT_UP);
    raft_network_heal(network);
    beat(network, 1, 5);
    raft_network_cut(network, 1, 4, true); /* what it was is long ago */
    beat(network, 1, 10);
    assert_int_equal(raft_network_change(network, 1, PROMOTE, 4, VOTER), RAFT_NOT_CAUGHT_UP);
    raft_network_heal(network);
    beat(network, 1, 5);
    assert_int_equal(raft_network_change(network, 1, PROMOTE, 4, VOTER), RAFT_OK);
    raft_network_settle(network);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_VOTER);
    raft_network_destroy(network);
}

/* ---- a disk that was lost ---- */

static enum raft_status replace(struct raft_network *network, raft_id leader, raft_id id, const char *address)
{
    struct raft_change change = {.type = ADD, .member = {.id = id, .kind = JOINING}};
    snprintf(change.member.address, sizeof change.member.address, "%s", address);
    raft_network_step(network, leader, (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change});
    return network->nodes[leader].status;
}

static void test_who_joins_under_a_members_address_takes_its_place(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    raft_network_crash(network, 3, 0); /* for good; its disk is lost */
    assert_int_equal(replace(network, 1, 4, "node-3"), RAFT_OK);
    const struct raft_configuration *configuration = raft_configuration(network->nodes[1].raft);
    assert_int_equal(configuration->count, 3);
    assert_int_equal(kind_of(network, 1, 3), 0);
    assert_int_equal(kind_of(network, 1, 4), JOINING);
    raft_network_settle(network);
    beat(network, 1, 5);
    assert_int_equal(kind_of(network, 2, 4), VOTER);
    /* With it in the old one's place, one may fail. */
    raft_network_crash(network, 2, 0);
    raft_index index = raft_network_propose(network, 1, "y");
    raft_network_settle(network);
    beat(network, 1, 1);
    assert_int_equal(raft_commit_index(network->nodes[4].raft), index);
    raft_network_destroy(network);
}

static void test_the_place_of_the_last_other_voter_is_taken_too(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(2, 3);
    assert_int_equal(replace(network, 1, 3, "node-2"), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 5);
    assert_int_equal(kind_of(network, 1, 3), VOTER);
    assert_int_equal(raft_standing(network->nodes[2].raft), RAFT_STANDING_REMOVED);
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_joining_server_becomes_a_voter_once_it_has_caught_up),
        cmocka_unit_test(test_a_joining_server_whose_rounds_are_slow_is_not_promoted),
        cmocka_unit_test(test_a_learner_is_promoted_when_asked_and_only_when_near),
        cmocka_unit_test(test_who_joins_under_a_members_address_takes_its_place),
        cmocka_unit_test(test_the_place_of_the_last_other_voter_is_taken_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
