/* The arguments for nodes come in one option ("--queen-args"), so that they can be told from the launcher's own. A
 * shell has expanded what was to be expanded before, so only its quotes are known here. */
#include "words.h"

#include <ctype.h>
#include <errno.h>

#include "hive/buffer.h"

/* Takes one word from `*at`; false where the quote that it opens is never closed. */
static bool take_word(const char **at, struct hive_buffer *word)
{
    char quote = '\0';
    for (; **at && (quote || !isspace((unsigned char)**at)); ++*at) {
        char c = **at;
        bool is_escape = c == '\\' && quote != '\'' && (*at)[1];
        if (is_escape) {
            hive_buffer_append(word, ++*at, 1);
        } else if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? '\0' : c;
        } else {
            hive_buffer_append(word, &c, 1);
        }
    }
    return !quote;
}

int words_split(const char *text, struct hive_strings *words, struct hive_error *error)
{
    struct hive_buffer word = {0};
    int result = 0;
    for (const char *at = text; !result;) {
        while (isspace((unsigned char)*at))
            at++;
        if (!*at)
            break;
        hive_buffer_clear(&word);
        hive_buffer_append_text(&word, "");
        if (take_word(&at, &word))
            hive_strings_append(words, word.data, word.size);
        else
            result = hive_error_set(error, -EINVAL, "a quote is not closed in: %s", text);
    }
    hive_buffer_finish(&word);
    return result;
}
