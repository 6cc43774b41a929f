/* Following a file that others write, cut, replace and remove, however large it is and whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/clock.h"
#include "tests/unit/hivetop_logs_scene.h"

static void open_file(const struct logs_scene *scene, struct log_source *file, size_t max_bytes)
{
    char *path = scene_path(scene, "q1");
    log_source_init(file, "q1", path, 0, max_bytes);
    free(path);
}

static const char *line_at(const struct log_source *file, size_t at)
{
    assert_true(file->first + at < file->last);
    return file->lines[file->first + at]->text;
}

static size_t count(const struct log_source *file)
{
    return file->last - file->first;
}

static const char *last_line(const struct log_source *file)
{
    return line_at(file, count(file) - 1);
}

static void time_level_and_text_are_told_apart(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    append(scene, "q1",
           "2026-09-21T14:13:20.123Z warning disk is slow path=/x\r\n"
           "{\"time\":\"2026-09-21T14:13:21.000Z\",\"level\":\"error\",\"event\":\"it broke\",\"term\":7,"
           "\"why\":\"no one knows\",\"path\":\"/y\"}\n"
           "Assertion 'x' failed\n"
           "2026-09-21T14:13:22.000Z nonsense\n"
           "2026-09-21 14:13:22 info no time of ours\n"
           "{\"time\":1}\n");
    open_file(scene, &file, LOGS_FILE_BYTES);
    assert_int_equal(log_source_look(&file), LOG_GREW);
    assert_int_equal(count(&file), 6);
    assert_string_equal(line_at(&file, 0), "disk is slow path=/x");
    assert_int_equal(file.lines[file.first]->time_ms, FIXTURE_UNIX_MS + 123);
    assert_int_equal(file.lines[file.first]->level, 2);
    assert_string_equal(line_at(&file, 1), "it broke term=7 why=\"no one knows\" path=/y");
    assert_int_equal(file.lines[file.first + 1]->level, 3);
    assert_string_equal(line_at(&file, 2), "Assertion 'x' failed");
    assert_int_equal(file.lines[file.first + 2]->level, -1);
    assert_int_equal(file.lines[file.first + 2]->order_ms,
                     FIXTURE_UNIX_MS + 1000); /* that of the line before */
    assert_string_equal(line_at(&file, 3), "nonsense");
    assert_string_equal(line_at(&file, 4), "2026-09-21 14:13:22 info no time of ours");
    assert_string_equal(line_at(&file, 5), "{\"time\":1}");
    log_source_finish(&file);
}

static void what_is_written_shows_and_a_line_without_end_after_one_look(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    open_file(scene, &file, LOGS_FILE_BYTES);
    assert_int_equal(log_source_look(&file), LOG_GREW);
    assert_int_equal(count(&file), 0);
    append(scene, "q1", "one\ntw");
    assert_int_equal(log_source_look(&file), LOG_GREW);
    assert_int_equal(count(&file), 1);
    assert_int_equal(log_source_look(&file), LOG_GREW);
    assert_string_equal(last_line(&file), "tw");
    assert_int_equal(log_source_look(&file), LOG_SAME);
    append(scene, "q1", "o\nthree\n");
    assert_int_equal(log_source_look(&file), LOG_CHANGED);
    assert_int_equal(count(&file), 3);
    assert_string_equal(line_at(&file, 1), "two");
    assert_string_equal(last_line(&file), "three");
    log_source_finish(&file);
}

static void a_file_that_is_cut_replaced_and_removed_is_followed(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    char *path = scene_path(scene, "q1"), *old = scene_path(scene, "old");
    append(scene, "q1", "before one\nbefore two\n");
    open_file(scene, &file, LOGS_FILE_BYTES);
    log_source_look(&file);
    assert_int_equal(truncate(path, 0), 0);
    append(scene, "q1", "after\n");
    assert_true(log_source_look(&file) & LOG_CHANGED);
    assert_int_equal(count(&file), 4);
    assert_non_null(strstr(line_at(&file, 2), "was cut"));
    assert_string_equal(last_line(&file), "after");

    append(scene, "q1", "last of the old one\n");
    assert_int_equal(rename(path, old), 0);
    append(scene, "q1", "first of the new one\n");
    assert_true(log_source_look(&file) & LOG_CHANGED);
    assert_int_equal(count(&file), 7);
    assert_string_equal(line_at(&file, 4), "last of the old one");
    assert_non_null(strstr(line_at(&file, 5), "a new log"));
    assert_string_equal(last_line(&file), "first of the new one");

    assert_int_equal(unlink(path), 0);
    assert_int_equal(log_source_look(&file), LOG_SAME);
    append(scene, "q1", "there again\n");
    assert_true(log_source_look(&file) & LOG_CHANGED);
    assert_string_equal(last_line(&file), "there again");
    assert_false(log_source_has_older(&file));
    log_source_finish(&file);
    free(path);
    free(old);
}

static void a_file_that_is_missing_or_none_is_told_and_waited_for(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    char *path = scene_path(scene, "q1");
    unlink(path);
    open_file(scene, &file, LOGS_FILE_BYTES);
    assert_int_equal(log_source_look(&file), LOG_SAME);
    assert_string_equal(file.problem, "has no log file");
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: reading would wait for ever */
    assert_int_equal(log_source_look(&file), LOG_SAME);
    assert_string_equal(file.problem, "its log is no regular file");
    unlink(path);
    append(scene, "q1", "at last\n");
    assert_int_equal(log_source_look(&file), LOG_GREW);
    assert_null(file.problem);
    assert_string_equal(last_line(&file), "at last");
    log_source_finish(&file);
    free(path);
}

static void of_a_huge_file_the_end_is_read_at_once_and_the_rest_on_demand(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    struct hive_buffer text = {0};
    char *path = scene_path(scene, "q1");
    assert_int_equal(truncate(path, INT64_C(8) << 30), 0); /* a hole of 8 GiB: one line without end */
    append(scene, "q1", "\n");
    for (int i = 0; i < 20000; i++)
        hive_buffer_format(&text, "line %05d of twenty thousand, each of which has forty bytes\n", i);
    append_bytes(scene, "q1", text.data, text.size);
    open_file(scene, &file, LOGS_FILE_BYTES);
    int64_t start_ms = hive_clock_monotonic_ms();
    assert_int_equal(log_source_look(&file), LOG_GREW);
    assert_true(hive_clock_monotonic_ms() - start_ms < 1000);
    assert_memory_equal(last_line(&file), "line 19999", 10);
    assert_in_range(count(&file), 1000, 10000);
    for (int i = 0; i < 100 && log_source_has_older(&file); i++) {
        size_t before = count(&file);
        char expected[16];
        assert_int_equal(log_source_go_back(&file), LOG_CHANGED);
        assert_true(count(&file) > before);
        snprintf(expected, sizeof expected, "line %05zu", 20000 - before);
        if (before < 20000) /* not one was lost or read twice where the pieces meet */
            assert_memory_equal(file.lines[file.last - before]->text, expected, 10);
    }
    assert_false(log_source_has_older(&file)); /* it ends, though gigabytes lie before */
    assert_true(count(&file) > 20000);
    assert_true(file.bytes <= LOGS_FILE_BYTES + LOG_CHUNK_BYTES);
    hive_buffer_finish(&text);
    log_source_finish(&file);
    free(path);
}

static void what_is_kept_is_bounded_however_much_is_written(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    size_t max_bytes = 64 * 1024;
    open_file(scene, &file, max_bytes);
    for (int i = 0; i < 200; i++) {
        for (int j = 0; j < 10; j++) {
            char line[64];
            snprintf(line, sizeof line, "line %d\n", 10 * i + j);
            append(scene, "q1", line);
        }
        log_source_look(&file);
        assert_true(file.bytes <= max_bytes);
    }
    assert_string_equal(last_line(&file), "line 1999");
    assert_true(count(&file) > 100 && count(&file) < 1000);
    for (size_t i = 1; i < count(&file); i++)
        assert_true(file.lines[file.first + i]->serial == file.lines[file.first + i - 1]->serial + 1);
    assert_false(log_source_has_older(&file)); /* what was let go is not read again */

    /* Empty lines cost as well, and so does a burst. */
    struct hive_buffer text = {0};
    for (int i = 0; i < LOG_BURST_BYTES + 1000; i++)
        hive_buffer_append(&text, "\n", 1);
    hive_buffer_append_text(&text, "the end\n");
    append_bytes(scene, "q1", text.data, text.size);
    assert_true(log_source_look(&file) & LOG_CHANGED);
    assert_true(file.bytes <= max_bytes);
    assert_string_equal(last_line(&file), "the end");
    hive_buffer_finish(&text);
    log_source_finish(&file);
}

static void what_was_let_go_is_not_read_again(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    struct hive_buffer text = {0};
    for (int i = 0; i < 10000; i++)
        hive_buffer_format(&text, "line %05d%200s\n", i, "");
    append_bytes(scene, "q1", text.data, text.size);
    open_file(scene, &file, LOGS_FILE_BYTES);
    log_source_look(&file);
    assert_true(log_source_has_older(&file));
    for (int i = 0; i < 4; i++) { /* it grows by more than is kept, and so the oldest go */
        append_bytes(scene, "q1", text.data, text.size);
        log_source_look(&file);
    }
    assert_in_range(file.bytes, LOGS_FILE_BYTES / 2, LOGS_FILE_BYTES * 3 / 4 + 1000000);
    assert_false(log_source_has_older(&file)); /* though there would be room for some of them */
    hive_buffer_finish(&text);
    log_source_finish(&file);
}

static void lines_of_any_length_and_any_bytes_do_no_harm(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    static char longest[3 * LOG_CHUNK_BYTES];
    memset(longest, 'x', sizeof longest);
    append(scene, "q1", "short\n");
    append_bytes(scene, "q1", longest, sizeof longest);
    append(scene, "q1", " end\nnext\n");
    open_file(scene, &file, LOGS_FILE_BYTES);
    log_source_look(&file);
    while (log_source_has_older(&file))
        log_source_go_back(&file);
    assert_string_equal(line_at(&file, 0), "short");
    assert_string_equal(last_line(&file), "next");
    for (size_t i = 0; i < count(&file); i++)
        assert_true(strlen(line_at(&file, i)) < LOG_TEXT_BYTES + 64);

    append_bytes(scene, "q1", longest, sizeof longest); /* now it comes in pieces, with looks in between */
    log_source_look(&file);
    append_bytes(scene, "q1", longest, 1000);
    log_source_look(&file);
    append_bytes(scene, "q1", "\n\0\033[2J\t\xff\xfe\x80\n", 12);
    log_source_look(&file);
    char counted[64];
    snprintf(counted, sizeof counted, "(+%zu bytes)", sizeof longest + 1000 - LOG_TEXT_BYTES);
    const char *cut = line_at(&file, count(&file) - 2);
    assert_string_equal(cut + strlen(cut) - strlen(counted), counted);
    assert_memory_equal(last_line(&file), "??[2J \xff\xfe\x80", 9);
    log_source_finish(&file);
}

static void a_clock_that_goes_back_does_not_mix_up_a_files_lines(void **state)
{
    struct logs_scene *scene = *state;
    struct log_source file;
    log_at(scene, "q1", 5000, "info first");
    log_at(scene, "q1", 1000, "info second");
    log_at(scene, "q1", 6000, "info third");
    open_file(scene, &file, LOGS_FILE_BYTES);
    log_source_look(&file);
    assert_int_equal(file.lines[file.first + 1]->time_ms, FIXTURE_UNIX_MS + 1000);
    assert_int_equal(file.lines[file.first + 1]->order_ms, FIXTURE_UNIX_MS + 5000);
    assert_true(log_entry_compare(file.lines[file.first], file.lines[file.first + 1]) < 0);
    assert_true(log_entry_compare(file.lines[file.first + 1], file.lines[file.first + 2]) < 0);
    log_source_finish(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGS_TEST(time_level_and_text_are_told_apart),
        LOGS_TEST(what_is_written_shows_and_a_line_without_end_after_one_look),
        LOGS_TEST(a_file_that_is_cut_replaced_and_removed_is_followed),
        LOGS_TEST(a_file_that_is_missing_or_none_is_told_and_waited_for),
        LOGS_TEST(of_a_huge_file_the_end_is_read_at_once_and_the_rest_on_demand),
        LOGS_TEST(what_is_kept_is_bounded_however_much_is_written),
        LOGS_TEST(what_was_let_go_is_not_read_again),
        LOGS_TEST(lines_of_any_length_and_any_bytes_do_no_harm),
        LOGS_TEST(a_clock_that_goes_back_does_not_mix_up_a_files_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
