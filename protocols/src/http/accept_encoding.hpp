// AcceptEncoding: which content codings a client takes, and how gladly (RFC 9110, 12.5.3).
//
//   AcceptEncoding accept(request.headers());
//   accept.quality(Coding::gzip)       // 0: not at all, 1000: gladly
//   if (auto coding = choose_coding(accept, true, false)) ...
//
// Without the field only identity is taken, for a client that knows codings says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <simul/http/header_fields.hpp>

namespace simul::http {

enum class Coding : std::uint8_t { identity, gzip, brotli };

/// As it is written in a header.
[[nodiscard]] constexpr std::string_view name_of(Coding coding) noexcept {
  switch (coding) {
    case Coding::gzip:
      return "gzip";
    case Coding::brotli:
      return "br";
    case Coding::identity:
      break;
  }
  return "identity";
}

class AcceptEncoding {
 public:
  explicit AcceptEncoding(const HeaderFields& fields) noexcept;

  /// From 0 to 1000. Identity, where nothing is said of it, has 1: it is taken, but after what is named.
  [[nodiscard]] int quality(Coding coding) const noexcept;

 private:
  static constexpr int kUnsaid = -1;

  void read(std::string_view list) noexcept;

  int identity_ = kUnsaid;
  int gzip_ = kUnsaid;
  int brotli_ = kUnsaid;
  int others_ = kUnsaid;  // of "*"
};

/// The best of identity and those that there are; of equals the shortest. Nothing: 406.
[[nodiscard]] std::optional<Coding> choose_coding(const AcceptEncoding& accept, bool gzip,
                                                  bool brotli) noexcept;

}  // namespace simul::http
