// What the tests of core share: a loop with a virtual clock, a trace, the log, and questions to the kernel.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/cancel_scope.hpp>
#include <simul/coro.hpp>
#include <simul/log.hpp>
#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/socket.hpp>
#include <simul/stream.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>
#include <simul/testing.hpp>

namespace simul::test {

using namespace std::chrono_literals;

/// Runs `fn` (a coroutine function) on a loop whose time is virtual.
template <typename Fn>
auto run_virtual(Fn fn) {
  VirtualClock clock;
  Loop loop(clock);
  return loop.run_until_complete(fn());
}

/// Words in the order in which they were said: "a b c".
class Trace {
 public:
  void operator()(std::string_view word) {
    text_ += text_.empty() ? "" : " ";
    text_ += word;
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// Takes what is logged while it lives.
class LogCapture {
 public:
  LogCapture() {
    set_log_sink([this](LogLevel level, std::string_view text) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::string(level == LogLevel::error     ? "error: "
                                   : level == LogLevel::warning ? "warning: "
                                                                : "") +
                       std::string(text));
    });
  }
  ~LogCapture() { set_log_sink({}); }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  [[nodiscard]] std::size_t count() const { return lines().size(); }
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const std::string& line : lines()) {
      text += line + "\n";
    }
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// Counts itself: how many live.
struct Witness {
  explicit Witness(int& alive) : alive_(&alive) { ++*alive_; }
  Witness(const Witness& other) : alive_(other.alive_) { ++*alive_; }
  Witness(Witness&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Witness& operator=(const Witness&) = delete;
  Witness& operator=(Witness&&) = delete;
  ~Witness() { --*alive_; }
  int* alive_;
};

/// Says a word when it dies.
struct Farewell {
  Farewell(Trace& trace, std::string word) : trace_(&trace), word_(std::move(word)) {}
  Farewell(Farewell&& other) noexcept
      : trace_(std::exchange(other.trace_, nullptr)), word_(std::move(other.word_)) {}
  Farewell& operator=(Farewell&&) = delete;
  ~Farewell() {
    if (trace_ != nullptr) {
      (*trace_)(word_);
    }
  }
  Trace* trace_;
  std::string word_;
};

/// The reason of the Cancelled that `coro` throws, "" if it doesn't.
template <typename T>
Coro<std::string> cancel_reason(Coro<T> coro) {
  try {
    (void)co_await std::move(coro);
  } catch (const Cancelled& cancelled) {
    co_return cancelled.reason();
  }
  co_return "";
}
inline Coro<std::string> cancel_reason(Coro<> coro) {
  try {
    co_await std::move(coro);
  } catch (const Cancelled& cancelled) {
    co_return cancelled.reason();
  }
  co_return "";
}

/// A Coro<> of something that is awaited for its effect only.
template <typename A>
Coro<> await_it(A& awaitable) {
  (void)co_await awaitable;
}

inline Coro<> sleep_for(Duration wait) { co_await sleep(wait); }
inline Coro<> sleep_forever() { co_await sleep_until(kNever); }

/// Lets everything that is ready have its turn, several times over.
inline Coro<> settle(int turns = 5) {
  for (int i = 0; i < turns; ++i) {
    co_await yield_now();
  }
}

inline std::size_t open_fds() {
  std::size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) {
    ++count;
  }
  closedir(folder);
  return count;
}

/// Descriptors whose link in /proc begins with `prefix`: "anon_inode:[timerfd]".
inline std::size_t fds_like(std::string_view prefix) {
  std::size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(folder)) {
    char target[256];
    const ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
    if (size > 0 && std::string_view(target, static_cast<std::size_t>(size)).starts_with(prefix)) {
      ++count;
    }
  }
  closedir(folder);
  return count;
}

/// Bytes that show where one is missing or doubled.
inline std::string pattern(std::size_t size, std::size_t offset = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t n = offset + i;
    text[i] = static_cast<char>((n * 31 + (n >> 8) * 7 + (n >> 16)) & 0xff);
  }
  return text;
}

}  // namespace simul::test
