#include "http/failure_log.hpp"

#include <string>

#include <simul/log.hpp>
#include <simul/quote.hpp>
#include <simul/thrown_at.hpp>

namespace simul::http {

void FailureLog::note(TimePoint now, const Request& request,
                      const std::exception_ptr& failure) noexcept {
  const std::scoped_lock lock(mutex_);
  throttle_.log(now, LogLevel::error, [&] {
    std::string text = "http: the handler of ";
    text.append(quote(std::string(request.method()) + " " + std::string(request.target())));
    text.append(" from ").append(request.peer().to_string());
    text.append(" failed: ").append(describe_with_place(failure));
    return text;
  });
}

}  // namespace simul::http
