// ListenerTls: the certificates of a listener. They can be read again while it serves.
//
//   std::vector<config::Diagnostic> wrong = tls.load();     // what is wrong with the files, where they are named
//   co_await accept_tls(std::move(stream), tls.context());
//
// A connection keeps the context that it began with. Session tickets outlive a load().
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <simul/config/diagnostic.hpp>
#include <simul/config/settings.hpp>
#include <simul/tls_server_context.hpp>

namespace simul::server {

class ListenerTls {
 public:
  /// `settings` must outlive it.
  explicit ListenerTls(const config::TlsSettings& settings) noexcept : settings_(settings) {}

  /// Reads the files. If all are right, connections get them from now on; otherwise all stays as it is.
  /// Gives what is wrong. Thread: any; blocks.
  std::vector<config::Diagnostic> load();
  /// What the last good load() found that doesn't keep it from serving: certificates whose time is over, or
  /// hasn't come.
  [[nodiscard]] std::vector<config::Diagnostic> doubts() const;
  /// A line for each certificate: whose, which key, until when.
  [[nodiscard]] std::vector<std::string> describe() const;
  /// Null before the first good load(). Thread: any.
  [[nodiscard]] std::shared_ptr<const TlsServerContext> context() const;

 private:
  const config::TlsSettings& settings_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsServerContext> context_;
  std::vector<config::Diagnostic> doubts_;
  std::vector<std::string> descriptions_;
};

}  // namespace simul::server
