// What is logged while it lives.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include <simul/log.hpp>

namespace simul::server::testing {

class CapturedLog {
 public:
  CapturedLog() {
    set_log_sink([this](LogLevel, std::string_view message) {
      const std::lock_guard lock(mutex_);
      text_ += std::string(message) + "\n";
    });
  }
  ~CapturedLog() { set_log_sink({}); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  [[nodiscard]] bool has(std::string_view part) const { return text().contains(part); }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace simul::server::testing
