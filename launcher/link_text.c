/* Lenient about how it is written, because a "±" is hard to type, and strict about what it means. */
#include "link_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MAX_MS 60000

/* Digits with a decimal point, by hand: strtod knows hexadecimals, locales and infinity. Returns where they end, NULL
 * where there are none. */
static const char *parse_number(const char *text, double *value)
{
    double scale = 1;
    size_t digits = 0;
    bool has_point = false;
    *value = 0;
    for (; isdigit((unsigned char)*text) || (*text == '.' && !has_point); text++) {
        if (*text == '.') {
            has_point = true;
            continue;
        }
        if (++digits > 9)
            return NULL;
        scale *= has_point ? 10 : 1;
        *value = *value * 10 + (*text - '0');
    }
    *value /= scale;
    return digits ? text : NULL;
}

/* A number and its unit; `whole_ms` is what a percentage is of (negative: none is allowed). */
static const char *parse_duration(const char *text, double whole_ms, double *ms)
{
    text = parse_number(text, ms);
    if (!text)
        return NULL;
    while (*text == ' ')
        text++;
    if (strncmp(text, "ms", 2) == 0)
        return text + 2;
    if (*text == 's') {
        *ms *= 1000;
        return text + 1;
    }
    if (*text == '%' && whole_ms >= 0) {
        *ms *= whole_ms / 100;
        return text + 1;
    }
    return text;
}

/* Behind "±", "+-", "+/-" or "~"; NULL where there is none of them. */
static const char *skip_sign(const char *text)
{
    static const char *const signs[] = {"±", "+/-", "+-", "~"};
    while (*text == ' ')
        text++;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(text, signs[i], strlen(signs[i])) == 0) {
            text += strlen(signs[i]);
            while (*text == ' ')
                text++;
            return text;
        }
    return NULL;
}

int link_text_parse_delay(const char *text, struct link_change *change, struct hive_error *error)
{
    double delay_ms, jitter_ms = 0;
    const char *rest = parse_duration(text, -1, &delay_ms);
    const char *sign = rest && *rest ? skip_sign(rest) : NULL;
    if (sign)
        rest = parse_duration(sign, delay_ms, &jitter_ms);
    if (!rest || *rest || delay_ms > DELAY_MAX_MS)
        return hive_error_set(
            error, -EINVAL,
            "'%.40s' is no delay up to a minute: write 50ms, or 50ms±10 (also 50ms+-10, 50ms~10)", text);
    if (jitter_ms > delay_ms)
        return hive_error_set(error, -EINVAL,
                              "'%.40s' could be less than no delay: the part behind ± is too much", text);
    change->kind = LINK_DELAY;
    change->delay_ms = (int64_t)(delay_ms + 0.5);
    change->jitter_ms = (int64_t)(jitter_ms + 0.5);
    return 0;
}

int link_text_parse_loss(const char *text, struct link_change *change, struct hive_error *error)
{
    const char *rest = parse_number(text, &change->loss_percent);
    if (rest && *rest == '%')
        rest++;
    if (!rest || *rest || change->loss_percent > 100)
        return hive_error_set(error, -EINVAL,
                              "'%.40s' is no part of the messages: write 10%%, from 0%% to 100%%", text);
    change->kind = LINK_LOSE;
    return 0;
}

void link_text_format(const struct link *link, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    if (link->is_cut) {
        snprintf(text, bytes, "cut");
        return;
    }
    if (link->delay_ms || link->jitter_ms)
        used = (size_t)snprintf(text, bytes, "%lld ms", (long long)link->delay_ms);
    if (link->jitter_ms && used < bytes)
        used += (size_t)snprintf(text + used, bytes - used, " ± %lld ms", (long long)link->jitter_ms);
    if (link->loss_percent > 0 && used < bytes)
        snprintf(text + used, bytes - used, "%sloses %g %%", used ? ", " : "", link->loss_percent);
}
