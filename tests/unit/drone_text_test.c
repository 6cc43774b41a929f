/* The text driver: every line bears its task's id, and nothing that a stranger wrote acts on the reader's
 * terminal. */
#include "drone/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "drone/workload.h"
#include "hive/buffer.h"
#include "hive/memory.h"

struct told {
    sem_t arrived;
    enum machine_task_state state;
    char detail[128];
};

static void tell(const struct task_answer *answer, void *context)
{
    struct told *told = context;
    told->state = answer->state;
    snprintf(told->detail, sizeof told->detail, "%s", answer->detail);
    sem_post(&told->arrived);
}

static struct workload *workload;
static int saved_output, output[2]; /* standard output goes into this pipe meanwhile */

static int set_up(void **state)
{
    (void)state;
    struct hive_error error;
    fflush(stdout);
    saved_output = dup(STDOUT_FILENO);
    assert_int_equal(pipe(output), 0);
    dup2(output[1], STDOUT_FILENO);
    workload = workload_create(10, 10);
    return workload_start(workload, &error);
}

static int tear_down(void **state)
{
    (void)state;
    workload_destroy(workload);
    dup2(saved_output, STDOUT_FILENO);
    close(saved_output);
    close(output[0]);
    close(output[1]);
    return 0;
}

static void submit(const char *text, struct told *told)
{
    *told = (struct told){0};
    sem_init(&told->arrived, 0, 0);
    struct task_order order = {.id = "task-12",
                               .attempt = 1,
                               .queen = "127.0.0.1:1",
                               .driver = &driver_text,
                               .spec = cJSON_CreateString(text)};
    workload_submit(workload, &order, tell, told);
}

static void await_told(struct told *told)
{
    while (sem_wait(&told->arrived) == -1 && errno == EINTR)
        ;
}

/* Prints `text`; what came out must be `expected`. */
static void assert_prints(const char *text, const char *expected)
{
    struct told told;
    char printed[1024];
    submit(text, &told);
    await_told(&told);
    assert_int_equal(told.state, MACHINE_TASK_SUCCEEDED);
    ssize_t bytes = read(output[0], printed, sizeof printed - 1);
    assert_true(bytes > 0);
    printed[bytes] = '\0';
    assert_string_equal(printed, expected);
}

static void a_text_is_printed_behind_its_id(void **state)
{
    (void)state;
    assert_prints("hello", "task-12: hello\n");
}

static void tabs_and_letters_of_all_scripts_stay_as_they_are(void **state)
{
    (void)state;
    assert_prints("a\tb \\ gr\xc3\xbc\xc3\x9f \xe8\x9c\x82 \xf0\x9f\x90\x9d \xc2\xa0",
                  "task-12: a\tb \\ gr\xc3\xbc\xc3\x9f \xe8\x9c\x82 \xf0\x9f\x90\x9d \xc2\xa0\n");
}

static void every_line_bears_the_id_so_that_none_passes_for_anothers(void **state)
{
    (void)state;
    assert_prints("one\ntask-13: forged\n\nthree",
                  "task-12: one\ntask-12: task-13: forged\ntask-12: \ntask-12: three\n");
}

static void a_newline_at_the_end_begins_no_further_line(void **state)
{
    (void)state;
    assert_prints("hello\n", "task-12: hello\n");
}

static void a_lone_newline_is_an_empty_line(void **state)
{
    (void)state;
    assert_prints("\n", "task-12: \n");
}

static void control_characters_are_shown_not_sent(void **state)
{
    (void)state;
    assert_prints("\x1b[2J a\rtask-13: b \x07\x7f \xc2\x9b"
                  "2J",
                  "task-12: \\x1b[2J a\\x0dtask-13: b \\x07\\x7f \\u009b2J\n");
}

static void all_control_characters_are_shown(void **state)
{
    (void)state;
    for (int c = 1; c < 0xa0; c += c == 0x1f ? 0x60 : 1) { /* 01 to 1f, 7f to 9f */
        char text[8], expected[32];
        if (c == '\t' || c == '\n')
            continue;
        if (c < 0x80)
            snprintf(text, sizeof text, "%c", c);
        else
            snprintf(text, sizeof text, "\xc2%c", c);
        snprintf(expected, sizeof expected, c < 0x80 ? "task-12: \\x%02x\n" : "task-12: \\u%04x\n",
                 (unsigned)c);
        workload_destroy(workload); /* the next text is another task of the same name */
        workload = workload_create(1, 1);
        assert_int_equal(workload_start(workload, NULL), 0);
        assert_prints(text, expected);
    }
}

static void output_that_nobody_can_read_any_more_fails_the_task(void **state)
{
    (void)state;
    struct told told;
    int full = open("/dev/full", O_WRONLY);
    dup2(full, STDOUT_FILENO);
    close(full);
    submit("hello", &told);
    await_told(&told);
    assert_int_equal(told.state, MACHINE_TASK_FAILED);
    assert_string_equal(told.detail, "cannot print to standard output: No space left on device");
}

static void a_drone_ends_though_nobody_reads_its_output(void **state)
{
    (void)state;
    struct told told;
    assert_true(fcntl(output[1], F_SETPIPE_SZ, 4096) > 0);
    char *text = hive_malloc(HIVE_TASK_TEXT_BYTES + 1);
    memset(text, 'x', HIVE_TASK_TEXT_BYTES);
    text[HIVE_TASK_TEXT_BYTES] = '\0';
    submit(text, &told);
    free(text);
    for (int waiting = 0; waiting < 4096; ioctl(output[0], FIONREAD, &waiting))
        usleep(1000);
    workload_stop(workload);
    await_told(&told);
    assert_int_equal(told.state, MACHINE_TASK_FAILED);
}

static void texts_of_a_wrong_type_or_size_are_refused(void **state)
{
    (void)state;
    char *text = hive_malloc(HIVE_TASK_TEXT_BYTES + 2);
    memset(text, 'x', HIVE_TASK_TEXT_BYTES + 1);
    text[HIVE_TASK_TEXT_BYTES + 1] = '\0';
    cJSON *long_text = cJSON_CreateString(text);
    text[HIVE_TASK_TEXT_BYTES] = '\0';
    const struct {
        cJSON *spec;
        int code;
    } cases[] = {
        {long_text, -EINVAL},
        {cJSON_CreateString(text), 0},
        {cJSON_CreateString("x"), 0},
        {cJSON_CreateString(""), -EINVAL},
        {cJSON_CreateNumber(5), -EINVAL},
        {cJSON_CreateNull(), -EINVAL},
        {cJSON_CreateObject(), -EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hive_error error;
        assert_int_equal(driver_text.check(cases[i].spec, &error), cases[i].code);
        cJSON_Delete(cases[i].spec);
    }
    free(text);
}

static void the_driver_is_found_by_the_field_that_asks_for_it(void **state)
{
    (void)state;
    struct hive_error error;
    const struct driver *driver = NULL;
    const cJSON *spec = NULL;
    cJSON *known = cJSON_Parse("{\"id\":\"task-1\",\"text\":\"hi\"}"),
          *unknown = cJSON_Parse("{\"telepathy\":1}");
    assert_int_equal(driver_find(known, &driver, &spec, &error), 0);
    assert_ptr_equal(driver, &driver_text);
    assert_string_equal(spec->valuestring, "hi");
    assert_int_equal(driver_find(unknown, &driver, &spec, &error), -EINVAL);
    assert_non_null(strstr(error.message, "\"text\""));
    cJSON_Delete(known);
    cJSON_Delete(unknown);
}

int main(void)
{
#define printing(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        printing(a_text_is_printed_behind_its_id),
        printing(tabs_and_letters_of_all_scripts_stay_as_they_are),
        printing(every_line_bears_the_id_so_that_none_passes_for_anothers),
        printing(a_newline_at_the_end_begins_no_further_line),
        printing(a_lone_newline_is_an_empty_line),
        printing(control_characters_are_shown_not_sent),
        printing(all_control_characters_are_shown),
        printing(output_that_nobody_can_read_any_more_fails_the_task),
        printing(a_drone_ends_though_nobody_reads_its_output),
        cmocka_unit_test(texts_of_a_wrong_type_or_size_are_refused),
        cmocka_unit_test(the_driver_is_found_by_the_field_that_asks_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
