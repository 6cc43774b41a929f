/* The growable buffer: whatever is put in comes out, with a NUL behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/buffer.h"

static void appended_bytes_stay_in_order_across_growth(void **state)
{
    (void)state;
    struct hive_buffer buffer = {0};
    for (int i = 0; i < 10000; i++)
        hive_buffer_append(&buffer, &(char){(char)i}, 1);
    assert_int_equal(buffer.size, 10000);
    assert_true(buffer.capacity > buffer.size);
    for (int i = 0; i < 10000; i++)
        assert_int_equal((unsigned char)buffer.data[i], i % 256);
    assert_int_equal(buffer.data[buffer.size], '\0');
    hive_buffer_finish(&buffer);
    assert_null(buffer.data);
}

static void format_grows_to_fit_any_length(void **state)
{
    (void)state;
    for (int length = 0; length < 300; length++) {
        struct hive_buffer buffer = {0};
        hive_buffer_append_text(&buffer, "x");
        hive_buffer_format(&buffer, "%0*d", length + 1, 7);
        assert_int_equal(buffer.size, length + 2);
        assert_int_equal(strlen(buffer.data), length + 2);
        assert_int_equal(buffer.data[length + 1], '7');
        hive_buffer_finish(&buffer);
    }
}

static void consume_removes_from_the_front(void **state)
{
    (void)state;
    struct hive_buffer buffer = {0};
    hive_buffer_consume(&buffer, 0);
    hive_buffer_append_text(&buffer, "headtail");
    hive_buffer_consume(&buffer, 4);
    assert_string_equal(buffer.data, "tail");
    assert_int_equal(buffer.size, 4);
    hive_buffer_consume(&buffer, 4);
    assert_string_equal(buffer.data, "");
    hive_buffer_finish(&buffer);
}

static void clear_keeps_the_memory(void **state)
{
    (void)state;
    struct hive_buffer buffer = {0};
    hive_buffer_clear(&buffer);
    hive_buffer_append_text(&buffer, "text");
    const char *memory = buffer.data;
    hive_buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_string_equal(buffer.data, "");
    hive_buffer_append_text(&buffer, "more");
    assert_ptr_equal(buffer.data, memory);
    hive_buffer_finish(&buffer);
}

static void take_gives_the_bytes_away(void **state)
{
    (void)state;
    struct hive_buffer buffer = {0};
    char *empty = hive_buffer_take(&buffer);
    assert_string_equal(empty, "");
    free(empty);
    hive_buffer_append_text(&buffer, "text");
    char *text = hive_buffer_take(&buffer);
    assert_string_equal(text, "text");
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_bytes_stay_in_order_across_growth),
        cmocka_unit_test(format_grows_to_fit_any_length),
        cmocka_unit_test(consume_removes_from_the_front),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(take_gives_the_bytes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
