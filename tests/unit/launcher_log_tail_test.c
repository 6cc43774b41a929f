/* The last words of a node that died. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "launcher/log_tail.h"

/* What is reported of a log with this content. The caller frees it. */
static char *tail_of(const char *content, int64_t offset)
{
    char path[] = "/tmp/hive-log-tail-test-XXXXXX", *text = NULL;
    size_t bytes = 0;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    close(file);
    struct report report;
    FILE *out = open_memstream(&text, &bytes);
    report = (struct report){.out = out};
    log_tail_report(path, offset, &report);
    fclose(out);
    unlink(path);
    return text;
}

static void expect_tail(const char *content, int64_t offset, const char *expected)
{
    char *text = tail_of(content, offset);
    assert_string_equal(text, expected);
    free(text);
}

static void the_last_five_lines_are_shown(void **state)
{
    (void)state;
    expect_tail("1\n2\n3\n4\n5\n6\n7\n", 0, "    3\n    4\n    5\n    6\n    7\n");
    expect_tail("only\nthese", 0, "    only\n    these\n");
}

static void lines_of_an_earlier_run_are_not_shown(void **state)
{
    (void)state;
    expect_tail("old\nnew\n", 4, "    new\n");
    expect_tail("old\n", 4, "    (it wrote nothing)\n");
}

static void a_log_cannot_control_the_terminal(void **state)
{
    (void)state;
    expect_tail("red: \033[31m\tb\xc3\xa4\n", 0, "    red: ?[31m b\xc3\xa4\n");
}

static void a_long_line_is_shown_from_its_end(void **state)
{
    (void)state;
    char content[6001];
    memset(content, 'a', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    char *text = tail_of(content, 0);
    assert_int_equal(strlen(text), 4 + 4096 + 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_five_lines_are_shown),
        cmocka_unit_test(lines_of_an_earlier_run_are_not_shown),
        cmocka_unit_test(a_log_cannot_control_the_terminal),
        cmocka_unit_test(a_long_line_is_shown_from_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
