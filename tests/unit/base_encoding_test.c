/* Base64, the names made of hashes, and the checks of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "hive/encoding.h"
#include "hive/memory.h"

static void base64_gives_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct hive_buffer text = {0}, bytes = {0};
        hive_base64_append(&text, vectors[i][0], strlen(vectors[i][0]));
        assert_string_equal(text.data, vectors[i][1]);
        assert_int_equal(hive_base64_decode(&bytes, text.data, text.size), 0);
        assert_int_equal(bytes.size, strlen(vectors[i][0]));
        assert_memory_equal(bytes.data ? bytes.data : "", vectors[i][0], bytes.size);
        hive_buffer_finish(&text);
        hive_buffer_finish(&bytes);
    }
}

static void base64_returns_every_byte_at_every_length(void **state)
{
    (void)state;
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 167 + 91);
    for (size_t length = 0; length <= sizeof data; length++) {
        struct hive_buffer text = {0}, bytes = {0};
        hive_buffer_append_text(&bytes, "before");
        hive_base64_append(&text, data, length);
        assert_int_equal(hive_base64_decode(&bytes, text.data, text.size), 0);
        assert_int_equal(bytes.size, 6 + length);
        assert_memory_equal(bytes.data, "before", 6);
        assert_memory_equal(bytes.data + 6, data, length);
        hive_buffer_finish(&text);
        hive_buffer_finish(&bytes);
    }
}

static void base64_refuses_all_that_is_not_canonical(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",        "Zg",     "Zg=",  "Zh==", "Zm9=", "====", "Z===",
                                      "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm-_", "Z=g=", "=Zg=", "Zm9\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hive_buffer bytes = {0};
        hive_buffer_append_text(&bytes, "before");
        if (hive_base64_decode(&bytes, bad[i], strlen(bad[i])) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_string_equal(bytes.data, "before");
        assert_int_equal(bytes.size, 6);
        hive_buffer_finish(&bytes);
    }
}

static void drones_are_named_by_the_sha1_of_their_address(void **state)
{
    (void)state;
    char name[HIVE_NAME_BYTES];
    hive_drone_name("127.0.0.1:5001", name); /* printf 127.0.0.1:5001 | sha1sum */
    assert_string_equal(name, "drone-876d5b4697f7690457360e25d41fd9163ece1858");
    assert_true(hive_is_name(name));
}

static void utf8_is_told_from_what_only_looks_like_it(void **state)
{
    (void)state;
    static const char *const good[] = {"",  "plain",        "\x7f",         "é", "\xc2\x80",
                                       "…", "\xed\x9f\xbf", "\xee\x80\x80", "🐝", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2 ",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x80",
                                      "\xed\xa0\x80",
                                      "\xe2\x80 ",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf0\x9f\x90",
                                      "\xff",
                                      "ok\xfe"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!hive_is_utf8(good[i], strlen(good[i])))
            fail_msg("good text %zu was refused", i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *exact = hive_malloc(strlen(bad[i])); /* without a NUL behind: a read too far is seen */
        memcpy(exact, bad[i], strlen(bad[i]));
        bool is_utf8 = hive_is_utf8(exact, strlen(bad[i]));
        free(exact);
        if (is_utf8)
            fail_msg("bad text %zu was taken", i);
    }
    assert_true(hive_is_utf8("a\0b", 3));
}

static void names_are_short_and_safe_in_paths(void **state)
{
    (void)state;
    assert_true(hive_is_name("hive-a"));
    assert_true(hive_is_name("q1"));
    assert_true(hive_is_name("A.b_c-9"));
    static const char *const bad[] = {"", ".", "..", ".hidden", "-x", "a/b", "a b", "é", "a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(hive_is_name(bad[i]));
    char name[HIVE_NAME_BYTES + 1];
    memset(name, 'a', sizeof name);
    name[HIVE_NAME_BYTES - 1] = '\0';
    assert_true(hive_is_name(name));
    name[HIVE_NAME_BYTES - 1] = 'a';
    name[HIVE_NAME_BYTES] = '\0';
    assert_false(hive_is_name(name));
}

static void secrets_are_equal_only_when_all_of_them_is(void **state)
{
    (void)state;
    assert_true(hive_equal_constant_time("", ""));
    assert_true(hive_equal_constant_time("secret", "secret"));
    static const char *const others[] = {"", "s", "secre", "secret ", "Secret", "secreT", "secretsecret"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(hive_equal_constant_time("secret", others[i]));
        assert_false(hive_equal_constant_time(others[i], "secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_gives_the_vectors_of_the_rfc),
        cmocka_unit_test(base64_returns_every_byte_at_every_length),
        cmocka_unit_test(base64_refuses_all_that_is_not_canonical),
        cmocka_unit_test(drones_are_named_by_the_sha1_of_their_address),
        cmocka_unit_test(utf8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(names_are_short_and_safe_in_paths),
        cmocka_unit_test(secrets_are_equal_only_when_all_of_them_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
