/* Errors that a person can act on. A function that can fail returns 0 or a negative errno value, and takes a
 * `struct hive_error *` as its last argument, which it fills with one sentence: what failed, on what, and
 * what to do next. Only the top of a program prints it. NULL is allowed where the text is of no use. */
#ifndef HIVE_ERROR_H
#define HIVE_ERROR_H

#define HIVE_ERROR_BYTES 512

struct hive_error {
    char message[HIVE_ERROR_BYTES]; /* one line, no full stop, no newline; empty when nothing failed */
};

/* Sets the message and returns `code`, so that a caller can write `return hive_error_set(error, -EINVAL, …)`.
 */
int hive_error_set(struct hive_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "WHERE: " before the message that is there, and returns `code`. */
int hive_error_prefix(struct hive_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
