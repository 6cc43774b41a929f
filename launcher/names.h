/* The names of clusters that were given none: hive-a to hive-z, then hive-aa and so on. Pure. */
#ifndef LAUNCHER_NAMES_H
#define LAUNCHER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "hive/limits.h"

/* The name number `index`, from 0. */
void names_make(size_t index, char name[HIVE_NAME_BYTES]);

/* The first name that is not among `taken`. */
void names_choose(char *const *taken, size_t count, char name[HIVE_NAME_BYTES]);

#endif
