#include "inspect/socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/inspector.hpp>

namespace simul::detail {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::system_category(), what);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Makes the folder if need be. Throws unless it is ours alone: in /tmp anybody may have made it first.
void take_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    fail(errno, path);
  }
  const Descriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat state{};
  if (folder.get() < 0 || ::fstat(folder.get(), &state) != 0) {
    fail(errno, path);
  }
  if (state.st_uid != ::geteuid()) {
    fail(EPERM, path + " belongs to another user");
  }
  if ((state.st_mode & 077U) != 0) {
    fail(EPERM, path + " is open to other users (chmod 700)");
  }
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    fail(ENAMETOOLONG, path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool somebody_listens(const sockaddr_un& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno == EAGAIN;
}

int listen_at(const std::string& path) {
  const sockaddr_un address = address_of(path);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) {
    fail(errno, "socket");
  }
  struct stat state{};
  if (::lstat(path.c_str(), &state) == 0 && S_ISSOCK(state.st_mode)) {
    if (somebody_listens(address)) {
      fail(EADDRINUSE, path);
    }
    ::unlink(path.c_str());  // left by a process that had this id before
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), 8) != 0) {
    fail(errno, path);
  }
  return fd.release();
}

}  // namespace

InspectorSocket::InspectorSocket(const std::string& path) : path_(path), owner_(::getpid()) {
  if (!path_.empty()) {
    fd_ = listen_at(path_);
    return;
  }
  const std::vector<std::string> folders = inspector_folders(::geteuid());
  for (const std::string& folder : folders) {
    try {
      take_folder(folder);
      path_ = folder + '/' + std::to_string(owner_) + ".sock";
      fd_ = listen_at(path_);
      return;
    } catch (const std::system_error&) {
      // XDG_RUNTIME_DIR may be that of the user before su, or gone.
      if (folder == folders.back()) {
        throw;
      }
    }
  }
}

InspectorSocket::~InspectorSocket() {
  if (!is_of_parent()) {
    ::unlink(path_.c_str());
  }
  ::close(fd_);
}

bool InspectorSocket::is_of_parent() const noexcept { return ::getpid() != owner_; }

int InspectorSocket::accept() const noexcept {
  return ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool InspectorSocket::may_ask(int client) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace simul::detail
