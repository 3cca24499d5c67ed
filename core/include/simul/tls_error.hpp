// TlsError: what keeps a TLS context from being made, above all a file that can't be used.
//
//   try {
//     context = TlsServerContext::load(settings);
//   } catch (const TlsError& error) {
//     report(error.file(), error.why());      // what() is both: "site.pem: No such file or directory"
//   }
//
// What goes wrong with a connection is a value: an error_code of tls_category(). is_certificate_error() tells
// a peer that isn't believed from one that doesn't speak TLS.
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT TlsError : public std::runtime_error {
 public:
  explicit TlsError(const std::string& why) : TlsError("", why) {}
  TlsError(const std::string& file, const std::string& why);
  ~TlsError() override;

  /// The path of the file that can't be used; empty if none is to blame.
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  /// what() without the path.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  std::string file_;
  std::string why_;
};

/// Has the peer's certificate been refused here, or has it shown none that it should have? ("certificate has
/// expired", "hostname mismatch"; not the peer's own complaints, which are alerts.)
[[nodiscard]] SIMUL_EXPORT bool is_certificate_error(const std::error_code& error) noexcept;

}  // namespace simul
