#include "net/curl_library.hpp"

#include <dlfcn.h>

#include <atomic>
#include <memory>
#include <string>

namespace trunkline::net {
namespace {

constexpr unsigned kOldest = 0x074400;  // 7.68: curl_multi_wakeup
constexpr uint64_t kOpensslNoAtexit = 0x00080000;

template <class Function>
bool find(void* handle, const char* name, Function* out) {
  *out = reinterpret_cast<Function>(dlsym(handle, name));
  return *out != nullptr;
}

bool find_all(void* handle, CurlLibrary* out) {
  return find(handle, "curl_easy_init", &out->easy_init) && find(handle, "curl_easy_cleanup", &out->easy_cleanup) &&
         find(handle, "curl_easy_setopt", &out->easy_setopt) && find(handle, "curl_easy_getinfo", &out->easy_getinfo) &&
         find(handle, "curl_easy_strerror", &out->easy_strerror) && find(handle, "curl_multi_init", &out->multi_init) &&
         find(handle, "curl_multi_cleanup", &out->multi_cleanup) &&
         find(handle, "curl_multi_setopt", &out->multi_setopt) &&
         find(handle, "curl_multi_add_handle", &out->multi_add_handle) &&
         find(handle, "curl_multi_remove_handle", &out->multi_remove_handle) &&
         find(handle, "curl_multi_perform", &out->multi_perform) && find(handle, "curl_multi_poll", &out->multi_poll) &&
         find(handle, "curl_multi_wakeup", &out->multi_wakeup) &&
         find(handle, "curl_multi_info_read", &out->multi_info_read) &&
         find(handle, "curl_slist_append", &out->slist_append) &&
         find(handle, "curl_slist_free_all", &out->slist_free_all);
}

// OpenSSL tears itself down when the program exits, before the library delivers what is left. Unless the program has
// begun to use it already, it is told not to.
void keep_openssl_until_the_end(void* handle) {
  int (*init)(uint64_t, const void*) = nullptr;
  if (find(handle, "OPENSSL_init_crypto", &init)) init(kOpensslNoAtexit, nullptr);
}

void* open_library() {
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) {
    if (void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return handle;
  }
  return nullptr;
}

Expected<std::unique_ptr<CurlLibrary>> load_now() {
  void* handle = open_library();
  if (handle == nullptr) return Error{TR_EUNSUPPORTED, "libcurl (libcurl.so.4) is not installed"};
  curl_version_info_data* (*version)(CURLversion) = nullptr;
  CURLcode (*global_init)(long) = nullptr;
  auto library = std::make_unique<CurlLibrary>();
  if (!find(handle, "curl_version_info", &version) || version(CURLVERSION_FIRST)->version_num < kOldest ||
      !find(handle, "curl_global_init", &global_init) || !find_all(handle, library.get())) {
    return Error{TR_EUNSUPPORTED, "the installed libcurl is older than 7.68"};
  }
  keep_openssl_until_the_end(handle);
  if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return Error{TR_ENOMEM, "libcurl cannot be started"};
  return library;
}

}  // namespace

Expected<const CurlLibrary*> CurlLibrary::load() {
  // Of the process, as the library itself is: a child inherits both. Two loads at once are one too many, not wrong.
  static std::atomic<const CurlLibrary*> loaded{nullptr};
  if (const CurlLibrary* library = loaded.load(std::memory_order_acquire)) return library;
  auto fresh = load_now();
  if (!fresh) return fresh.error();
  const CurlLibrary* expected = nullptr;
  if (loaded.compare_exchange_strong(expected, fresh->get(), std::memory_order_acq_rel)) return fresh->release();
  return expected;
}

}  // namespace trunkline::net
