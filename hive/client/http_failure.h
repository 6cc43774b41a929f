/* Why a request got no answer, in the words of people. Private to libhive's HTTP client. */
#ifndef CLIENT_HTTP_FAILURE_H
#define CLIENT_HTTP_FAILURE_H

#include <curl/curl.h>

/* The negative errno that stands for curl's `code`, where the system gave `os_error` as the reason (0: none), and a phrase. */
int http_failure_describe(CURLcode code, long os_error, const char **phrase);

#endif
