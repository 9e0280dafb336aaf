#pragma once

// The part of libcurl that is used, with one function per type of its variadic options.
//
// libcurl is not linked but loaded by the first client: linking it maps some thirty libraries before main,
// which costs 6.6 MB and 3 ms, and `mrhealth --version` has to stay under 12 MB and 10 ms.
// The headers (package libcurl4-openssl-dev) are needed to build, the library (libcurl4) to run.

#include <curl/curl.h>

/// Loads libcurl and initialises it and OpenSSL, once; safe from any thread. Nothing else here may be
/// called before it has succeeded.
/// Returns NULL, or why libcurl cannot be used.
const char *mrh_curl_load(void);

CURL *mrh_easy_init(void);
void mrh_easy_cleanup(CURL *easy);
CURLcode mrh_easy_set_long(CURL *easy, CURLoption option, long value);
CURLcode mrh_easy_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode mrh_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value);
CURLcode mrh_easy_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode mrh_easy_set_headers(CURL *easy, struct curl_slist *list);
/// For CURLOPT_HEADERFUNCTION, CURLOPT_READFUNCTION and CURLOPT_WRITEFUNCTION.
CURLcode mrh_easy_set_data(CURL *easy, CURLoption option, size_t (*function)(char *, size_t, size_t, void *));
CURLcode mrh_easy_set_seek(CURL *easy, int (*function)(void *, curl_off_t, int));
CURLcode mrh_easy_set_progress(CURL *easy,
                               int (*function)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t));
CURLcode mrh_easy_set_prerequest(CURL *easy, int (*function)(void *, char *, char *, int, int));
/// Sockets that a child process does not inherit; libcurl 7.88's own are not so.
CURLcode mrh_easy_close_sockets_on_exec(CURL *easy);
long mrh_easy_get_long(CURL *easy, CURLINFO info);
const char *mrh_easy_strerror(CURLcode code);

CURLM *mrh_multi_init(void);
void mrh_multi_cleanup(CURLM *multi);
CURLMcode mrh_multi_set_long(CURLM *multi, CURLMoption option, long value);
CURLMcode mrh_multi_add(CURLM *multi, CURL *easy);
CURLMcode mrh_multi_remove(CURLM *multi, CURL *easy);
CURLMcode mrh_multi_perform(CURLM *multi, int *running);
CURLMcode mrh_multi_poll(CURLM *multi, int milliseconds);
CURLMcode mrh_multi_wakeup(CURLM *multi);
/// The next transfer that has ended; NULL when there is none.
CURL *mrh_multi_next_done(CURLM *multi, CURLcode *code);

/// NULL when there is no memory; the list is then as it was.
struct curl_slist *mrh_slist_append(struct curl_slist *list, const char *line);
void mrh_slist_free(struct curl_slist *list);
