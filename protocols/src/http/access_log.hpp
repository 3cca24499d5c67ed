// AccessLog: a line per answer, in a file.
//
//   AccessLog log("access.log", AccessFormat::combined);     // throws if that can't be
//   log.start();                                             // once the server starts
//   log.note({.peer = peer, .head = head, .status = 200, .bytes = 1234, .took = took, .secure = false});
//
// A line is put into a buffer, and a thread writes what has gathered there: at 32 KiB, and after a second at the
// latest. So whoever notes never waits for a disk. Lines that can't be written, or come faster than they
// can be, are lost; the server's log says how many. When the path leads to another file, or to none any more
// (logrotate), the next lines go there. It ends with everything written.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include <simul/clock.hpp>
#include <simul/option.hpp>

#include "http/access_line.hpp"
#include "http/log_file.hpp"

namespace simul::http {

class AccessLog {
 public:
  /// Of each of the two buffers. Their pages are the kernel's until they are needed.
  static constexpr std::size_t kCapacity = std::size_t{1} << 20;
  static constexpr std::size_t kWriteAt = std::size_t{32} << 10;

  /// `path`: kStdout for the standard output. Throws std::invalid_argument, naming the option, if it couldn't be
  /// written; it isn't made yet.
  AccessLog(const std::string& path, AccessFormat format);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog();

  static constexpr std::string_view kStdout = "stdout";

  /// Makes the file, and the thread that writes. Until then lines gather. May be called again. Throws
  /// std::system_error. Thread: any.
  void start();

  /// Takes some hundred nanoseconds. Thread: any.
  void note(const Access& access) noexcept;

  /// Writes what has gathered, and waits for that. Thread: any, but a loop's.
  void flush() noexcept;

 private:
  using Buffer = std::unique_ptr<char[]>;  // NOLINT(*-avoid-c-arrays)

  void write_in_time();
  void report() noexcept;

  AccessFormat format_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  Buffer gathering_;
  std::size_t used_ = 0;
  std::uint64_t refused_ = 0;  // lines for which there was no room
  AccessTimes times_;
  bool ending_ = false;

  std::mutex writing_mutex_;  // of what follows; taken before the other one
  LogFile file_;
  Buffer writing_;
  std::uint64_t lost_ = 0;  // lines of which nobody was told yet
  std::error_code cause_;   // none: they came too fast
  std::chrono::steady_clock::time_point quiet_until_;

  std::thread thread_;
};

/// What the options access_log and access_log_format say. Null: there shall be none.
[[nodiscard]] std::unique_ptr<AccessLog> make_access_log(const OptionValues& options);

}  // namespace simul::http
