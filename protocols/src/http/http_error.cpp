#include <simul/http/http_error.hpp>

#include <stdexcept>

#include "http/status.hpp"

namespace simul::http {
namespace {

int require_error(int status) {
  if (status < 400 || status > 599) {
    throw std::invalid_argument("an HttpError has a status from 400 to 599, not " +
                                std::to_string(status));
  }
  return status;
}

}  // namespace

HttpError::HttpError(int status, const std::string& text)
    : std::runtime_error(text.empty() ? status_text(status) : text),
      status_(require_error(status)) {}

HttpError::~HttpError() = default;

}  // namespace simul::http
