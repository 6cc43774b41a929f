/* What queens show of their logs' hashes: newest first, few, and two that are asked at different moments share some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queen/digests.h"

static struct digests digests_up_to(uint64_t first, uint64_t last)
{
    struct digests digests = {0};
    for (uint64_t index = first; index <= last; index++)
        digests_add(&digests, index, 7, index * 31);
    return digests;
}

static void test_the_list_begins_where_the_log_is_applied_and_falls(void **state)
{
    (void)state;
    static const uint64_t lasts[] = {1, 2, 15, 16, 17, 255, 256, 4096, 4097, 65536, 70001, 500000};
    struct digest list[HIVE_DIGESTS];
    assert_int_equal(digests_list(&(struct digests){0}, list), 0);
    for (size_t i = 0; i < sizeof lasts / sizeof *lasts; i++) {
        struct digests digests = digests_up_to(1, lasts[i]);
        size_t count = digests_list(&digests, list);
        assert_true(count >= 1 && count <= HIVE_DIGESTS);
        assert_true(list[0].index == lasts[i]);
        for (size_t k = 0; k < count; k++) {
            assert_true(list[k].index > 0 && list[k].term == 7 && list[k].hash == list[k].index * 31);
            assert_true(k == 0 || list[k].index < list[k - 1].index);
        }
    }
}

static bool share(const struct digests *one, const struct digests *other)
{
    struct digest a[HIVE_DIGESTS], b[HIVE_DIGESTS];
    size_t count = digests_list(one, a), others = digests_list(other, b);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < others; k++)
            if (a[i].index == b[k].index)
                return true;
    return false;
}

/* Whatever the first one's index. */
static void test_queens_that_are_far_apart_share_some(void **state)
{
    (void)state;
    static const uint64_t gaps[] = {0, 1, 20, 40, 300, 5000, 8192}; /* 5,000: half a second under load */
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
        for (uint64_t last = 200000; last < 300000; last += 997) {
            struct digests behind = digests_up_to(last - 140000, last);
            struct digests ahead = digests_up_to(last - 140000, last + gaps[i]);
            if (!share(&behind, &ahead))
                fail_msg("%llu and %llu more share nothing", (unsigned long long)last,
                         (unsigned long long)gaps[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_begins_where_the_log_is_applied_and_falls),
        cmocka_unit_test(test_queens_that_are_far_apart_share_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
