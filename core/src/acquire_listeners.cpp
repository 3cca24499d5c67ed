#include <simul/acquire_listeners.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <system_error>
#include <utility>

namespace simul {
namespace {

[[noreturn]] void fail(const char* call) {
  throw std::system_error(errno, std::system_category(), call);
}

class Fd {
 public:
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

void set_option(int fd, int level, int option, int value, const char* call) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) {
    fail(call);
  }
}

enum class Reuse : bool { first_bind, join_group };

Fd open_tcp(const Endpoint& endpoint, Reuse reuse) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.to_sockaddr(address);
  Fd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) {
    fail("socket");
  }
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (endpoint.family() == Endpoint::Family::ipv6) {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0, "IPV6_V6ONLY");
  }
  if (reuse == Reuse::join_group) {
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  }
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) {
    fail("bind");
  }
  set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");  // accepted sockets inherit it
  return fd;
}

/// Is the file at this path a socket that nobody listens on?
bool is_stale(const sockaddr_storage& address, socklen_t length, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe.get() >= 0 &&
         ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 &&
         errno == ECONNREFUSED;
}

Fd open_unix(const Endpoint& endpoint) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.to_sockaddr(address);
  const std::string path(endpoint.path());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) {
    fail("socket");
  }
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0) {
    return fd;
  }
  const int error = errno;
  if (error == EADDRINUSE && is_stale(address, length, path) && ::unlink(path.c_str()) == 0 &&
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0) {
    return fd;
  }
  errno = error;
  fail("bind");
}

void start_listening(const Fd& fd, const ListenOptions& options) {
  if (::listen(fd.get(), options.backlog) != 0) {
    fail("listen");
  }
}

Endpoint bound_endpoint(const Fd& fd, const Endpoint& asked) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (asked.port() != 0 || asked.family() == Endpoint::Family::local ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return asked;
  }
  return asked.with_port(Endpoint::from_sockaddr(address, length).port());
}

/// Another descriptor of the same socket, for a loop of its own.
Fd duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) {
    fail("dup");
  }
  return copy;
}

/// All are bound before one listens, so that a connection can't come to a group that is not complete.
std::vector<Fd> bind_all(const ListenerConfig& config, std::size_t loops) {
  std::vector<Fd> sockets;
  if (config.endpoint.family() == Endpoint::Family::local) {
    sockets.push_back(open_unix(config.endpoint));
  } else {
    sockets.push_back(open_tcp(config.endpoint, Reuse::first_bind));
    const Endpoint bound = bound_endpoint(sockets.front(), config.endpoint);
    while (sockets.size() < loops) {
      sockets.push_back(open_tcp(bound, Reuse::join_group));
    }
  }
  for (const Fd& socket : sockets) {
    start_listening(socket, config.options);
  }
  return sockets;
}

std::vector<Fd> take_inherited(const Endpoint& endpoint,
                               std::span<const InheritedSocket> inherited) {
  std::vector<Fd> sockets;
  for (const InheritedSocket& socket : inherited) {
    if (socket.endpoint == endpoint) {
      ::fcntl(socket.fd, F_SETFD, FD_CLOEXEC);
      ::fcntl(socket.fd, F_SETFL, ::fcntl(socket.fd, F_GETFL) | O_NONBLOCK);
      sockets.emplace_back(socket.fd);
    }
  }
  return sockets;
}

void acquire(const ListenerConfig& config, std::size_t loops,
             std::span<const InheritedSocket> inherited, std::vector<Fd>& sockets) {
  sockets = take_inherited(config.endpoint, inherited);
  if (sockets.empty()) {
    sockets = bind_all(config, loops);
  }
  for (std::size_t i = 0, own = sockets.size(); sockets.size() < loops; ++i) {
    sockets.push_back(duplicate(sockets[i % own].get()));
  }
}

/// After a failure: what was inherited stays open, for whoever holds it goes on with it.
void give_back(std::vector<std::vector<Fd>>& taken, std::span<const InheritedSocket> inherited) {
  for (Fd& fd : taken | std::views::join) {
    if (std::ranges::find(inherited, fd.get(), &InheritedSocket::fd) != inherited.end()) {
      fd.release();
    }
  }
}

AcquiredListener make_listener(const ListenerConfig& config, std::vector<Fd>& sockets) {
  AcquiredListener acquired{.name = config.name,
                            .endpoint = bound_endpoint(sockets.front(), config.endpoint),
                            .sockets = {}};
  for (Fd& socket : sockets) {
    acquired.sockets.emplace_back(socket.release());
  }
  return acquired;
}

}  // namespace

std::vector<AcquiredListener> acquire_listeners(std::span<const ListenerConfig> configs,
                                                std::size_t loops,
                                                std::span<const InheritedSocket> inherited) {
  std::vector<std::vector<Fd>> sockets(configs.size());
  for (std::size_t i = 0; i < configs.size(); ++i) {
    try {
      acquire(configs[i], loops, inherited, sockets[i]);
    } catch (const std::system_error& error) {
      give_back(sockets, inherited);
      throw std::system_error(
          error.code(), "listener '" + configs[i].name + "': " + configs[i].endpoint.to_string());
    }
  }
  std::vector<AcquiredListener> acquired;
  acquired.reserve(configs.size());
  for (std::size_t i = 0; i < configs.size(); ++i) {
    acquired.push_back(make_listener(configs[i], sockets[i]));
  }
  return acquired;
}

SocketListener listen(const Endpoint& endpoint, const ListenOptions& options) {
  try {
    Fd fd = endpoint.family() == Endpoint::Family::local ? open_unix(endpoint)
                                                         : open_tcp(endpoint, Reuse::first_bind);
    start_listening(fd, options);
    return SocketListener(fd.release());
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), endpoint.to_string());
  }
}

}  // namespace simul
