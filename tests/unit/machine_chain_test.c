/* The chain of hashes over the log: everything of every entry counts, it is part of a dump as of when the dump began, and a restored backup
 * begins another group's. */
#include "unit/machine_load.h"

static struct machine_chain take(struct machine *machine, struct machine_entry entry)
{
    entry.index = machine_chain(machine).index + 1;
    machine_chain_take(machine, &entry);
    return machine_chain(machine);
}

static const struct machine_entry plain = {.term = 3, .type = 1, .data = "some bytes", .bytes = 10};

/* The hash where this entry is the third one. */
static uint64_t third(struct machine_entry entry)
{
    struct machine *machine = machine_create();
    take(machine, plain);
    take(machine, plain);
    uint64_t hash = take(machine, entry).hash;
    machine_destroy(machine);
    return hash;
}

static void test_everything_of_an_entry_counts(void **state)
{
    (void)state;
    struct machine_entry others[] = {plain, plain, plain, plain, plain, plain};
    others[0].term = 4;
    others[1].type = 2;
    others[2].bytes = 9;
    others[3].data = "some bytez";
    others[4].data = "Some bytes";
    others[5] = (struct machine_entry){.term = 3, .type = 1};
    uint64_t hash = third(plain);
    assert_true(hash == third(plain));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(hash != third(others[i]));
}

/* Also of long ones, whichever part of them it is in. */
static void test_every_byte_of_a_command_counts(void **state)
{
    (void)state;
    char data[200] = "";
    for (size_t bytes = 0; bytes <= sizeof data; bytes += 7) {
        struct machine_entry entry = {.term = 3, .type = 1, .data = data, .bytes = bytes};
        uint64_t hash = third(entry);
        for (size_t i = 0; i < bytes; i++) {
            data[i] ^= 1;
            assert_true(third(entry) != hash);
            data[i] ^= 1;
        }
        entry.term = 4; /* and what was before it */
        assert_true(third(entry) != hash);
        entry.bytes++;
        assert_true(bytes == sizeof data || third(entry) != hash);
    }
}

static void test_the_order_and_the_number_of_entries_count(void **state)
{
    (void)state;
    struct machine *one = machine_create(), *other = machine_create();
    struct machine_entry a = plain, b = plain;
    b.data = "other byte";
    take(one, a);
    take(one, b);
    take(other, b);
    take(other, a);
    assert_int_equal(machine_chain(one).index, 2);
    assert_true(machine_chain(one).hash != machine_chain(other).hash);
    uint64_t before = machine_chain(one).hash;
    assert_true(take(one, a).hash != before);
    machine_destroy(one);
    machine_destroy(other);
}

static void test_the_group_is_that_of_the_first_configuration(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_entry configuration = plain;
    configuration.is_configuration = true;
    assert_true(take(machine, plain).group == 0);
    struct machine_chain founded = take(machine, configuration);
    assert_true(founded.group != 0 && founded.group == founded.hash);
    configuration.data = "more bytes";
    assert_true(take(machine, configuration).group == founded.group);
    assert_true(machine_chain(machine).hash != founded.hash);
    machine_destroy(machine);
}

static void test_a_dump_has_the_chain_as_of_when_it_began(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_entry configuration = plain;
    struct hive_buffer dump = {0};
    configuration.is_configuration = true;
    take(machine, configuration);
    struct machine_chain then = take(machine, plain);
    machine_dump_begin(machine);
    struct machine_chain later = take(machine, plain);
    while (machine_dump_next(machine, &dump, 10))
        ;
    struct machine *loaded = load_dump(&dump);
    struct machine_chain chain = machine_chain(loaded);
    assert_int_equal(chain.index, 2);
    assert_true(chain.hash == then.hash && chain.group == then.group);
    machine_chain_stands_at(loaded, 2); /* as the snapshot says: nothing changes */
    assert_true(machine_digest(loaded) != machine_digest(machine));
    assert_true(take(loaded, plain).hash == later.hash);
    assert_true(machine_digest(loaded) == machine_digest(machine));
    machine_destroy(loaded);
    machine_destroy(machine);
    hive_buffer_finish(&dump);
}

static void test_a_restored_backup_begins_another_group_that_all_its_members_agree_on(void **state)
{
    (void)state;
    struct machine *backup = machine_create();
    struct machine_entry configuration = plain;
    configuration.is_configuration = true;
    struct machine_chain before = take(backup, configuration);
    struct machine *one = copy_of(backup), *two = copy_of(backup), *again = copy_of(backup);
    machine_chain_stands_at(one, 1000);
    machine_chain_stands_at(two, 1000);
    machine_chain_stands_at(again, 1001);
    assert_int_equal(machine_chain(one).index, 1000);
    assert_true(machine_chain(one).group != before.group && machine_chain(one).hash != before.hash);
    assert_true(machine_chain(one).group == machine_chain(two).group);
    assert_true(machine_chain(one).group != machine_chain(again).group);
    assert_true(take(one, plain).hash == take(two, plain).hash);
    machine_destroy(backup);
    machine_destroy(one);
    machine_destroy(two);
    machine_destroy(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_of_an_entry_counts),
        cmocka_unit_test(test_every_byte_of_a_command_counts),
        cmocka_unit_test(test_the_order_and_the_number_of_entries_count),
        cmocka_unit_test(test_the_group_is_that_of_the_first_configuration),
        cmocka_unit_test(test_a_dump_has_the_chain_as_of_when_it_began),
        cmocka_unit_test(test_a_restored_backup_begins_another_group_that_all_its_members_agree_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
