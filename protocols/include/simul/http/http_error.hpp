// HttpError: thrown by a handler to answer with a status and a short text instead.
//
//   if (!user) throw HttpError(404, "there is no such user");
//
// For what goes wrong on the client's side, and isn't logged. Any other exception gives 500, whose text
// tells the client nothing, and a line in the log.
#pragma once

#include <stdexcept>
#include <string>

#include <simul/export.hpp>

namespace simul::http {

class SIMUL_EXPORT HttpError : public std::runtime_error {
 public:
  /// `status`: 400 to 599, or std::invalid_argument is thrown. Without a text the status is its own:
  /// "404 Not Found".
  explicit HttpError(int status, const std::string& text = {});
  ~HttpError() override;
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace simul::http
