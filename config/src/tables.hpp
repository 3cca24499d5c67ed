// The sections of the file and their keys: the one table behind validation, defaults and reference.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include <simul/option.hpp>

namespace simul::config {

/// A map in the file.
struct SectionSpec {
  std::string_view name;
  std::string_view help;
  std::span<const OptionSpec> keys;
  /// Keys that hold a section or a list of sections, rather than a value.
  std::span<const std::string_view> subsections = {};
};

/// An enumerator by the position of its name.
template <typename Enum>
Enum to_enum(std::span<const std::string_view> names, const std::string& name) {
  return static_cast<Enum>(std::ranges::find(names, name) - names.begin());
}

inline constexpr std::string_view kRootSubsections[] = {"server", "listeners", "log"};

inline constexpr OptionSpec kServerKeys[] = {
    {.name = "threads",
     .type = OptionType::integer,
     .default_value = "auto",
     .help = "event loops, each on a thread of its own; auto is one for each core",
     .minimum = "1",
     .maximum = "1024",
     .unset = "auto"},
    {.name = "max_connections",
     .type = OptionType::integer,
     .default_value = "10000",
     .help = "connections of all listeners together; further ones wait to be accepted",
     .minimum = "1",
     .maximum = "10000000"},
    {.name = "shutdown_timeout",
     .type = OptionType::duration,
     .default_value = "30s",
     .help = "time for connections to end by themselves before a stop ends them",
     .minimum = "0s",
     .maximum = "1d"},
    {.name = "stall_threshold",
     .type = OptionType::duration,
     .default_value = "100ms",
     .help = "a handler that holds up its event loop for longer is reported, with what it does; 0 "
             "is never",
     .minimum = "0s",
     .maximum = "1h"},
};

// In the order of the enums in settings.hpp.
inline constexpr std::array<std::string_view, 3> kProxyProtocols = {"off", "optional", "required"};
inline constexpr std::array<std::string_view, 2> kClientCertificates = {"optional", "required"};
inline constexpr std::array<std::string_view, 2> kTlsVersions = {"1.2", "1.3"};

inline constexpr OptionSpec kListenerKeys[] = {
    {.name = "name",
     .type = OptionType::string,
     .help =
         "unique; lower-case letters, digits, '-' and '_'; names the listener in logs and metrics",
     .required = true},
    {.name = "address",
     .type = OptionType::string,
     .help =
         "host:port, [v6]:port or unix:/path; the host is an IPv4 address, localhost, or * for all",
     .required = true},
    {.name = "protocol",
     .type = OptionType::string,
     .help = "what is spoken here: one of the protocols below",
     .required = true},
    {.name = "idle_timeout",
     .type = OptionType::duration,
     .default_value = "5m",
     .help = "a connection on which nothing moves for so long is closed; 0 is never",
     .minimum = "0s",
     .maximum = "365d"},
    {.name = "max_connections",
     .type = OptionType::integer,
     .default_value = "unlimited",
     .help = "connections of this listener; unlimited leaves only the limit of the server",
     .minimum = "1",
     .maximum = "10000000",
     .unset = "unlimited"},
    {.name = "backlog",
     .type = OptionType::integer,
     .default_value = "4096",
     .help =
         "connections that the kernel queues until they are accepted (net.core.somaxconn caps it)",
     .minimum = "1",
     .maximum = "65535"},
    {.name = "proxy_protocol",
     .type = OptionType::choice,
     .default_value = "off",
     .help = "whether a connection begins with a PROXY header (v1 or v2), which says for whom the "
             "proxy in front has opened it",
     .choices = kProxyProtocols},
    {.name = "trusted_proxies",
     .type = OptionType::string_list,
     .help = "addresses and networks whose PROXY headers count, such as [10.0.0.0/8, ::1]; needed "
             "with proxy_protocol, except on a Unix socket"},
    {.name = "handshake_timeout",
     .type = OptionType::duration,
     .default_value = "10s",
     .help = "time for the PROXY header and the TLS handshake together",
     .minimum = "1ms",
     .maximum = "1h"},
    {.name = "max_handshakes",
     .type = OptionType::integer,
     .default_value = "1000",
     .help = "connections that may be in front of their PROXY header or in the TLS handshake at "
             "once; further ones wait to be accepted",
     .minimum = "1",
     .maximum = "1000000"},
};

inline constexpr std::string_view kListenerSubsections[] = {"options", "tls"};

inline constexpr OptionSpec kTlsKeys[] = {
    {.name = "certificate",
     .type = OptionType::path,
     .help =
         "PEM: the server's certificate, then those that lead to the root; for clients that name "
         "no server, or one without a certificate here",
     .required = true},
    {.name = "key",
     .type = OptionType::path,
     .help = "PEM, not encrypted; without it the key stands in the certificate's file"},
    {.name = "ocsp", .type = OptionType::path, .help = "DER: an OCSP response to staple"},
    {.name = "client_ca",
     .type = OptionType::path,
     .help = "PEM: who may sign the certificates of clients; without it none is asked for"},
    {.name = "client_certificate",
     .type = OptionType::choice,
     .default_value = "required",
     .help = "whether a client must show a certificate of client_ca or may",
     .choices = kClientCertificates},
    {.name = "alpn",
     .type = OptionType::string_list,
     .help = "names of the application protocol, preferred first, [] for none; without it those "
             "of the listener's protocol"},
    {.name = "minimum_version",
     .type = OptionType::choice,
     .default_value = "1.2",
     .help = "the oldest version of TLS that is spoken",
     .choices = kTlsVersions},
};

inline constexpr std::string_view kTlsSubsections[] = {"sni"};

inline constexpr OptionSpec kSniKeys[] = {
    {.name = "certificate",
     .type = OptionType::path,
     .help = "as in tls, for the names below",
     .required = true},
    {.name = "key", .type = OptionType::path, .help = "as in tls"},
    {.name = "ocsp", .type = OptionType::path, .help = "as in tls"},
    {.name = "names",
     .type = OptionType::string_list,
     .help = "the servers that it is for, *.example.org too; without it those that the certificate "
             "contains"},
};

// In the order of the enums in settings.hpp.
inline constexpr std::array<std::string_view, 5> kLogLevels = {"trace", "debug", "info", "warning",
                                                               "error"};
inline constexpr std::array<std::string_view, 2> kLogFormats = {"text", "json"};

inline constexpr OptionSpec kLogKeys[] = {
    {.name = "level",
     .type = OptionType::choice,
     .default_value = "info",
     .help = "the least important messages that are logged",
     .choices = kLogLevels},
    {.name = "format",
     .type = OptionType::choice,
     .default_value = "text",
     .help = "text for people, json (an object per line) for machines",
     .choices = kLogFormats},
};

inline constexpr SectionSpec kRoot = {
    .name = "the file", .help = "", .keys = {}, .subsections = kRootSubsections};
inline constexpr SectionSpec kServer = {
    .name = "server", .help = "The whole process.", .keys = kServerKeys};
inline constexpr SectionSpec kListener = {
    .name = "listeners",
    .help = "A list: each item is an address and the protocol that is served there.",
    .keys = kListenerKeys,
    .subsections = kListenerSubsections};
inline constexpr SectionSpec kTls = {
    .name = "tls",
    .help =
        "In a listener: its connections are encrypted, TLS 1.2 and 1.3. Certificates and keys are "
        "read again on SIGHUP.",
    .keys = kTlsKeys,
    .subsections = kTlsSubsections};
inline constexpr SectionSpec kSni = {
    .name = "sni",
    .help =
        "In `tls`, a list: further certificates, chosen by the name of the server that the client "
        "asks for. A name may have several with different types of key.",
    .keys = kSniKeys};
inline constexpr SectionSpec kLog = {
    .name = "log", .help = "The server's own messages.", .keys = kLogKeys};

}  // namespace simul::config
