/* Lessons: what their files may say, what is wrong with them, and what their words mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "hive/memory.h"
#include "launcher/lesson_file.h"
#include "launcher/lesson_stage.h"

static void a_lesson_has_a_head_and_steps(void **state)
{
    (void)state;
    struct lesson lesson;
    struct hive_error error;
    assert_int_equal(lesson_parse("x.lesson",
                                  "# a comment\n"
                                  "title  Two words\n"
                                  "queens 5\r\n"
                                  "options --queen-args \"--heartbeat 10\"\n"
                                  "\n"
                                  "say One sentence,\n"
                                  "claim leader is-not $old within 2s -- somebody \"else\" leads\n"
                                  "put \"a key\" '' at $old",
                                  &lesson, &error),
                     0);
    assert_string_equal(lesson.title, "Two words");
    assert_string_equal(lesson.about, "");
    assert_int_equal(lesson.queens, 5);
    assert_int_equal(lesson.drones, 0);
    assert_int_equal(lesson.options.count, 2);
    assert_string_equal(lesson.options.items[1], "--heartbeat 10");
    assert_int_equal(lesson.count, 3);
    assert_int_equal(lesson.steps[0].word, LESSON_SAY);
    assert_string_equal(lesson.steps[0].words.items[0], "One sentence,");
    assert_int_equal(lesson.steps[1].line, 7);
    assert_int_equal(lesson.steps[1].words.count, 5);
    assert_string_equal(lesson.steps[1].reason, "somebody \"else\" leads");
    assert_string_equal(lesson.steps[2].words.items[0], "a key");
    assert_string_equal(lesson.steps[2].words.items[1], "");
    assert_null(lesson.steps[2].reason);
    lesson_finish(&lesson);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"title A\nsai hello\n", "x.lesson:2: no instruction 'sai': share/lessons/README lists them"},
        {"title A\nsay b\nqueens 3\n",
         "x.lesson:3: 'queens' belongs to the beginning, before the first step"},
        {"queens many\n", "x.lesson:1: 'many' is no number of nodes from 0 to 64"},
        {"let a b\n", "x.lesson:1: write 'let NAME = VALUE'"},
        {"let a is b\n", "x.lesson:1: write 'let NAME = VALUE'"},
        {"put a b c\n", "x.lesson:1: write 'put KEY VALUE [at NODE]'"},
        {"put a b on q1\n", "x.lesson:1: write 'put KEY VALUE [at NODE]'"},
        {"do\n", "x.lesson:1: write 'do VERB WORDS'"},
        {"title\n", "x.lesson:1: write 'title TEXT'"},
        {"say nobody knows what this is called\n", "x.lesson: a lesson has a title and at least one step"},
        {"title Nothing happens\n", "x.lesson: a lesson has a title and at least one step"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct lesson lesson;
        struct hive_error error;
        assert_int_equal(lesson_parse("x.lesson", wrong[i].text, &lesson, &error), -EINVAL);
        assert_string_equal(error.message, wrong[i].message);
    }
    struct lesson lesson;
    struct hive_error error;
    assert_int_equal(lesson_parse("x.lesson", "title A\ndo kill 'q1\n", &lesson, &error), -EINVAL);
    assert_non_null(strstr(error.message, "x.lesson:2: "));
}

/* Whether the condition in `text` holds where there is no cluster at all. */
static bool holds(struct lesson_stage *stage, const char *left, const char *operation, const char *right,
                  const char *said)
{
    const char *items[] = {left, operation, right};
    const struct hive_strings words = {.items = items, .count = operation ? 3 : 1};
    struct hive_buffer text = {0};
    struct hive_error error;
    bool it_holds;
    assert_int_equal(lesson_stage_holds(stage, &words, &it_holds, &text, &error), 0);
    if (said)
        assert_string_equal(text.data ? text.data : "", said);
    hive_buffer_finish(&text);
    return it_holds;
}

static void conditions_compare_numbers_as_numbers(void **state)
{
    (void)state;
    struct lesson_stage stage = {.cluster = "no-such-cluster"};
    lesson_stage_let(&stage, "old", "7");
    lesson_stage_let(&stage, "old", "9");
    assert_true(holds(&stage, "$old", "<", "10", "old is 9"));
    assert_false(holds(&stage, "$old", "<", "9", "old is 9"));
    assert_true(holds(&stage, "$old", "<=", "9", NULL));
    assert_true(holds(&stage, "10", ">", "$old", NULL));
    assert_true(holds(&stage, "9", ">=", "$old", NULL));
    assert_true(holds(&stage, "9", "is", "$old", NULL));
    assert_false(holds(&stage, "9", "is-not", "$old", NULL));
    assert_true(holds(&stage, "quorum lost", "has", "lost", NULL));
    assert_false(holds(&stage, "a", "<", "b", NULL)); /* no numbers: nothing is less */
    assert_false(holds(&stage, "$nobody", "<", "1", "nobody is nothing"));
    assert_true(holds(&stage, "yes", NULL, NULL, NULL));
    assert_false(holds(&stage, "no", NULL, NULL, NULL));
    assert_false(holds(&stage, "0", NULL, NULL, NULL));
    lesson_stage_close(&stage);
}

static void what_nobody_answers_is_nothing(void **state)
{
    (void)state;
    struct lesson_stage stage = {.cluster = "no-such-cluster"};
    assert_false(holds(&stage, "leader", NULL, NULL, "leader is nothing"));
    assert_false(holds(&stage, "leader", "is-not", "q1", "leader is nothing")); /* no other one leads */
    assert_true(holds(&stage, "q1.kv.key", "is-not", "q1", NULL));
    assert_true(holds(&stage, "leaders", "is", "0", "leaders is 0"));
    assert_true(holds(&stage, "up", "is", "0", NULL));
    assert_true(holds(&stage, "follower.1", "is", "", NULL));
    assert_true(holds(&stage, "all.term", "is", "", NULL));
    assert_false(holds(&stage, "min.log.commit", ">=", "0", NULL));
    lesson_stage_close(&stage);
}

static void a_condition_of_another_shape_is_refused(void **state)
{
    (void)state;
    struct lesson_stage stage = {.cluster = "no-such-cluster"};
    const char *items[] = {"leader", "equals", "q1", "now"};
    struct hive_buffer said = {0};
    struct hive_error error;
    bool it_holds;
    for (size_t count = 2; count <= 4; count++) {
        const struct hive_strings words = {.items = items, .count = count};
        assert_int_equal(lesson_stage_holds(&stage, &words, &it_holds, &said, &error), -EINVAL);
    }
    hive_buffer_finish(&said);
    lesson_stage_close(&stage);
}

int main(void)
{
    setenv("XDG_STATE_HOME", "/nonexistent", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lesson_has_a_head_and_steps),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(conditions_compare_numbers_as_numbers),
        cmocka_unit_test(what_nobody_answers_is_nothing),
        cmocka_unit_test(a_condition_of_another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
