/* The transcripts in tests/trace/: each is a test. With HIVE_REWRITE=1 they are written anew: read the
 * difference before you keep it. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hive/file.h"
#include "hive/memory.h"
#include "lib/transcript.h"

#define TRANSCRIPTS 64
#define BYTES_MAX   (1024 * 1024)

static const char *folder(void)
{
    const char *given = getenv("HIVE_TRACES");
    return given ? given : "tests/trace";
}

/* The first line in which the two differ, for the message. */
static void show_difference(const char *recorded, const char *played)
{
    int line = 1;
    const char *start = recorded, *played_start = played;
    for (; *recorded && *recorded == *played; recorded++, played++)
        if (*recorded == '\n') {
            line++;
            start = recorded + 1;
            played_start = played + 1;
        }
    fail_msg("line %d differs\n  recorded: %.*s\n  played:   %.*s\n(HIVE_REWRITE=1 records it anew)", line,
             (int)strcspn(start, "\n"), start, (int)strcspn(played_start, "\n"), played_start);
}

static void test_transcript(void **state)
{
    const char *path = *state;
    struct hive_buffer recorded = {0}, played = {0};
    struct hive_error error;
    if (hive_file_read(path, BYTES_MAX, &recorded, &error) < 0)
        fail_msg("%s", error.message);
    hive_buffer_append(&recorded, "", 1);
    transcript_play(recorded.data, &played);
    if (getenv("HIVE_REWRITE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(played.data, 1, played.size, file), played.size);
        assert_int_equal(fclose(file), 0);
    }
    hive_buffer_append(&played, "", 1);
    if (!getenv("HIVE_REWRITE") && strcmp(recorded.data, played.data) != 0)
        show_difference(recorded.data, played.data);
    hive_buffer_finish(&recorded);
    hive_buffer_finish(&played);
}

static int is_transcript(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".txt") == 0;
}

int main(void)
{
    struct CMUnitTest tests[TRANSCRIPTS] = {0};
    struct dirent **names;
    int count = scandir(folder(), &names, is_transcript, alphasort);
    if (count <= 0 || count > TRANSCRIPTS) {
        fprintf(stderr, "no transcripts in %s (start this at the project's root, or set HIVE_TRACES)\n",
                folder());
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char *path = hive_format("%s/%s", folder(), names[i]->d_name);
        tests[i] = (struct CMUnitTest){
            .name = names[i]->d_name, .test_func = test_transcript, .initial_state = path};
    }
    int failed = _cmocka_run_group_tests("transcripts", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++) {
        free(tests[i].initial_state);
        free(names[i]);
    }
    free(names);
    return failed;
}
