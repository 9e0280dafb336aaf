#define _GNU_SOURCE
#include "CCurl.h"

// The typed wrappers of this file are the type check that curl's macros would do.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

static struct {
  CURLcode (*global_init)(long);
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *);
  CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
  const char *(*easy_strerror)(CURLcode);
  CURLM *(*multi_init)(void);
  CURLMcode (*multi_cleanup)(CURLM *);
  CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
  CURLMcode (*multi_add_handle)(CURLM *, CURL *);
  CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
  CURLMcode (*multi_perform)(CURLM *, int *);
  CURLMcode (*multi_poll)(CURLM *, struct curl_waitfd *, unsigned, int, int *);
  CURLMcode (*multi_wakeup)(CURLM *);
  CURLMsg *(*multi_info_read)(CURLM *, int *);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
} curl;

static const char *failure;
static char message[512];

static void *find(void *library, const char *name) {
  void *symbol = dlsym(library, name);
  if (!symbol && !failure) {
    snprintf(message, sizeof message, "libcurl.so.4 has no %s: it is too old", name);
    failure = message;
  }
  return symbol;
}

static void load(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(message, sizeof message, "libcurl.so.4 cannot be loaded: %s", dlerror());
    failure = message;
    return;
  }
#define FIND(name) *(void **)&curl.name = find(library, "curl_" #name)
  FIND(global_init);
  FIND(easy_init);
  FIND(easy_cleanup);
  FIND(easy_setopt);
  FIND(easy_getinfo);
  FIND(easy_strerror);
  FIND(multi_init);
  FIND(multi_cleanup);
  FIND(multi_setopt);
  FIND(multi_add_handle);
  FIND(multi_remove_handle);
  FIND(multi_perform);
  FIND(multi_poll);
  FIND(multi_wakeup);
  FIND(multi_info_read);
  FIND(slist_append);
  FIND(slist_free_all);
#undef FIND
  if (failure) return;
  // OpenSSL's own exit handler frees what the network thread may still use when the process ends.
  // Found through libcurl, so that it is the same OpenSSL.
  int (*init)(uint64_t, const void *) = (int (*)(uint64_t, const void *))dlsym(library, "OPENSSL_init_crypto");
  if (init) init(OPENSSL_INIT_NO_ATEXIT, NULL);
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) failure = "libcurl cannot be initialised";
}

const char *mrh_curl_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return failure;
}

CURL *mrh_easy_init(void) { return curl.easy_init(); }
void mrh_easy_cleanup(CURL *easy) { curl.easy_cleanup(easy); }

CURLcode mrh_easy_set_long(CURL *easy, CURLoption option, long value) { return curl.easy_setopt(easy, option, value); }
CURLcode mrh_easy_set_string(CURL *easy, CURLoption option, const char *value) {
  return curl.easy_setopt(easy, option, value);
}
CURLcode mrh_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return curl.easy_setopt(easy, option, value);
}
CURLcode mrh_easy_set_pointer(CURL *easy, CURLoption option, void *value) {
  return curl.easy_setopt(easy, option, value);
}
CURLcode mrh_easy_set_headers(CURL *easy, struct curl_slist *list) {
  return curl.easy_setopt(easy, CURLOPT_HTTPHEADER, list);
}
CURLcode mrh_easy_set_data(CURL *easy, CURLoption option, size_t (*function)(char *, size_t, size_t, void *)) {
  return curl.easy_setopt(easy, option, function);
}
CURLcode mrh_easy_set_seek(CURL *easy, int (*function)(void *, curl_off_t, int)) {
  return curl.easy_setopt(easy, CURLOPT_SEEKFUNCTION, function);
}
CURLcode mrh_easy_set_progress(CURL *easy,
                               int (*function)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t)) {
  return curl.easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, function);
}
CURLcode mrh_easy_set_prerequest(CURL *easy, int (*function)(void *, char *, char *, int, int)) {
  return curl.easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
}

static curl_socket_t open_socket(void *unused, curlsocktype purpose, struct curl_sockaddr *address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
CURLcode mrh_easy_close_sockets_on_exec(CURL *easy) {
  return curl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

long mrh_easy_get_long(CURL *easy, CURLINFO info) {
  long value = 0;
  curl.easy_getinfo(easy, info, &value);
  return value;
}

const char *mrh_easy_strerror(CURLcode code) { return curl.easy_strerror(code); }

CURLM *mrh_multi_init(void) { return curl.multi_init(); }
void mrh_multi_cleanup(CURLM *multi) { curl.multi_cleanup(multi); }
CURLMcode mrh_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl.multi_setopt(multi, option, value);
}
CURLMcode mrh_multi_add(CURLM *multi, CURL *easy) { return curl.multi_add_handle(multi, easy); }
CURLMcode mrh_multi_remove(CURLM *multi, CURL *easy) { return curl.multi_remove_handle(multi, easy); }
CURLMcode mrh_multi_perform(CURLM *multi, int *running) { return curl.multi_perform(multi, running); }
CURLMcode mrh_multi_poll(CURLM *multi, int milliseconds) {
  return curl.multi_poll(multi, NULL, 0, milliseconds, NULL);
}
CURLMcode mrh_multi_wakeup(CURLM *multi) { return curl.multi_wakeup(multi); }

CURL *mrh_multi_next_done(CURLM *multi, CURLcode *code) {
  int left = 0;
  for (CURLMsg *next; (next = curl.multi_info_read(multi, &left));) {
    if (next->msg != CURLMSG_DONE) continue;
    *code = next->data.result;
    return next->easy_handle;
  }
  return NULL;
}

struct curl_slist *mrh_slist_append(struct curl_slist *list, const char *line) {
  return curl.slist_append(list, line);
}
void mrh_slist_free(struct curl_slist *list) { curl.slist_free_all(list); }
