/* A recording that is played looks as the dashboard did; damage, cut-off files, full disks and films of the simulator. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "hive/file.h"
#include "hivetop/record.h"
#include "hivetop/replay.h"
#include "hivetop/trace.h"
#include "tests/unit/hivetop_past.h"

#define STEPS 700 /* some thousands of lines: there are models to begin from */

struct scene {
    char path[64];
    struct past past;
    struct record *record;
    char *pictures[STEPS];
};

static int setup(void **state)
{
    struct scene *scene = hive_calloc(1, sizeof *scene);
    snprintf(scene->path, sizeof scene->path, "/tmp/hivetop-replay-XXXXXX");
    int descriptor = mkstemp(scene->path);
    if (descriptor < 0)
        return -1;
    close(descriptor);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    unlink(scene->path);
    record_close(scene->record, NULL);
    model_finish(&scene->past.model);
    for (int i = 0; i < STEPS; i++)
        free(scene->pictures[i]);
    free(scene);
    return 0;
}

static void start_recording(struct scene *scene, bool has_ledger)
{
    past_begin(&scene->past, has_ledger);
    scene->record = record_open(scene->path, &scene->past.model, NULL);
    assert_non_null(scene->record);
    scene->past.model.listener = record_hear;
    scene->past.model.listener_context = scene->record;
}

static void stop_recording(struct scene *scene)
{
    assert_int_equal(record_close(scene->record, NULL), 0);
    scene->record = NULL;
    scene->past.model.listener = NULL;
}

static struct replay *open_file(const struct scene *scene)
{
    struct hive_error error;
    struct replay *replay = replay_open(scene->path, &error);
    if (!replay)
        fail_msg("%s", error.message);
    return replay;
}

static void assert_looks_like(struct replay *replay, const struct scene *scene, int step)
{
    char *picture = past_picture(replay_seek(replay, TRACE_BASE_MS + (step + 1) * PAST_STEP_MS));
    assert_string_equal(picture, scene->pictures[step]);
    free(picture);
}

static void assert_same_screens(struct scene *scene, bool has_ledger)
{
    start_recording(scene, has_ledger);
    for (int i = 0; i < STEPS; i++) {
        past_step(&scene->past);
        scene->pictures[i] = past_picture(&scene->past.model);
    }
    stop_recording(scene);

    struct replay *replay = open_file(scene);
    assert_int_equal(replay_last_ms(replay), TRACE_BASE_MS + STEPS * PAST_STEP_MS);
    for (int i = 0; i < STEPS / 2; i += 3) /* as it is played … */
        assert_looks_like(replay, scene, i);
    while (replay_scan(replay, 1))
        continue;
    for (int i = 0; i < 100; i++) /* … and as one jumps about */
        assert_looks_like(replay, scene, i * 48271 % STEPS);
    for (int i = 500; i > 490; i--) /* … and back, step by step */
        assert_looks_like(replay, scene, i);
    assert_null(replay_damage(replay));
    assert_true(timeline_election_after(replay_timeline(replay), 1) > 0);
    replay_close(replay);
}

static void a_recording_shows_the_same_screens(void **state)
{
    assert_same_screens(*state, true);
}

static void also_where_nodes_tell_of_each_other(void **state)
{
    assert_same_screens(*state, false);
}

static void another_cluster_is_another_cluster(void **state)
{
    struct scene *scene = *state;
    start_recording(scene, true);
    past_step(&scene->past);
    struct model other;
    fixture_calm(&other, 3, 1);
    snprintf(other.cluster, sizeof other.cluster, "hive-b");
    other.now_ms = scene->past.model.now_ms + 1000;
    record_restart(scene->record, &other);
    stop_recording(scene);
    struct replay *replay = open_file(scene);
    assert_int_equal(replay_seek(replay, TRACE_BASE_MS + 1000)->node_count, 8);
    const struct model *model = replay_seek(replay, TRACE_BASE_MS + 2000);
    assert_int_equal(model->node_count, 4);
    assert_string_equal(model->cluster, "hive-b");
    replay_close(replay);
    model_finish(&other);
}

/* ---- files that are not as they should be ---- */

static void write_file(const struct scene *scene, const char *text)
{
    assert_int_equal(hive_file_write(scene->path, text, strlen(text), 0600, NULL), 0);
}

#define HEADER "{\"type\":\"header\",\"format\":\"hive-trace\",\"version\":1}\n"
#define QUEEN(time, term, rest)                                                                              \
    "{\"type\":\"health\",\"time_ms\":" time                                                                 \
    ",\"node\":\"queen-1:1\",\"up\":true,\"health\":{\"raft_state\":"                                        \
    "\"FOLLOWER\",\"term\":" term rest "}}\n"

static void damaged_lines_are_named_and_left_out(void **state)
{
    struct scene *scene = *state;
    write_file(scene, HEADER QUEEN("10", "1", "") "{\"type\":\"hea\n" QUEEN("20", "\"x\"", "") "[]\n" QUEEN(
                          "30", "2", ",\"later\":[1]") "{\"type\":\"a-later-one\",\"time_ms\":31}\n");
    struct replay *replay = open_file(scene);
    const struct model *model = replay_seek(replay, TRACE_BASE_MS + 25);
    assert_int_equal(model->nodes[0]->health.term, 1);
    assert_non_null(strstr(replay_damage(replay), "line 3 is damaged"));
    assert_non_null(strstr(replay_damage(replay), scene->path));
    assert_int_equal(replay_seek(replay, TRACE_BASE_MS + 31)->nodes[0]->health.term, 2);
    replay_close(replay);
}

static void a_file_that_was_cut_off_is_good(void **state)
{
    struct scene *scene = *state;
    write_file(scene, HEADER QUEEN("10", "1", "") "{\"type\":\"health\",\"time_ms\":2");
    struct replay *replay = open_file(scene);
    while (replay_scan(replay, 100))
        continue;
    assert_int_equal(replay_last_ms(replay), TRACE_BASE_MS + 10);
    assert_int_equal(replay_seek(replay, replay_last_ms(replay))->nodes[0]->health.term, 1);
    assert_null(replay_damage(replay));
    replay_close(replay);
}

static void assert_refused(const struct scene *scene, const char *why)
{
    struct hive_error error = {0};
    assert_null(replay_open(scene->path, &error));
    assert_non_null(strstr(error.message, why));
    assert_non_null(strstr(error.message, scene->path));
}

static void what_is_no_recording_is_refused(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "");
    assert_refused(scene, "no recording");
    write_file(scene, "just text\n");
    assert_refused(scene, "no recording");
    write_file(scene, "{\"type\":\"header\",\"format\":\"other\",\"version\":1}\n");
    assert_refused(scene, "no recording");
    write_file(scene, "{\"type\":\"header\",\"format\":\"hive-trace\",\"version\":2}\n");
    assert_refused(scene, "version 2");
    unlink(scene->path);
    assert_refused(scene, "No such file");
}

static void any_bytes_are_survived(void **state)
{
    struct scene *scene = *state;
    start_recording(scene, true);
    for (int i = 0; i < 30; i++)
        past_step(&scene->past);
    stop_recording(scene);
    struct hive_buffer good = {0}, bad = {0};
    assert_int_equal(hive_file_read(scene->path, 1 << 24, &good, NULL), 0);
    size_t header = (size_t)(strchr(good.data, '\n') - good.data) + 1;
    unsigned seed = 7;
    for (int round = 0; round < 60; round++) {
        hive_buffer_clear(&bad);
        hive_buffer_append(&bad, good.data, good.size);
        for (int i = 0; i < 40; i++) {
            seed = seed * 1103515245 + 12345;
            bad.data[header + (seed >> 4) % (good.size - header)] = "0\"{}[],:-9\n\0aeu"[seed >> 8 & 15];
        }
        assert_int_equal(hive_file_write(scene->path, bad.data, bad.size, 0600, NULL), 0);
        struct replay *replay = open_file(scene);
        while (replay_scan(replay, 100))
            continue;
        free(past_picture(replay_seek(replay, TRACE_BASE_MS + 7000)));
        assert_non_null(replay_damage(replay));
        replay_close(replay);
    }
    hive_buffer_finish(&good);
    hive_buffer_finish(&bad);
}

static void a_full_disk_ends_the_recording_only(void **state)
{
    struct scene *scene = *state;
    struct hive_error error = {0};
    past_begin(&scene->past, true);
    assert_null(record_open("/dev/full", &scene->past.model, &error));
    assert_non_null(strstr(error.message, "No space left"));
    assert_null(record_open("/nowhere/file", &scene->past.model, &error));
    assert_non_null(strstr(error.message, "/nowhere/file"));

    start_recording(scene, true);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), descriptor = -1;
    for (int i = 3; i < 64 && descriptor < 0; i++) { /* the recording's own, which is behind stdio */
        char name[32], target[64] = "";
        snprintf(name, sizeof name, "/proc/self/fd/%d", i);
        if (readlink(name, target, sizeof target - 1) > 0 && strcmp(target, scene->path) == 0)
            descriptor = i;
    }
    assert_true(descriptor >= 0 && dup2(full, descriptor) == descriptor);
    past_step(&scene->past);
    assert_int_equal(record_flush(scene->record, &error), -ENOSPC);
    assert_non_null(strstr(error.message, "the recording ended"));
    past_step(&scene->past); /* nobody writes any more, nobody complains again */
    assert_int_equal(record_flush(scene->record, &error), 0);
    close(full);
}

/* ---- the simulator's films ---- */

static void a_film_tells_roles_and_faults(void **state)
{
    struct scene *scene = *state;
    static const char *const lines[] = {
        "{\"type\":\"transition\",\"time_ms\":5.250,\"node\":\"queen-1:1\",\"term\":4,\"state\":"
        "\"CANDIDATE\"}\n",
        "{\"type\":\"transition\",\"time_ms\":6,\"node\":\"queen-1:1\",\"term\":4,\"state\":\"LEADER\"}\n",
        QUEEN("7.5", "4", ",\"leader\":null,\"log\":{\"last\":9}"),
        QUEEN("8", "5", ",\"leader\":\"queen-2:1\""),
        QUEEN("9", "5", ",\"leader\":null"),
        "{\"type\":\"fault\",\"time_ms\":10,\"fault\":1,\"text\":\"power_loss queen-1:1\"}\n",
        "{\"type\":\"health\",\"time_ms\":11,\"node\":\"queen-1:1\",\"up\":false}\n",
        "{\"type\":\"members\",\"time_ms\":12,\"node\":\"queen-1:1\",\"index\":1,\"members\":"
        "[{\"address\":\"queen-1:1\"},{\"address\":\"queen-2:1\"}]}\n",
    };
    struct hive_buffer text = {0};
    hive_buffer_append_text(&text, HEADER);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        hive_buffer_append_text(&text, lines[i]);
    write_file(scene, text.data);
    hive_buffer_finish(&text);
    struct replay *replay = open_file(scene);
    const struct model *model = replay_seek(replay, TRACE_BASE_MS + 6);
    assert_int_equal(model->nodes[0]->health.raft_state, HIVE_RAFT_LEADER);
    assert_int_equal(count_events(model, " is LEADER of term 4"), 1);
    model = replay_seek(replay, TRACE_BASE_MS + 8);
    assert_string_equal(model->nodes[0]->health.leader, "queen-2:1");
    assert_int_equal(model->nodes[0]->health.log_last, 9);
    model = replay_seek(replay, TRACE_BASE_MS + 9);
    assert_string_equal(model->nodes[0]->health.leader, "");
    model = replay_seek(replay, TRACE_BASE_MS + 10); /* who says nothing new goes on as he was */
    assert_int_equal(model->nodes[0]->answered_ms, TRACE_BASE_MS + 10);
    model = replay_seek(replay, TRACE_BASE_MS + 500);
    assert_int_equal(model->nodes[0]->condition, CONDITION_DOWN);
    assert_int_equal(count_events(model, "power_loss queen-1:1"), 1);
    assert_int_equal(count_events(model, "members queen-1:1, queen-2:1"), 1);
    enum lane_state cell;
    timeline_cells(&model->timeline, "queen-1:1", model->unix_ms, 1000, &cell, 1);
    assert_int_equal(cell, LANE_CANDIDATE);
    replay_close(replay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_recording_shows_the_same_screens),
        TEST(also_where_nodes_tell_of_each_other),
        TEST(another_cluster_is_another_cluster),
        TEST(damaged_lines_are_named_and_left_out),
        TEST(a_file_that_was_cut_off_is_good),
        TEST(what_is_no_recording_is_refused),
        TEST(any_bytes_are_survived),
        TEST(a_full_disk_ends_the_recording_only),
        TEST(a_film_tells_roles_and_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
