/* Lessons as files: what a teacher writes, parsed and checked before anything is done. Pure but for reading. */
#ifndef LAUNCHER_LESSON_FILE_H
#define LAUNCHER_LESSON_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/options.h"

enum lesson_word {
    LESSON_TITLE,
    LESSON_ABOUT,
    LESSON_QUEENS,
    LESSON_DRONES,
    LESSON_OPTIONS,
    LESSON_SAY,
    LESSON_PAUSE,
    LESSON_LET,
    LESSON_DO,
    LESSON_PUT,
    LESSON_AWAIT,
    LESSON_CLAIM,
    LESSON_NEVER,
    LESSON_WORDS
};

/* What each instruction is called, what stands behind it, and what it does: the reference in one table. */
struct lesson_instruction {
    const char *name, *synopsis, *help;
    int words_min, words_max; /* behind the name; -1: any number */
    bool is_head;             /* stands before the first step, once */
    bool is_text;             /* the rest of the line is prose, and not divided into words */
};
extern const struct lesson_instruction lesson_instructions[LESSON_WORDS];

struct lesson_step {
    enum lesson_word word;
    int line;
    struct hive_strings words; /* owned; of a text: one, the line */
    char *reason;              /* owned; what stands behind " -- "; NULL: nothing */
};

struct lesson {
    char *path;                  /* owned */
    char *title, *about;         /* owned; never NULL once loaded */
    int64_t queens, drones;      /* that it needs */
    struct hive_strings options; /* owned: of the launcher, for a cluster that is started for it */
    struct lesson_step *steps;   /* owned */
    size_t count;
};

/* 0, or a negative errno with a message that names file and line and says what was expected. */
int lesson_load(const char *path, struct lesson *lesson, struct hive_error *error);
int lesson_parse(const char *path, const char *text, struct lesson *lesson, struct hive_error *error);
void lesson_finish(struct lesson *lesson);

/* The file of the lesson NAME, as a new string; a name with a slash is a path already. -ENOENT with a message that says where
 * lessons are looked for. */
int lesson_find(const char *name, char **path, struct hive_error *error);

/* The names of all lessons that are found, sorted. */
void lesson_names(struct hive_strings *names);

#endif
