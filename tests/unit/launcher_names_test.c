/* The names of unnamed clusters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/encoding.h"
#include "hive/memory.h"
#include "launcher/names.h"

static void names_go_through_the_alphabet_and_on(void **state)
{
    (void)state;
    static const struct {
        size_t index;
        const char *name;
    } expected[] = {{0, "hive-a"},
                    {1, "hive-b"},
                    {25, "hive-z"},
                    {26, "hive-aa"},
                    {27, "hive-ab"},
                    {51, "hive-az"},
                    {52, "hive-ba"},
                    {26 + 26 * 26 - 1, "hive-zz"},
                    {26 + 26 * 26, "hive-aaa"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char name[HIVE_NAME_BYTES];
        names_make(expected[i].index, name);
        assert_string_equal(name, expected[i].name);
        assert_true(hive_is_name(name));
    }
    char last[HIVE_NAME_BYTES];
    names_make(SIZE_MAX - 1, last);
    assert_true(hive_is_name(last));
}

static void the_first_free_name_is_chosen(void **state)
{
    (void)state;
    char a[] = "hive-a", c[] = "hive-c", lab[] = "lab", name[HIVE_NAME_BYTES];
    char *const taken[] = {lab, c, a};
    names_choose(taken, 3, name);
    assert_string_equal(name, "hive-b");
    names_choose(taken, 2, name);
    assert_string_equal(name, "hive-a");
    names_choose(NULL, 0, name);
    assert_string_equal(name, "hive-a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_through_the_alphabet_and_on),
        cmocka_unit_test(the_first_free_name_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
