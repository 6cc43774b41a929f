/* Expressions are compiled while they are typed, so one that could take the program's time or memory is refused:
 * references back, and repetition counts that multiply. */
#include "log_pattern.h"

#include <string.h>

/* Why the expression would be too much work, or NULL. */
static const char *find_danger(const char *text)
{
    int counts = 0;
    for (const char *at = text; *at; at++) {
        if (*at == '\\' && at[1]) {
            if (*++at >= '1' && *at <= '9')
                return "no references back, please";
        } else if (*at == '{') {
            size_t digits = strspn(at + 1, "0123456789,");
            if (++counts > 1 || digits > 5)
                return "one short {count} at most, please";
        }
    }
    return NULL;
}

void log_pattern_finish(struct log_pattern *pattern)
{
    if (pattern->is_compiled)
        regfree(&pattern->compiled);
    pattern->is_compiled = false;
}

void log_pattern_update(struct log_pattern *pattern)
{
    log_pattern_finish(pattern);
    const char *text = pattern->source;
    pattern->is_inverted = *text == '!';
    text += pattern->is_inverted;
    pattern->is_expression = *text == '~';
    text += pattern->is_expression;
    pattern->text = text;
    pattern->problem = NULL;
    if (!pattern->is_expression || !*text)
        return;
    pattern->problem = find_danger(text);
    if (!pattern->problem) {
        pattern->is_compiled = regcomp(&pattern->compiled, text, REG_EXTENDED | REG_ICASE) == 0;
        pattern->problem = pattern->is_compiled ? NULL : "not an expression yet";
    }
}

bool log_pattern_place(const struct log_pattern *pattern, const char *text, size_t from, size_t *start,
                       size_t *end)
{
    if (!pattern->source[0] || !pattern->text[0] || pattern->problem)
        return false;
    if (!pattern->is_expression) {
        const char *at = strcasestr(text + from, pattern->text);
        if (!at)
            return false;
        *start = (size_t)(at - text);
        *end = *start + strlen(pattern->text);
        return true;
    }
    regmatch_t match;
    if (regexec(&pattern->compiled, text + from, 1, &match, from > 0 ? REG_NOTBOL : 0))
        return false;
    *start = from + (size_t)match.rm_so;
    *end = from + (size_t)match.rm_eo;
    return true;
}

bool log_pattern_fits(const struct log_pattern *pattern, const char *text)
{
    size_t start, end;
    if (!pattern->source[0] || !pattern->text[0])
        return true;
    if (pattern->problem)
        return false;
    return log_pattern_place(pattern, text, 0, &start, &end) != pattern->is_inverted;
}
