// Wakeup: how the loops tell the inspector's thread, which stands in poll(), that they have answered.
#pragma once

namespace simul::detail {

class Wakeup {
 public:
  /// Throws std::system_error.
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Thread: any.
  void signal() noexcept;
  /// Readable after signal(), until clear().
  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  void clear() noexcept;

 private:
  const int fd_;
};

}  // namespace simul::detail
