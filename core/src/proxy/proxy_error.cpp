#include <simul/proxy_error.hpp>

#include <string>

namespace simul {
namespace {

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "proxy"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<ProxyErrc>(code)) {
      case ProxyErrc::missing:
        return "the connection doesn't begin with a PROXY header";
      case ProxyErrc::truncated:
        return "the connection ended in the middle of its PROXY header";
      case ProxyErrc::malformed_line:
        return "malformed PROXY header (version 1)";
      case ProxyErrc::line_too_long:
        return "PROXY header (version 1) longer than 107 bytes";
      case ProxyErrc::version:
        return "PROXY header of an unknown version";
      case ProxyErrc::command:
        return "PROXY header with an unknown command";
      case ProxyErrc::family:
        return "PROXY header with an unknown address family or transport";
      case ProxyErrc::too_short:
        return "PROXY header too short for its addresses";
      case ProxyErrc::too_long:
        return "PROXY header longer than 16 KiB";
      case ProxyErrc::tlv:
        return "PROXY header with a TLV beyond its end, or more than 64";
      case ProxyErrc::unique_id:
        return "PROXY header with a unique id of more than 128 bytes";
      case ProxyErrc::checksum:
        return "PROXY header with a wrong checksum";
    }
    return "unknown error " + std::to_string(code);
  }
};

}  // namespace

const std::error_category& proxy_category() noexcept {
  static const Category category;
  return category;
}

}  // namespace simul
