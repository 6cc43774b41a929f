/* What the palette's filter lets through, and in which order. */
#include "fuzzy.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define SCORE_LETTER 1
#define SCORE_ROW    4 /* the letter before fitted too */
#define SCORE_WORD   3 /* it begins a word … */
#define SCORE_FIRST  5 /* … or the text */

static bool begins_word(const char *text, const char *at)
{
    return at == text || (!isalnum((unsigned char)at[-1]) && isalnum((unsigned char)*at));
}

/* Takes each letter at its first place from `from` on. */
static int score_from(const char *pattern, const char *text, const char *from)
{
    int score = 0;
    const char *last = NULL, *at = from;
    for (; *pattern; pattern++) {
        if (*pattern == ' ')
            continue;
        while (*at && tolower((unsigned char)*at) != tolower((unsigned char)*pattern))
            at++;
        if (!*at)
            return -1;
        score += SCORE_LETTER + (last && at == last + 1 ? SCORE_ROW : 0) +
                 (begins_word(text, at) ? SCORE_WORD : 0) + (at == text ? SCORE_FIRST : 0);
        last = at++;
    }
    return score;
}

/* Where to begin makes the difference ("ill" in "it will kill"): every beginning is tried. */
int fuzzy_score(const char *pattern, const char *text)
{
    pattern += strspn(pattern, " ");
    if (!*pattern)
        return 0;
    int best = -1;
    for (const char *from = text; *from; from++) {
        int score = score_from(pattern, text, from);
        best = score > best ? score : best;
    }
    return best;
}
