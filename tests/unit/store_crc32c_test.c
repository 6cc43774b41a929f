/* The checksum is CRC32C, with the CPU's help and without. */
#include "unit/store_model.h"

#include "store/crc32c.h"

typedef uint32_t crc_function(uint32_t crc, const void *data, size_t bytes);

/* The examples of RFC 3720, appendix B.4, and the check value that catalogues of checksums give. */
static void check_known_values(crc_function *function)
{
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(function(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(function(0, bytes, sizeof bytes), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(function(0, bytes, sizeof bytes), 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = 31 - i;
    assert_int_equal(function(0, bytes, sizeof bytes), 0x113fdb5c);
    assert_int_equal(function(0, "123456789", 9), 0xe3069283);
    assert_int_equal(function(0, NULL, 0), 0);
}

static void test_known_values(void **state)
{
    (void)state;
    check_known_values(crc32c);
    check_known_values(crc32c_portable);
}

static void test_both_ways_agree_at_every_length_and_alignment(void **state)
{
    (void)state;
    uint8_t bytes[96];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_below(256);
    for (size_t start = 0; start < 16; start++)
        for (size_t length = 0; start + length <= sizeof bytes; length++)
            assert_int_equal(crc32c(7, bytes + start, length), crc32c_portable(7, bytes + start, length));
}

static void test_parts_give_what_the_whole_gives(void **state)
{
    (void)state;
    const char text[] = "the whole is the sum of its parts";
    uint32_t whole = crc32c(0, text, sizeof text);
    for (size_t cut = 0; cut <= sizeof text; cut++)
        assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, sizeof text - cut), whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_both_ways_agree_at_every_length_and_alignment),
        cmocka_unit_test(test_parts_give_what_the_whole_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
