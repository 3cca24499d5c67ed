// InspectorSocket: the listening socket of an inspector, where nobody but its user and root can reach it.
//
//   InspectorSocket socket("");     // PID.sock in one of inspector_folders()
//   int client = socket.accept();
#pragma once

#include <sys/types.h>

#include <string>

namespace simul::detail {

class InspectorSocket {
 public:
  /// Throws std::system_error.
  explicit InspectorSocket(const std::string& path);
  /// Removes its file, unless this is a fork of the process that made it.
  ~InspectorSocket();
  InspectorSocket(const InspectorSocket&) = delete;
  InspectorSocket& operator=(const InspectorSocket&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  /// Is this process a fork of the one that made it?
  [[nodiscard]] bool is_of_parent() const noexcept;
  /// A non-blocking descriptor; below zero: none, see errno.
  [[nodiscard]] int accept() const noexcept;
  /// Is it the same user or root?
  [[nodiscard]] static bool may_ask(int client) noexcept;

 private:
  std::string path_;
  const pid_t owner_;
  int fd_ = -1;
};

}  // namespace simul::detail
