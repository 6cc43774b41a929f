/* The key-value table: modification indexes, conditions, listings, and a comparison with a naive model. */
#include "unit/machine_apply.h"

static struct machine_result put(struct machine *machine, const char *key, const char *value)
{
    return apply(machine, (struct machine_command){
                              .type = MACHINE_KV_PUT, .key = bytes_of(key), .value = bytes_of(value)});
}

static struct machine_result change(struct machine *machine, enum machine_command_type type, const char *key,
                                    enum machine_condition condition, uint64_t index)
{
    return apply(machine, (struct machine_command){.type = type,
                                                   .key = bytes_of(key),
                                                   .value = bytes_of("new"),
                                                   .condition = condition,
                                                   .condition_index = index});
}

static void test_a_put_sets_value_indexes_and_version(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_kv entry;

    struct machine_result result = put(machine, "a", "one");
    assert_int_equal(result.status, MACHINE_OK);
    assert_true(result.created);
    assert_int_equal(result.index, 1);
    put(machine, "b", "other");
    result = put(machine, "a", "two!");
    assert_false(result.created);
    assert_int_equal(result.index, 3);
    assert_true(machine_kv_get(machine, bytes_of("a"), &entry));
    assert_int_equal(entry.value.size, 4);
    assert_memory_equal(entry.value.data, "two!", 4);
    assert_int_equal(entry.created_index, 1);
    assert_int_equal(entry.modified_index, 3);
    assert_int_equal(entry.version, 2);
    assert_int_equal(machine_kv_count(machine), 2);
    machine_destroy(machine);
}

static void test_a_deleted_key_is_gone_and_starts_anew(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_kv entry;

    put(machine, "a", "one");
    put(machine, "a", "two");
    struct machine_result result = change(machine, MACHINE_KV_DELETE, "a", MACHINE_ALWAYS, 0);
    assert_int_equal(result.status, MACHINE_OK);
    assert_int_equal(result.index, 3);
    assert_false(machine_kv_get(machine, bytes_of("a"), &entry));
    assert_int_equal(machine_kv_count(machine), 0);
    result = change(machine, MACHINE_KV_DELETE, "a", MACHINE_ALWAYS, 0);
    assert_int_equal(result.status, MACHINE_NOT_FOUND);
    assert_int_equal(result.index, 0);
    assert_true(put(machine, "a", "three").created);
    assert_true(machine_kv_get(machine, bytes_of("a"), &entry));
    assert_int_equal(entry.created_index, 5);
    assert_int_equal(entry.version, 1);
    machine_destroy(machine);
}

static void test_conditions_hold_or_change_nothing(void **state)
{
    (void)state;
    static const struct {
        enum machine_command_type type;
        bool exists; /* the key "a", with modification index 1 */
        enum machine_condition condition;
        uint64_t condition_index;
        enum machine_status status;
        uint64_t index; /* of the result; the command itself is entry 2 */
    } cases[] = {
        {MACHINE_KV_PUT, true, MACHINE_ALWAYS, 0, MACHINE_OK, 2},
        {MACHINE_KV_PUT, true, MACHINE_IF_INDEX, 1, MACHINE_OK, 2},
        {MACHINE_KV_PUT, true, MACHINE_IF_INDEX, 2, MACHINE_CONFLICT, 1},
        {MACHINE_KV_PUT, true, MACHINE_IF_ABSENT, 0, MACHINE_CONFLICT, 1},
        {MACHINE_KV_PUT, true, MACHINE_IF_EXISTS, 0, MACHINE_OK, 2},
        {MACHINE_KV_PUT, false, MACHINE_ALWAYS, 0, MACHINE_OK, 2},
        {MACHINE_KV_PUT, false, MACHINE_IF_INDEX, 1, MACHINE_CONFLICT, 0},
        {MACHINE_KV_PUT, false, MACHINE_IF_INDEX, 0, MACHINE_CONFLICT, 0},
        {MACHINE_KV_PUT, false, MACHINE_IF_ABSENT, 0, MACHINE_OK, 2},
        {MACHINE_KV_PUT, false, MACHINE_IF_EXISTS, 0, MACHINE_CONFLICT, 0},
        {MACHINE_KV_DELETE, true, MACHINE_ALWAYS, 0, MACHINE_OK, 2},
        {MACHINE_KV_DELETE, true, MACHINE_IF_INDEX, 1, MACHINE_OK, 2},
        {MACHINE_KV_DELETE, true, MACHINE_IF_INDEX, 2, MACHINE_CONFLICT, 1},
        {MACHINE_KV_DELETE, true, MACHINE_IF_ABSENT, 0, MACHINE_CONFLICT, 1},
        {MACHINE_KV_DELETE, true, MACHINE_IF_EXISTS, 0, MACHINE_OK, 2},
        {MACHINE_KV_DELETE, false, MACHINE_ALWAYS, 0, MACHINE_NOT_FOUND, 0},
        {MACHINE_KV_DELETE, false, MACHINE_IF_INDEX, 1, MACHINE_CONFLICT, 0},
        {MACHINE_KV_DELETE, false, MACHINE_IF_ABSENT, 0, MACHINE_NOT_FOUND, 0},
        {MACHINE_KV_DELETE, false, MACHINE_IF_EXISTS, 0, MACHINE_CONFLICT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct machine *machine = machine_create();
        struct machine_kv entry;
        put(machine, cases[i].exists ? "a" : "other", "old");
        struct machine_result result =
            change(machine, cases[i].type, "a", cases[i].condition, cases[i].condition_index);
        if (result.status != cases[i].status || result.index != cases[i].index)
            fail_msg("case %zu: status %d, index %" PRIu64, i, (int)result.status, result.index);
        bool should_exist = cases[i].status == MACHINE_OK ? cases[i].type == MACHINE_KV_PUT : cases[i].exists;
        assert_int_equal(machine_kv_get(machine, bytes_of("a"), &entry), should_exist);
        if (should_exist) {
            assert_memory_equal(entry.value.data, cases[i].status == MACHINE_OK ? "new" : "old", 3);
            assert_int_equal(entry.modified_index, cases[i].status == MACHINE_OK ? 2 : 1);
        }
        assert_int_equal(result.created, cases[i].status == MACHINE_OK && cases[i].type == MACHINE_KV_PUT &&
                                             !cases[i].exists);
        machine_destroy(machine);
    }
}

/* What a listing visited: "key key ". */
struct listing {
    struct hive_buffer text;
    int left;
};

static bool list_entry(const struct machine_kv *entry, void *context)
{
    struct listing *listing = context;
    hive_buffer_append(&listing->text, entry->key.data, entry->key.size);
    hive_buffer_append(&listing->text, " ", 1);
    return --listing->left > 0;
}

static void assert_listing(const struct machine *machine, const char *prefix, const char *after, int limit,
                           const char *expected)
{
    struct listing listing = {.left = limit};
    hive_buffer_append(&listing.text, "", 0);
    machine_kv_each(machine, bytes_of(prefix), bytes_of(after), list_entry, &listing);
    assert_string_equal(listing.text.data, expected);
    hive_buffer_finish(&listing.text);
}

static void test_listings_go_by_prefix_in_byte_order_and_page(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    static const char *const keys[] = {"b", "ab", "a", "abc", "a\xff", "aa", "ac"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(machine, keys[i], "");

    assert_listing(machine, "", "", 100, "a aa ab abc ac a\xff b ");
    assert_listing(machine, "a", "", 100, "a aa ab abc ac a\xff ");
    assert_listing(machine, "ab", "", 100, "ab abc ");
    assert_listing(machine, "a", "ab", 100, "abc ac a\xff ");
    assert_listing(machine, "a", "abb", 100, "abc ac a\xff ");
    assert_listing(machine, "ab", "a", 100, "ab abc ");
    assert_listing(machine, "a", "b", 100, "");
    assert_listing(machine, "zz", "", 100, "");
    assert_listing(machine, "", "", 2, "a aa ");
    assert_listing(machine, "", "aa", 2, "ab abc ");
    assert_listing(machine, "", "b", 2, "");
    machine_destroy(machine);
}

static void test_keys_and_values_are_any_bytes(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_kv entry;
    const struct machine_bytes key = {"a\0b", 3}, longer = {"a\0b\0", 4}, value = {"\0\1", 2};

    apply(machine, (struct machine_command){.type = MACHINE_KV_PUT, .key = key, .value = value});
    assert_true(machine_kv_get(machine, key, &entry));
    assert_int_equal(entry.value.size, 2);
    assert_memory_equal(entry.value.data, value.data, 2);
    assert_false(machine_kv_get(machine, longer, &entry));
    assert_false(machine_kv_get(machine, (struct machine_bytes){"a", 1}, &entry));
    machine_destroy(machine);
}

/* The table as one would write it on a napkin: 26 keys, "a" to "z". */
struct model {
    struct {
        bool exists;
        uint64_t created, modified, version;
    } keys[26];
};

static void model_apply(struct model *model, uint64_t index, const struct machine_command *command)
{
    int key = command->key.data[0] - 'a';
    if (command->condition == MACHINE_IF_INDEX &&
        (!model->keys[key].exists || model->keys[key].modified != command->condition_index))
        return;
    if (command->type == MACHINE_KV_DELETE) {
        model->keys[key].exists = false;
        return;
    }
    if (!model->keys[key].exists) {
        model->keys[key].created = index;
        model->keys[key].version = 0;
    }
    model->keys[key].exists = true;
    model->keys[key].modified = index;
    model->keys[key].version++;
}

static void test_ten_thousand_random_writes_agree_with_a_naive_model(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct model model = {0};
    uint32_t seed = 12345;

    for (uint64_t index = 1; index <= 10000; index++) {
        seed = seed * 1664525 + 1013904223;
        char key[2] = {(char)('a' + (seed >> 24) % 26), 0};
        struct machine_command command = {
            .type = (seed >> 16) % 3 == 0 ? MACHINE_KV_DELETE : MACHINE_KV_PUT,
            .key = bytes_of(key),
            .condition = (seed >> 8) % 4 == 0 ? MACHINE_IF_INDEX : MACHINE_ALWAYS,
            .condition_index = index - 1 - (seed >> 10) % 20,
        };
        apply(machine, command);
        model_apply(&model, index, &command);
        size_t count = 0;
        for (int i = 0; i < 26; i++) {
            struct machine_kv entry;
            char name[2] = {(char)('a' + i), 0};
            count += model.keys[i].exists;
            assert_int_equal(machine_kv_get(machine, bytes_of(name), &entry), model.keys[i].exists);
            if (model.keys[i].exists) {
                assert_int_equal(entry.created_index, model.keys[i].created);
                assert_int_equal(entry.modified_index, model.keys[i].modified);
                assert_int_equal(entry.version, model.keys[i].version);
            }
        }
        assert_int_equal(machine_kv_count(machine), count);
    }
    machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_put_sets_value_indexes_and_version),
        cmocka_unit_test(test_a_deleted_key_is_gone_and_starts_anew),
        cmocka_unit_test(test_conditions_hold_or_change_nothing),
        cmocka_unit_test(test_listings_go_by_prefix_in_byte_order_and_page),
        cmocka_unit_test(test_keys_and_values_are_any_bytes),
        cmocka_unit_test(test_ten_thousand_random_writes_agree_with_a_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
