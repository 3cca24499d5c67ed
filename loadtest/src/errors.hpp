// What can go wrong in a load test, by kind, and how often it did.
//
//   tally.add(ErrorKind::wrong_bytes, [&] { return "connection 17: ..."; });
//
// The text is made for the first error of a kind only, as its example: a server that answers 503 does so
// a hundred thousand times a second.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/load/report.hpp>

namespace simul::load {

enum class ErrorKind : std::uint8_t {
  connect_refused,
  connect_timeout,
  connect_failed,
  no_port_left,
  tls,
  reset,
  end_of_stream,
  truncated,
  timeout,
  wrong_bytes,
  bad_response,
  status,
  system,
};

inline constexpr std::size_t kErrorKinds = static_cast<std::size_t>(ErrorKind::system) + 1;

/// "connect-refused" and so on: the names in reports.
[[nodiscard]] std::string_view name_of(ErrorKind kind) noexcept;

[[nodiscard]] ErrorKind kind_of_connect_error(std::error_code error) noexcept;
[[nodiscard]] ErrorKind kind_of_stream_error(std::error_code error) noexcept;

/// One error, in words.
struct Failure {
  ErrorKind kind;
  std::string text;
};

class ErrorTally {
 public:
  template <typename MakeText>
  void add(ErrorKind kind, MakeText&& make_text) {
    Entry& entry = entries_[static_cast<std::size_t>(kind)];
    if (entry.count++ == 0) {
      entry.example = std::forward<MakeText>(make_text)();
    }
    ++total_;
  }

  void merge(const ErrorTally& other);
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  /// Those that happened, the most frequent first.
  [[nodiscard]] std::vector<ErrorCount> counts() const;

 private:
  struct Entry {
    std::uint64_t count = 0;
    std::string example;
  };
  std::array<Entry, kErrorKinds> entries_;
  std::uint64_t total_ = 0;
};

}  // namespace simul::load
