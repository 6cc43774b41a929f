/* The smallest editor that is of use, for all that is typed in the dashboard: tasks, names, what to find. */
#include "line.h"

#include <string.h>

#include "keys.h"

static void erase_character(char *text)
{
    size_t bytes = strlen(text);
    while (bytes > 0 && ((unsigned char)text[--bytes] & 0xc0) == 0x80)
        continue;
    text[bytes] = '\0';
}

static bool ends_in_blank(const char *text)
{
    size_t bytes = strlen(text);
    return bytes > 0 && text[bytes - 1] == ' ';
}

static void erase_word(char *text)
{
    while (ends_in_blank(text))
        erase_character(text);
    while (text[0] && !ends_in_blank(text))
        erase_character(text);
}

/* Appends the character as UTF-8, which is what JSON is made of. */
static void type_character(char *text, size_t capacity, int key)
{
    unsigned rune = (unsigned)key;
    char bytes[4];
    size_t count = 0, used = strlen(text);
    if (rune < 0x80) {
        bytes[count++] = (char)rune;
    } else if (rune < 0x800) {
        bytes[count++] = (char)(0xc0 | rune >> 6);
    } else if (rune < 0x10000) {
        bytes[count++] = (char)(0xe0 | rune >> 12);
        bytes[count++] = (char)(0x80 | (rune >> 6 & 0x3f));
    } else {
        bytes[count++] = (char)(0xf0 | rune >> 18);
        bytes[count++] = (char)(0x80 | (rune >> 12 & 0x3f));
        bytes[count++] = (char)(0x80 | (rune >> 6 & 0x3f));
    }
    if (rune >= 0x80)
        bytes[count++] = (char)(0x80 | (rune & 0x3f));
    if (used + count >= capacity)
        return;
    memcpy(text + used, bytes, count);
    text[used + count] = '\0';
}

bool line_key(char *text, size_t capacity, int key)
{
    switch (key) {
    case KEYS_BACKSPACE:
        erase_character(text);
        return true;
    case KEYS_CONTROL_W:
        erase_word(text);
        return true;
    case KEYS_CONTROL_U:
        text[0] = '\0';
        return true;
    default:
        if (key < ' ' || key >= KEYS_UP)
            return false;
        type_character(text, capacity, key);
        return true;
    }
}
