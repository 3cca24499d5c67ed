#include "listener_tls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <simul/quote.hpp>

namespace simul::server {
namespace {

using std::chrono::system_clock;

/// What is wrong with a file, or doubtful, at the place that names it.
config::Diagnostic blame(std::string_view key, const config::NamedFile& file,
                         std::string_view why) {
  config::Diagnostic diagnostic = file.place;
  diagnostic.message = fmt::format("{}: {}: {}", key, quote(file.path), why);
  return diagnostic;
}

std::string date(system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(system_clock::to_time_t(time)));
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

/// Why a file can't be read; a pipe could keep the server waiting.
std::optional<std::string> why_unreadable(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status{};
  const bool known = file >= 0 && ::fstat(file, &status) == 0;
  const int error = errno;
  if (file >= 0) {
    ::close(file);
  }
  if (!known) {
    return std::system_category().message(error);
  }
  return S_ISREG(status.st_mode) ? std::nullopt : std::optional<std::string>("not a regular file");
}

/// Reads what the settings name, and collects what is to be said about it.
class Reading {
 public:
  void read_certificate(const config::CertificateSettings& certificate) {
    const bool has_certificate = is_readable("certificate", certificate.certificate);
    const bool has_key = is_readable("key", certificate.key);  // both, so that both are reported
    if (!has_certificate || !has_key) {
      return;
    }
    TlsCertificate files = {.certificate = certificate.certificate.path,
                            .key = certificate.key.path,
                            .names = certificate.names};
    try {
      const TlsCertificateInfo info = inspect(files);
      look_at_names(certificate, info);
      if (const auto doubt = out_of_time(info)) {
        doubts.push_back(blame("certificate", certificate.certificate, *doubt));
      }
      descriptions.push_back(fmt::format("{} ({}) until {}: {}", quote(info.subject), info.key,
                                         date(info.not_after), certificate.certificate.path));
      read_ocsp(certificate, files);
      certificates.push_back(std::move(files));
    } catch (const TlsError& error) {
      const bool is_key = !files.key.empty() && error.file() == files.key;
      wrong.push_back(is_key ? blame("key", certificate.key, error.why())
                             : blame("certificate", certificate.certificate, error.why()));
    }
  }

  void read_client_ca(const config::NamedFile& file) {
    if (!is_readable("client_ca", file)) {
      return;
    }
    try {
      for (const TlsCertificateInfo& authority : inspect_authorities(file.path)) {
        if (const auto doubt = out_of_time(authority)) {
          doubts.push_back(blame("client_ca", file, quote(authority.subject) + ": " + *doubt));
        }
      }
    } catch (const TlsError& error) {
      wrong.push_back(blame("client_ca", file, error.why()));
    }
  }

  std::vector<TlsCertificate> certificates;
  std::vector<config::Diagnostic> wrong;
  std::vector<config::Diagnostic> doubts;
  std::vector<std::string> descriptions;

 private:
  bool is_readable(std::string_view key, const config::NamedFile& file) {
    const auto why = file.path.empty() ? std::nullopt : why_unreadable(file.path);
    if (why) {
      wrong.push_back(blame(key, file, *why));
    }
    return !why;
  }

  void look_at_names(const config::CertificateSettings& certificate,
                     const TlsCertificateInfo& info) {
    const bool is_default = !first_;
    if (is_default) {
      first_ = &certificate;
    }
    if (!is_default && certificate.names.empty() && info.names.empty()) {
      wrong.push_back(blame("certificate", certificate.certificate,
                            "it contains no names (subjectAltName), and none are given: it would "
                            "never be chosen"));
    }
    if (const auto problem = claims_.add(certificate, info)) {
      wrong.push_back(blame("certificate", certificate.certificate, *problem));
    }
  }

  /// Without its response a certificate is as good as one that never had any, and better than none.
  void read_ocsp(const config::CertificateSettings& certificate, TlsCertificate& files) {
    if (certificate.ocsp.path.empty()) {
      return;
    }
    const std::string none = ", so none is stapled";
    if (const auto why = why_unreadable(certificate.ocsp.path)) {
      doubts.push_back(blame("ocsp", certificate.ocsp, *why + none));
      return;
    }
    files.ocsp = certificate.ocsp.path;
    try {
      (void)inspect(files);
    } catch (const TlsError& error) {
      files.ocsp.clear();
      doubts.push_back(blame("ocsp", certificate.ocsp, error.why() + none));
    }
  }

  const config::CertificateSettings* first_ = nullptr;
  Claims claims_;
};

}  // namespace

std::vector<config::Diagnostic> ListenerTls::load() {
  Reading reading;
  for (const config::CertificateSettings& certificate : settings_.certificates) {
    reading.read_certificate(certificate);
  }
  TlsServerSettings settings = {
      .certificates = std::move(reading.certificates),
      .client_ca = settings_.client_ca.path,
      .alpn = settings_.alpn,
      .minimum_version = settings_.minimum_version == config::TlsVersion::tls_1_3
                             ? TlsVersion::tls_1_3
                             : TlsVersion::tls_1_2};
  if (!settings.client_ca.empty()) {
    reading.read_client_ca(settings_.client_ca);
    settings.client_certificate =
        settings_.client_certificate == config::ClientCertificate::required
            ? ClientCertificate::required
            : ClientCertificate::optional;
  }
  if (!reading.wrong.empty()) {
    return std::move(reading.wrong);
  }
  if (const auto before = context()) {
    settings.ticket_keys = before->ticket_keys();
  }
  std::shared_ptr<const TlsServerContext> context;
  try {
    context = TlsServerContext::load(settings);
  } catch (const TlsError& error) {  // a file that has changed meanwhile, or that OpenSSL won't use
    return {blame("tls", settings_.certificates.front().certificate, error.what())};
  }
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
  doubts_ = std::move(reading.doubts);
  descriptions_ = std::move(reading.descriptions);
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
