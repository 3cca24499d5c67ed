#include "listener_tls.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <simul/quote.hpp>

namespace simul::server {
namespace {

using std::chrono::system_clock;

config::Diagnostic at(const config::NamedFile& file, std::string message) {
  config::Diagnostic diagnostic = file.place;
  diagnostic.message = std::move(message);
  return diagnostic;
}

std::string date(system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(system_clock::to_time_t(time)));
}

TlsCertificate files_of(const config::CertificateSettings& settings) {
  return {.certificate = settings.certificate.path,
          .key = settings.key.path,
          .ocsp = settings.ocsp.path,
          .names = settings.names};
}

/// The key that names the file, for the message; the place is that of its value.
std::pair<std::string_view, const config::NamedFile&> blamed(
    const config::CertificateSettings& settings, const TlsError& error) {
  if (!settings.ocsp.path.empty() && error.file() == settings.ocsp.path) {
    return {"ocsp", settings.ocsp};
  }
  if (!settings.key.path.empty() && error.file() == settings.key.path) {
    return {"key", settings.key};
  }
  return {"certificate", settings.certificate};
}

std::string blame(std::string_view key, const config::NamedFile& file, std::string_view why) {
  return fmt::format("{}: {}: {}", key, quote(file.path), why);
}

std::optional<std::string> out_of_time(const TlsCertificateInfo& info) {
  const system_clock::time_point now = system_clock::now();
  if (info.not_after < now) {
    return "the certificate has expired on " + date(info.not_after);
  }
  if (info.not_before > now) {
    return "the certificate is not valid before " + date(info.not_before);
  }
  return std::nullopt;
}

/// Which certificate a client gets must not depend on the order in the file.
class Claims {
 public:
  /// Of a certificate to its names. Gives what is wrong with it.
  std::optional<std::string> add(const config::CertificateSettings& settings,
                                 const TlsCertificateInfo& info) {
    const std::string key = info.key.substr(0, info.key.find(' '));
    for (const std::string& name : settings.names.empty() ? info.names : settings.names) {
      const auto [first, is_new] = claims_.emplace(std::pair(lower(name), key), &settings);
      if (!is_new && first->second != &settings) {
        return fmt::format("{} has another certificate with a key of type {}: that of line {}",
                           quote(name), key, first->second->certificate.place.line);
      }
    }
    return std::nullopt;
  }

 private:
  static std::string lower(std::string name) {
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return name;
  }

  std::map<std::pair<std::string, std::string>, const config::CertificateSettings*> claims_;
};

}  // namespace

std::vector<config::Diagnostic> ListenerTls::load() {
  std::vector<config::Diagnostic> wrong;
  std::vector<config::Diagnostic> doubts;
  std::vector<std::string> descriptions;
  Claims claims;
  TlsServerSettings settings = {
      .certificates = {},
      .client_ca = settings_.client_ca.path,
      .alpn = settings_.alpn,
      .minimum_version = settings_.minimum_version == config::TlsVersion::tls_1_3
                             ? TlsVersion::tls_1_3
                             : TlsVersion::tls_1_2};
  for (const config::CertificateSettings& certificate : settings_.certificates) {
    settings.certificates.push_back(files_of(certificate));
    try {
      const TlsCertificateInfo info = inspect(settings.certificates.back());
      if (const auto problem = claims.add(certificate, info)) {
        wrong.push_back(
            at(certificate.certificate, blame("certificate", certificate.certificate, *problem)));
      }
      if (const auto doubt = out_of_time(info)) {
        doubts.push_back(
            at(certificate.certificate, blame("certificate", certificate.certificate, *doubt)));
      }
      descriptions.push_back(fmt::format("{} ({}) until {}: {}", quote(info.subject), info.key,
                                         date(info.not_after), certificate.certificate.path));
    } catch (const TlsError& error) {
      const auto& [key, file] = blamed(certificate, error);
      wrong.push_back(at(file, blame(key, file, error.why())));
    }
  }
  if (!settings_.client_ca.path.empty()) {
    settings.client_certificate =
        settings_.client_certificate == config::ClientCertificate::required
            ? ClientCertificate::required
            : ClientCertificate::optional;
    try {
      for (const TlsCertificateInfo& authority : inspect_authorities(settings.client_ca)) {
        if (const auto doubt = out_of_time(authority)) {
          doubts.push_back(at(
              settings_.client_ca,
              blame("client_ca", settings_.client_ca, quote(authority.subject) + ": " + *doubt)));
        }
      }
    } catch (const TlsError& error) {
      wrong.push_back(
          at(settings_.client_ca, blame("client_ca", settings_.client_ca, error.why())));
    }
  }
  if (!wrong.empty()) {
    return wrong;
  }
  if (const auto before = context()) {
    settings.ticket_keys = before->ticket_keys();
  }
  std::shared_ptr<const TlsServerContext> context;
  try {
    context = TlsServerContext::load(settings);
  } catch (const TlsError& error) {  // a file that has changed meanwhile, or that OpenSSL won't use
    wrong.push_back(
        at(settings_.certificates.front().certificate, std::string("tls: ") + error.what()));
    return wrong;
  }
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
  doubts_ = std::move(doubts);
  descriptions_ = std::move(descriptions);
  return {};
}

std::vector<config::Diagnostic> ListenerTls::doubts() const {
  const std::lock_guard lock(mutex_);
  return doubts_;
}

std::vector<std::string> ListenerTls::describe() const {
  const std::lock_guard lock(mutex_);
  return descriptions_;
}

std::shared_ptr<const TlsServerContext> ListenerTls::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace simul::server
