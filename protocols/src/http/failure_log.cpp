#include "http/failure_log.hpp"

#include <string>

#include <simul/exception_group.hpp>
#include <simul/log.hpp>
#include <simul/quote.hpp>

namespace simul::http {

void FailureLog::note(TimePoint now, const Request& request,
                      const std::exception_ptr& failure) noexcept {
  const std::scoped_lock lock(mutex_);
  throttle_.log(now, LogLevel::error, [&] {
    std::string text = "http: the handler of ";
    text.append(quote(std::string(request.method()) + " " + std::string(request.target())));
    text.append(" from ").append(request.peer().to_string());
    text.append(" failed: ").append(describe(failure));
    return text;
  });
}

}  // namespace simul::http
