#include <simul/error.hpp>

#include <cerrno>
#include <string>

namespace simul {
namespace {

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "simul"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::end_of_stream:
        return "end of stream";
      case Errc::closed:
        return "closed";
      case Errc::broken_stream:
        return "an earlier send was cut off in the middle";
      case Errc::draining:
        return "the server is shutting down";
      case Errc::would_block:
        return "not without waiting";
      case Errc::incomplete_read:
        return "the stream ended in the middle";
      case Errc::limit_overrun:
        return "longer than the limit";
      case Errc::short_file:
        return "the file is shorter than what was to be sent";
      case Errc::queue_full:
        return "the send queue is full";
      case Errc::truncated:
        return "the connection ended without a goodbye";
    }
    return "unknown error " + std::to_string(code);
  }
};

constexpr std::int32_t kFirstTls = -0x10000;  // far from every Errc

}  // namespace

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

namespace detail {

PackedError::PackedError(const std::error_code& code) noexcept {
  if (code.category() == error_category()) {
    value_ = -code.value();
  } else if (code.category() == tls_category()) {
    value_ = kFirstTls - code.value();
  } else if (code.category() == std::system_category() ||
             code.category() == std::generic_category()) {
    value_ = code.value();
  } else {
    value_ = code ? EIO : 0;
  }
}

std::error_code PackedError::unpack() const noexcept {
  if (value_ <= kFirstTls) {
    return {kFirstTls - value_, tls_category()};
  }
  return value_ < 0 ? std::error_code(-value_, error_category())
                    : std::error_code(value_, std::system_category());
}

}  // namespace detail
}  // namespace simul
