/* The members of a group as a value, and as bytes: whatever bytes come, what is decoded is a configuration
 * or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/buffer.h"
#include "raft/configuration.h"

static struct raft_configuration three(void)
{
    return (struct raft_configuration){.index = 7,
                                       .count = 3,
                                       .members = {{11, RAFT_MEMBER_VOTER, "a:1"},
                                                   {12, RAFT_MEMBER_JOINING, ""},
                                                   {13, RAFT_MEMBER_LEARNER, "b:2"}}};
}

static void test_what_was_encoded_is_decoded(void **state)
{
    (void)state;
    struct raft_configuration before = three(), after;
    struct hive_buffer bytes = {0};
    before.members[0].id = 0xFEDCBA9876543210U;
    memset(before.members[1].address, 'x', HIVE_ADDRESS_BYTES - 1);
    raft_configuration_encode(&bytes, &before);
    assert_true(raft_configuration_decode(bytes.data, bytes.size, 7, &after));
    assert_int_equal(after.index, 7);
    assert_int_equal(after.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(after.members[i].id == before.members[i].id);
        assert_int_equal(after.members[i].kind, before.members[i].kind);
        assert_string_equal(after.members[i].address, before.members[i].address);
    }
    hive_buffer_finish(&bytes);
}

/* They are in logs and snapshots: no version may read them in another way. */
static void test_the_bytes_are_these(void **state)
{
    (void)state;
    static const unsigned char expected[] = {1,   2,   11, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 'a',
                                             ':', '1', 12, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0};
    struct raft_configuration configuration = three();
    struct hive_buffer bytes = {0};
    configuration.count = 2;
    configuration.members[1].id = 256 + 12;
    raft_configuration_encode(&bytes, &configuration);
    assert_int_equal(bytes.size, sizeof expected);
    assert_memory_equal(bytes.data, expected, sizeof expected);
    hive_buffer_finish(&bytes);
}

static void test_the_largest_group_fits(void **state)
{
    (void)state;
    struct raft_configuration before = {.index = 1, .count = HIVE_QUEENS}, after;
    struct hive_buffer bytes = {0};
    for (size_t i = 0; i < HIVE_QUEENS; i++)
        before.members[i] = (struct raft_member){.id = i + 1, .kind = RAFT_MEMBER_VOTER};
    raft_configuration_encode(&bytes, &before);
    assert_true(raft_configuration_decode(bytes.data, bytes.size, 1, &after));
    assert_int_equal(raft_configuration_voters(&after), HIVE_QUEENS);
    assert_false(raft_configuration_put(&after, &(struct raft_member){.id = 99, .kind = RAFT_MEMBER_VOTER}));
    assert_true(raft_configuration_put(&after, &(struct raft_member){.id = 5, .kind = RAFT_MEMBER_LEARNER}));
    assert_int_equal(raft_configuration_voters(&after), HIVE_QUEENS - 1);
    hive_buffer_finish(&bytes);
}

static bool decodes(const struct hive_buffer *bytes)
{
    struct raft_configuration configuration;
    /* A copy of the very size, so that a sanitizer sees every step beyond it. */
    void *copy = memcpy(malloc(bytes->size + 1), bytes->data, bytes->size);
    bool is_one = raft_configuration_decode(copy, bytes->size, 1, &configuration);
    assert_true(!is_one || raft_configuration_is_valid(&configuration));
    free(copy);
    return is_one;
}

static void test_damaged_bytes_are_no_configuration(void **state)
{
    (void)state;
    struct raft_configuration configuration = three();
    struct hive_buffer bytes = {0};
    raft_configuration_encode(&bytes, &configuration);
    size_t size = bytes.size;
    assert_true(decodes(&bytes));
    for (bytes.size = 0; bytes.size < size; bytes.size++)
        assert_false(decodes(&bytes));
    hive_buffer_append(&bytes, "", 0);
    hive_buffer_append_text(&bytes, "x"); /* more than there should be */
    assert_false(decodes(&bytes));
    bytes.size = size;
    static const struct {
        size_t at;
        char value;
    } wrong[] = {
        {0, 0},
        {0, 2} /* version */,
        {1, HIVE_QUEENS + 1},
        {1, 2},
        {1, 4},
        {2, 0} /* id 0 */,
        {2, 13} /* twice */,
        {10, 0},
        {10, 4} /* kind */,
        {12, 1} /* 256 bytes of address */,
        {13, 0} /* a NUL in the address */,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char good = bytes.data[wrong[i].at];
        bytes.data[wrong[i].at] = wrong[i].value;
        if (decodes(&bytes))
            fail_msg("case %zu is taken for a configuration", i);
        bytes.data[wrong[i].at] = good;
    }
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) { /* and any three bytes */
        char good[256];
        memcpy(good, bytes.data, size);
        for (int n = 0; n < 3; n++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            bytes.data[(random >> 33) % size] = (char)(random >> 25);
        }
        decodes(&bytes);
        memcpy(bytes.data, good, size);
    }
    hive_buffer_finish(&bytes);
}

static void test_members_are_found_and_taken_out(void **state)
{
    (void)state;
    struct raft_configuration configuration = three();
    assert_int_equal(raft_configuration_find(&configuration, 12)->kind, RAFT_MEMBER_JOINING);
    assert_null(raft_configuration_find(&configuration, 14));
    assert_int_equal(raft_configuration_find_address(&configuration, "b:2")->id, 13);
    assert_null(
        raft_configuration_find_address(&configuration, "")); /* none is none, not that of member 12 */
    assert_false(raft_configuration_take_out(&configuration, 14));
    assert_true(raft_configuration_take_out(&configuration, 12));
    assert_int_equal(configuration.count, 2);
    assert_null(raft_configuration_find(&configuration, 12));
    assert_non_null(raft_configuration_find(&configuration, 13));
    assert_string_equal(raft_member_kind_names[RAFT_MEMBER_LEARNER], "learner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_encoded_is_decoded),
        cmocka_unit_test(test_the_bytes_are_these),
        cmocka_unit_test(test_the_largest_group_fits),
        cmocka_unit_test(test_damaged_bytes_are_no_configuration),
        cmocka_unit_test(test_members_are_found_and_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
