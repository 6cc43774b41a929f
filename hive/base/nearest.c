/* "Did you mean": which of the known names is the one that was mistyped. */
#include "base/options_table.h"

enum { LONGEST = 63 }; /* bytes of the longest name that is compared: no option or verb comes near */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters must be put in, left out, changed or swapped with their neighbour to get from `a` to `b`.
 */
static size_t edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST)
        return SIZE_MAX;
    size_t rows[3]
               [LONGEST + 1]; /* of the table of distances between all beginnings: the last three suffice */
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            now[j] = smallest(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b_length];
}

void hive_nearest_consider(struct hive_nearest *nearest, const char *name)
{
    size_t distance = edit_distance(nearest->typed, name);
    size_t limit = nearest->name ? nearest->distance : strlen(nearest->typed) / 3 + 2;
    if (distance < limit) {
        nearest->name = name;
        nearest->distance = distance;
    }
}
