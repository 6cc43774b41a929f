/* One lesson, from its first word to its last. Main thread only. */
#ifndef LAUNCHER_LESSON_H
#define LAUNCHER_LESSON_H

#include <stdbool.h>

#include "lesson_file.h"
#include "lesson_stage.h"

struct lesson_run {
    const struct lesson *lesson;
    struct lesson_stage *stage; /* open */
    bool is_auto;               /* waits for nobody */
    bool has_colour;
};

/* Plays it on standard output. HIVE_EXIT_OK: every claim held, or somebody left; HIVE_EXIT_FAILED: one did not, and it was said
 * which. Whatever became of it, links are whole and nodes run again afterwards. */
enum hive_exit lesson_play(const struct lesson_run *run);

#endif
