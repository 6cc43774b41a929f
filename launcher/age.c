/* Two units are enough: nobody reads the seconds of a day. */
#include "age.h"

#include <stdio.h>

void age_format(int64_t ms, char text[AGE_BYTES])
{
    long long seconds = ms < 0 ? 0 : (long long)(ms / 1000);
    if (seconds < 60)
        snprintf(text, AGE_BYTES, "%llds", seconds);
    else if (seconds < 3600)
        snprintf(text, AGE_BYTES, "%lldm%02llds", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(text, AGE_BYTES, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
    else
        snprintf(text, AGE_BYTES, "%lldd%02lldh", seconds / 86400, seconds / 3600 % 24);
}
