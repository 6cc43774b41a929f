/* The one decoder of UTF-8: JSON, logs and the check of names must agree on what is text. */
#include "base/utf8.h"

#include <stdint.h>

size_t hive_utf8_character(const char *text, size_t bytes)
{
    const uint8_t *at = (const uint8_t *)text;
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || bytes < length)
        return 0;
    /* The second byte carries what overlong forms, surrogates and too large characters are known by. */
    uint8_t low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}
