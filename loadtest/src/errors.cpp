#include "errors.hpp"

#include <algorithm>

#include <simul/error.hpp>

namespace simul::load {

std::string_view name_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::connect_refused:
      return "connect-refused";
    case ErrorKind::connect_timeout:
      return "connect-timeout";
    case ErrorKind::connect_failed:
      return "connect-failed";
    case ErrorKind::no_port_left:
      return "no-port-left";
    case ErrorKind::tls:
      return "tls";
    case ErrorKind::reset:
      return "reset";
    case ErrorKind::end_of_stream:
      return "end-of-stream";
    case ErrorKind::truncated:
      return "truncated";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::wrong_bytes:
      return "wrong-bytes";
    case ErrorKind::bad_response:
      return "bad-response";
    case ErrorKind::status:
      return "status";
    case ErrorKind::system:
      return "system";
  }
  return "unknown";
}

ErrorKind kind_of_connect_error(std::error_code error) noexcept {
  if (error == std::errc::connection_refused) return ErrorKind::connect_refused;
  if (error == std::errc::timed_out) return ErrorKind::connect_timeout;
  if (error == std::errc::address_not_available) return ErrorKind::no_port_left;
  return ErrorKind::connect_failed;
}

ErrorKind kind_of_stream_error(std::error_code error) noexcept {
  if (error == Errc::end_of_stream) return ErrorKind::end_of_stream;
  if (error == Errc::truncated) return ErrorKind::truncated;
  if (error.category() == tls_category()) return ErrorKind::tls;
  if (error == std::errc::connection_reset || error == std::errc::broken_pipe) {
    return ErrorKind::reset;
  }
  if (error == std::errc::timed_out) return ErrorKind::timeout;
  return ErrorKind::system;
}

void ErrorTally::merge(const ErrorTally& other) {
  for (std::size_t kind = 0; kind < kErrorKinds; ++kind) {
    if (entries_[kind].count == 0) {
      entries_[kind].example = other.entries_[kind].example;
    }
    entries_[kind].count += other.entries_[kind].count;
  }
  total_ += other.total_;
}

std::vector<ErrorCount> ErrorTally::counts() const {
  std::vector<ErrorCount> counts;
  for (std::size_t kind = 0; kind < kErrorKinds; ++kind) {
    if (entries_[kind].count > 0) {
      counts.push_back({std::string(name_of(static_cast<ErrorKind>(kind))), entries_[kind].count,
                        entries_[kind].example});
    }
  }
  std::ranges::stable_sort(counts, std::ranges::greater(), &ErrorCount::count);
  return counts;
}

}  // namespace simul::load
