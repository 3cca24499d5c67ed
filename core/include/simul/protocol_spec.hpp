// What the outside has to know about a protocol in order to validate its configuration: its name
// and its option table.
//
//   constexpr ProtocolSpec kEcho = {.name = "echo", .help = "sends back what it receives"};
//   auto settings = config::load_file("simul.yaml", std::array{kEcho});
//
// Constant data, like the tables themselves; it doesn't run a protocol and can't create one.
#pragma once

#include <span>
#include <string_view>

#include <simul/option.hpp>

namespace simul {

struct ProtocolSpec {
  std::string_view name;
  std::string_view help = {};  ///< one line, without a full stop
  std::span<const OptionSpec> options = {};
  std::span<const std::string_view> alpn = {};  ///< its names in TLS (RFC 7301), preferred first
};

}  // namespace simul
