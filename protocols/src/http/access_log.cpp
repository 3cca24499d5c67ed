#include "http/access_log.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <span>
#include <stdexcept>
#include <utility>

#include <simul/log.hpp>
#include <simul/quote.hpp>

namespace simul::http {
namespace {

constexpr std::chrono::seconds kLongestWait(1);
constexpr std::chrono::seconds kBetweenReports(10);

WallTime wall_now() noexcept {
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return WallTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

std::uint64_t count_lines(std::string_view text) noexcept {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

}  // namespace

AccessLog::AccessLog(const std::string& path, AccessFormat format)
    : format_(format),
      gathering_(std::make_unique_for_overwrite<char[]>(kCapacity)),  // NOLINT(*-avoid-c-arrays)
      file_(path == kStdout ? std::string() : path),
      writing_(std::make_unique_for_overwrite<char[]>(kCapacity)) {  // NOLINT(*-avoid-c-arrays)
  if (const std::error_code error = file_.check()) {
    throw std::invalid_argument("access_log: " + quote(path) + ": " + error.message());
  }
}

AccessLog::~AccessLog() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
  quiet_until_ = {};
  flush();
}

void AccessLog::start() {
  const std::scoped_lock writing(writing_mutex_);
  if (thread_.joinable()) {
    return;
  }
  if (const std::error_code error = file_.open()) {
    throw std::system_error(error, "access_log: " + quote(file_.path()));
  }
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the program's own threads
  try {
    thread_ = std::thread([this] { write_in_time(); });
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(thread_.native_handle(), "access log");
}

void AccessLog::note(const Access& access) noexcept {
  const WallTime received = wall_now() - access.took;
  bool wakes = false;
  {
    const std::scoped_lock lock(mutex_);
    const std::span room(gathering_.get() + used_, kCapacity - used_);
    const char* const end = write_access_line(format_, access, received, times_, room);
    if (end == nullptr) {
      ++refused_;
      return;
    }
    const std::size_t before =
        std::exchange(used_, static_cast<std::size_t>(end - gathering_.get()));
    wakes = before == 0 || (before < kWriteAt && used_ >= kWriteAt);
  }
  if (wakes) {
    changed_.notify_one();
  }
}

void AccessLog::write_in_time() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return used_ > 0 || ending_; });
    if (ending_) {
      return;  // the destructor writes the rest
    }
    changed_.wait_for(lock, kLongestWait, [this] { return used_ >= kWriteAt || ending_; });
    lock.unlock();
    flush();
    lock.lock();
  }
}

void AccessLog::flush() noexcept {
  const std::scoped_lock writing(writing_mutex_);
  std::size_t size = 0;
  {
    const std::scoped_lock lock(mutex_);
    std::swap(gathering_, writing_);
    size = std::exchange(used_, 0);
    lost_ += std::exchange(refused_, 0);
  }
  if (size > 0) {
    const std::string_view lines(writing_.get(), size);
    std::size_t written = 0;
    if (const std::error_code error = file_.append(lines, written)) {
      cause_ = error;
      lost_ += count_lines(lines.substr(written));
    }
  }
  if (lost_ > 0) {
    report();
  }
}

void AccessLog::report() noexcept {
  const auto now = std::chrono::steady_clock::now();
  if (now < quiet_until_) {
    return;
  }
  try {
    const std::string name = file_.path().empty() ? std::string(kStdout) : quote(file_.path());
    std::string reason = cause_.message();
    if (!cause_) {
      reason = "lines came faster than they could be written";
    } else if (cause_ == std::errc::timed_out) {
      reason = "nobody reads it";
    }
    simul::log(LogLevel::warning, "access log " + name + ": " + reason + "; " +
                                      std::to_string(lost_) +
                                      (lost_ == 1 ? " line was" : " lines were") + " lost");
    lost_ = 0;
    cause_ = {};
    quiet_until_ = now + kBetweenReports;
  } catch (const std::bad_alloc&) {
    // They are counted; the next report has them.
  }
}

std::unique_ptr<AccessLog> make_access_log(const OptionValues& options) {
  if (!options.has("access_log")) {
    return nullptr;
  }
  static constexpr std::array<std::pair<std::string_view, AccessFormat>, 3> kFormats = {
      {{"common", AccessFormat::common},
       {"combined", AccessFormat::combined},
       {"json", AccessFormat::json}}};
  const std::string& name = options.get_string("access_log_format");
  const auto* const format =
      std::ranges::find(kFormats, name, [](const auto& known) { return known.first; });
  return std::make_unique<AccessLog>(options.get_string("access_log"), format->second);
}

}  // namespace simul::http
