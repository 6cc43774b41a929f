/* Logs: one whole line an event, and no value that can forge one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "hive/json.h"
#include "hive/log.h"

static int saved_stderr;
static FILE *captured;

static int capture(void **state)
{
    (void)state;
    captured = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
    return 0;
}

static int release(void **state)
{
    (void)state;
    hive_log_configure(HIVE_LOG_INFO, HIVE_LOG_TEXT);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    fclose(captured);
    return 0;
}

/* The lines written so far; forgets them. */
static const char *lines(void)
{
    static char text[65536];
    ssize_t bytes = pread(fileno(captured), text, sizeof text - 1, 0);
    text[bytes > 0 ? bytes : 0] = '\0';
    if (ftruncate(fileno(captured), 0) < 0 || lseek(fileno(captured), 0, SEEK_SET) < 0)
        return "cannot rewind";
    return text;
}

/* The line behind its time, which must look like one. */
static const char *line_without_time(void)
{
    const char *line = lines();
    assert_int_equal(strspn(line, "0123456789-:.TZ"), strlen("2026-01-31T23:59:59.123Z"));
    assert_int_equal(line[23], 'Z');
    return line + 25;
}

static void a_line_has_time_level_event_and_fields(void **state)
{
    (void)state;
    hive_log_info("registered drone", LOG_S("name", "d1"), LOG_N("term", 7), LOG_S("note", "with space"),
                  LOG_S("empty", ""), LOG_N("lowest", INT64_MIN), LOG_S("missing", NULL));
    assert_string_equal(line_without_time(),
                        "info registered drone name=d1 term=7 note=\"with space\" empty=\"\" "
                        "lowest=-9223372036854775808 missing=\"\"\n");
    hive_log_warning("nothing more");
    assert_string_equal(line_without_time(), "warning nothing more\n");
}

static void values_cannot_forge_lines_or_move_cursors(void **state)
{
    (void)state;
    hive_log_error("bad", LOG_S("a", "x\ny"), LOG_S("b", "\x1b[2J"), LOG_S("c", "\"\\"), LOG_S("d", "k=v"),
                   LOG_S("e", "\x7f"), LOG_S("f", "\xc2\x9b"), LOG_S("g", "\xff"), LOG_S("h", "né…🐝"));
    assert_string_equal(line_without_time(), "error bad a=\"x\\ny\" b=\"\\x1b[2J\" c=\"\\\"\\\\\" d=\"k=v\" "
                                             "e=\"\\x7f\" f=\"\\xc2\\x9b\" g=\"\\xff\" h=né…🐝\n");
}

static void levels_below_the_configured_one_are_silent(void **state)
{
    (void)state;
    for (int lowest = HIVE_LOG_DEBUG; lowest <= HIVE_LOG_ERROR; lowest++) {
        hive_log_configure((enum hive_log_level)lowest, HIVE_LOG_TEXT);
        for (int level = HIVE_LOG_DEBUG; level <= HIVE_LOG_ERROR; level++) {
            HIVE_LOG((enum hive_log_level)level, "event");
            if (level < lowest)
                assert_string_equal(lines(), "");
            else
                assert_memory_equal(line_without_time(), hive_log_level_names[level],
                                    strlen(hive_log_level_names[level]));
        }
    }
}

static void json_lines_parse_and_carry_the_same(void **state)
{
    (void)state;
    hive_log_configure(HIVE_LOG_DEBUG, HIVE_LOG_JSON);
    hive_log_debug("an event", LOG_S("text", "a\"b\n\xff"), LOG_N("number", -5));
    const char *line = lines();
    size_t bytes = strlen(line);
    assert_int_equal(line[bytes - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + bytes - 1);
    struct hive_error error = {0};
    cJSON *object = hive_json_parse_object(line, bytes, &error);
    assert_string_equal(error.message, "");
    const char *text = NULL;
    int64_t number = 0;
    assert_int_equal(hive_json_string(object, "time", &text, NULL), 0);
    assert_int_equal(strlen(text), 24);
    assert_int_equal(hive_json_string(object, "level", &text, NULL), 0);
    assert_string_equal(text, "debug");
    assert_int_equal(hive_json_string(object, "event", &text, NULL), 0);
    assert_string_equal(text, "an event");
    assert_int_equal(hive_json_string(object, "text", &text, NULL), 0);
    assert_string_equal(text, "a\"b\n\xef\xbf\xbd");
    assert_int_equal(hive_json_int(object, "number", -10, 10, &number, NULL), 0);
    assert_int_equal(number, -5);
    cJSON_Delete(object);
}

static void logging_leaves_errno_alone(void **state)
{
    (void)state;
    close(STDERR_FILENO); /* write(2) itself fails now */
    errno = ENOENT;
    hive_log_info("event", LOG_S("key", "value"));
    assert_int_equal(errno, ENOENT);
}

static void *log_many(void *name)
{
    for (int i = 0; i < 200; i++)
        hive_log_info("line", LOG_S("thread", name), LOG_S("end", "."));
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[4];
    static char names[4][16] = {"aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "dddddddddddd"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    rewind(captured);
    char line[256], thread[32];
    int count = 0, used;
    while (fgets(line, sizeof line, captured)) {
        used = 0;
        assert_int_equal(sscanf(line, "%*s info line thread=%31s end=.%n", thread, &used), 1);
        assert_string_equal(line + used, "\n");
        assert_int_equal(strspn(thread, (char[]){thread[0], '\0'}), 12);
        count++;
    }
    assert_int_equal(count, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_event_and_fields, capture, release),
        cmocka_unit_test_setup_teardown(values_cannot_forge_lines_or_move_cursors, capture, release),
        cmocka_unit_test_setup_teardown(levels_below_the_configured_one_are_silent, capture, release),
        cmocka_unit_test_setup_teardown(json_lines_parse_and_carry_the_same, capture, release),
        cmocka_unit_test_setup_teardown(logging_leaves_errno_alone, capture, release),
        cmocka_unit_test_setup_teardown(lines_of_several_threads_do_not_mix, capture, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
