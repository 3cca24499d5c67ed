// FailureLog: what handlers have thrown, as lines of the log, a few a second: whoever can make a handler
// fail must not be able to fill the disk.
#pragma once

#include <exception>
#include <mutex>

#include <simul/clock.hpp>
#include <simul/endpoint.hpp>
#include <simul/http/request.hpp>
#include <simul/log_throttle.hpp>

namespace simul::http {

class FailureLog {
 public:
  /// Thread: any.
  void note(TimePoint now, const Request& request, const std::exception_ptr& failure) noexcept;

 private:
  std::mutex mutex_;
  LogThrottle throttle_;
};

}  // namespace simul::http
