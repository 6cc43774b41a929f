/* Why a request got no answer: curl's codes, and the system's reasons behind them. */
#include "client/http_failure.h"

#include <errno.h>
#include <stddef.h>

/* What curl's codes mean to the caller. Where the system gave a reason, that one counts. */
static const struct {
    CURLcode code;
    int error_number;
    const char *phrase;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, "unknown host"},
    {CURLE_COULDNT_CONNECT, -ECONNREFUSED, "cannot connect"},
    {CURLE_GOT_NOTHING, -ECONNRESET, "connection closed without an answer"},
    {CURLE_PARTIAL_FILE, -ECONNRESET, "connection closed within the answer"},
    {CURLE_SEND_ERROR, -ECONNRESET, "connection reset"},
    {CURLE_RECV_ERROR, -ECONNRESET, "connection reset"},
    {CURLE_URL_MALFORMAT, -EIO, "not a valid URL"},
    {CURLE_UNSUPPORTED_PROTOCOL, -EIO, "that is no HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, -EIO, "that is no HTTP"},
};

/* Reasons for a connection that could not be made. */
static const struct {
    int os_error, error_number;
    const char *phrase;
} connect_failures[] = {
    {ECONNREFUSED, -ECONNREFUSED, "connection refused"},
    {ENOENT, -ECONNREFUSED, "there is no such socket"},
    {ETIMEDOUT, -ETIMEDOUT, "timed out while connecting"},
    {EHOSTUNREACH, -EHOSTUNREACH, "no route to the host"},
    {ENETUNREACH, -EHOSTUNREACH, "network unreachable"},
    {EACCES, -EIO, "not allowed to connect"},
};

int http_failure_describe(CURLcode code, long os_error, const char **phrase)
{
    int error_number = -EIO;
    *phrase = curl_easy_strerror(code);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].code == code) {
            *phrase = failures[i].phrase;
            error_number = failures[i].error_number;
        }
    for (size_t i = 0; i < sizeof connect_failures / sizeof connect_failures[0]; i++)
        if (code == CURLE_COULDNT_CONNECT && connect_failures[i].os_error == os_error) {
            *phrase = connect_failures[i].phrase;
            error_number = connect_failures[i].error_number;
        }
    return error_number;
}
