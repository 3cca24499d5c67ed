#include <simul/exception_group.hpp>

#include <simul/cancelled.hpp>

#include "thrown_at.hpp"

namespace simul {

ExceptionGroup::ExceptionGroup(std::vector<std::exception_ptr> exceptions)
    : exceptions_(std::move(exceptions)), what_(std::to_string(exceptions_.size()) + " failures") {
  const char* separator = ": ";
  for (const std::exception_ptr& exception : exceptions_) {
    what_ += separator + describe(exception);
    separator = "; ";
  }
}

ExceptionGroup::~ExceptionGroup() = default;

void rethrow_all(std::vector<std::exception_ptr> exceptions) {
  if (exceptions.size() == 1) {
    detail::rethrown_here(exceptions.front());
    std::rethrow_exception(exceptions.front());
  }
  if (!exceptions.empty()) {
    throw ExceptionGroup(std::move(exceptions));
  }
}

std::string describe(const std::exception_ptr& exception) noexcept {
  try {
    std::rethrow_exception(exception);
  } catch (const Cancelled& cancelled) {
    return "cancelled: " + cancelled.reason();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace simul
