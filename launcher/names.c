/* Names that are easy to say and to type, for clusters that live as long as a terminal does. */
#include "names.h"

#include <stdio.h>
#include <string.h>

void names_make(size_t index, char name[HIVE_NAME_BYTES])
{
    char letters[16]; /* 26^14 exceeds any size_t */
    size_t at = sizeof letters - 1;
    letters[at] = '\0';
    for (size_t rest = index + 1; rest > 0; rest = (rest - 1) / 26)
        letters[--at] = (char)('a' + (rest - 1) % 26);
    snprintf(name, HIVE_NAME_BYTES, "hive-%s", letters + at);
}

static bool is_among(char *const *taken, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(taken[i], name) == 0)
            return true;
    return false;
}

void names_choose(char *const *taken, size_t count, char name[HIVE_NAME_BYTES])
{
    size_t index = 0;
    do
        names_make(index++, name);
    while (is_among(taken, count, name));
}
