/* How long ago, for a person. Pure. */
#ifndef LAUNCHER_AGE_H
#define LAUNCHER_AGE_H

#include <stdint.h>

#define AGE_BYTES 32

/* "12s", "3m12s", "2h05m", "3d07h". */
void age_format(int64_t ms, char text[AGE_BYTES]);

#endif
