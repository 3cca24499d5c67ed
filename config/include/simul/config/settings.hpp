// A validated configuration: what `simul serve` runs from. The keys are those of the file; their
// defaults, bounds and meaning stand in one place, the tables in config/src/tables.hpp.
//
//   for (const ListenerSettings& listener : settings.listeners) bind(listener.address);
//
// Plain data without behaviour, and no YAML. What can't be judged from the file alone (other files that it
// names, a protocol's options that don't work) knows its place in it, so that whoever finds out can blame
// the right line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <simul/config/diagnostic.hpp>
#include <simul/endpoint.hpp>
#include <simul/network.hpp>
#include <simul/option.hpp>

namespace simul::config {

struct ServerSettings {
  std::optional<std::uint32_t> threads;  ///< none: one for each core
  std::uint32_t max_connections = 0;
  std::chrono::nanoseconds shutdown_timeout{0};
  std::chrono::nanoseconds stall_threshold{0};  ///< zero: stalls aren't reported
};

/// A file that the configuration names. Empty: none is named.
struct NamedFile {
  std::string path;
  Diagnostic place{};  ///< without a message
};

struct CertificateSettings {
  NamedFile certificate;
  NamedFile key;                     ///< none: it stands in the certificate's file
  NamedFile ocsp;                    ///< a response to staple
  std::vector<std::string> names{};  ///< empty: those that the certificate contains
};

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };
enum class ClientCertificate : std::uint8_t { optional, required };

struct TlsSettings {
  std::vector<CertificateSettings> certificates;  ///< at least one: the first is the default
  NamedFile client_ca;                            ///< none: clients aren't asked for a certificate
  ClientCertificate client_certificate = ClientCertificate::required;
  std::vector<std::string> alpn;
  TlsVersion minimum_version = TlsVersion::tls_1_2;
};

enum class ProxyProtocol : std::uint8_t { off, optional, required };

struct ListenerSettings {
  std::string name;  ///< unique
  Endpoint address;
  std::string protocol;
  std::chrono::nanoseconds idle_timeout{0};      ///< zero: never
  std::optional<std::uint32_t> max_connections;  ///< none: only the server's limit
  int backlog = 0;
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
  std::vector<Network> trusted_proxies{};
  std::optional<TlsSettings> tls{};               ///< none: plain TCP
  std::chrono::nanoseconds handshake_timeout{0};  ///< for the PROXY header and TLS's handshake
  std::uint32_t max_handshakes = 0;
  OptionValues options;  ///< of the protocol's table
  Diagnostic place{};    ///< of the options, or of the listener without any; without a message
};

enum class LogLevel : std::uint8_t { trace, debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

struct Settings {
  ServerSettings server;
  std::vector<ListenerSettings> listeners;  ///< at least one
  LogSettings log;
};

}  // namespace simul::config
