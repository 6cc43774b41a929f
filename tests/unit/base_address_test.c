/* HOST:PORT, taken apart and put together again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>

#include "hive/address.h"

static void good_addresses_come_back_as_they_were(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        unsigned port;
    } cases[] = {{"127.0.0.1:8080", "127.0.0.1", 8080},
                 {"localhost:1", "localhost", 1},
                 {"a-b.example.org:65535", "a-b.example.org", 65535},
                 {"[::1]:80", "::1", 80},
                 {"[fe80::1:2]:5001", "fe80::1:2", 5001},
                 {"0.0.0.0:0", "0.0.0.0", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hive_address address;
        struct hive_error error = {0};
        if (hive_address_parse(cases[i].text, &address, &error) < 0)
            fail_msg("%s", error.message);
        assert_string_equal(address.host, cases[i].host);
        assert_int_equal(address.port, cases[i].port);
        char text[HIVE_ADDRESS_BYTES];
        hive_address_format(&address, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void bad_addresses_are_refused_with_the_right_form(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        ":",     "localhost",      ":8080",    "127.0.0.1:",  "a:65536",
        "a:-1",    "a:80x", "a: 80",          "a:000080", "::1:80",      "[::1]",
        "[::1]80", "[]:80", "[127.0.0.1]:80", "a b:80",   "http://a:80", "a/b:80",
        "-a:80",   ".a:80", "[::1:80",        "::1]:80",  "a\n:80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hive_address address = {.port = 7};
        struct hive_error error = {0};
        if (hive_address_parse(bad[i], &address, &error) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(error.message, "HOST:PORT"));
        assert_int_equal(address.port, 7);
    }
    struct hive_error error = {0};
    assert_int_equal(hive_address_parse("::1:80", &(struct hive_address){0}, &error), -EINVAL);
    assert_non_null(strstr(error.message, "brackets"));
}

static void the_longest_address_that_is_taken_can_be_formatted(void **state)
{
    (void)state;
    struct hive_address address;
    char text[2 * HIVE_ADDRESS_BYTES], again[HIVE_ADDRESS_BYTES];
    size_t longest = 0;
    for (size_t length = 1; length + 7 < sizeof text; length++) {
        memset(text, 'a', length);
        snprintf(text + length, sizeof text - length, ":65535");
        if (hive_address_parse(text, &address, NULL) < 0)
            continue;
        hive_address_format(&address, again);
        assert_string_equal(again, text);
        longest = length;
    }
    assert_true(longest >= 253); /* of a DNS name */
    assert_true(longest < HIVE_ADDRESS_BYTES);
}

static void the_loopback_interface_has_its_address(void **state)
{
    (void)state;
    char host[HIVE_ADDRESS_BYTES] = "";
    struct hive_error error = {0};
    assert_int_equal(hive_address_of_interface("lo", host, &error), 0);
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(hive_address_of_interface("hive-none0", host, &error), -ENODEV);
    assert_non_null(strstr(error.message, "hive-none0"));
    assert_non_null(strstr(error.message, "lo"));
}

static bool is_loopback(const char *host)
{
    struct hive_address address = {.port = 80};
    struct sockaddr_storage resolved;
    socklen_t bytes;
    snprintf(address.host, sizeof address.host, "%s", host);
    assert_int_equal(hive_address_resolve(&address, &resolved, &bytes, NULL), 0);
    return hive_address_is_loopback(&resolved);
}

static void loopback_is_told_from_the_rest(void **state)
{
    (void)state;
    assert_true(is_loopback("127.0.0.1"));
    assert_true(is_loopback("127.8.9.1"));
    assert_true(is_loopback("::1"));
    assert_true(is_loopback("::ffff:127.0.0.1"));
    assert_false(is_loopback("0.0.0.0"));
    assert_false(is_loopback("128.0.0.1"));
    assert_false(is_loopback("::"));
    assert_false(is_loopback("::ffff:10.0.0.1"));
    assert_false(is_loopback("2001:db8::7f00:1")); /* ends with the bytes of 127.0.0.1 */
}

static void resolved_addresses_carry_the_port(void **state)
{
    (void)state;
    struct hive_address address = {.host = "127.0.0.1", .port = 8080};
    struct sockaddr_storage resolved;
    socklen_t bytes;
    assert_int_equal(hive_address_resolve(&address, &resolved, &bytes, NULL), 0);
    assert_int_equal(bytes, sizeof(struct sockaddr_in));
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&resolved;
    assert_int_equal(ntohs(ipv4->sin_port), 8080);
    assert_int_equal(ntohl(ipv4->sin_addr.s_addr), INADDR_LOOPBACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_come_back_as_they_were),
        cmocka_unit_test(bad_addresses_are_refused_with_the_right_form),
        cmocka_unit_test(the_longest_address_that_is_taken_can_be_formatted),
        cmocka_unit_test(the_loopback_interface_has_its_address),
        cmocka_unit_test(loopback_is_told_from_the_rest),
        cmocka_unit_test(resolved_addresses_carry_the_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
