// The open sockets of the network. On all of them acknowledgements are asked for at once: a server that sends the head
// and the body of an answer separately waits for one between the two, and the kernel would take 40 ms for it.
#pragma once

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace trunkline::net {

class SocketList {
 public:
  // As libcurl calls them.
  static curl_socket_t open(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    static_cast<SocketList*>(self)->open_.push_back(fd);
    return fd;
  }
  static int close(void* self, curl_socket_t fd) {
    auto& all = static_cast<SocketList*>(self)->open_;
    all.erase(std::remove(all.begin(), all.end(), fd), all.end());
    return ::close(fd);
  }

  // The kernel forgets it with every answer.
  void acknowledge_at_once() const {
    const int yes = 1;
    for (const int fd : open_) static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes));
  }

 private:
  std::vector<int> open_;
};

}  // namespace trunkline::net
