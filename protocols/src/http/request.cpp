#include <simul/http/request.hpp>

#include <algorithm>
#include <stdexcept>

#include <simul/connection.hpp>
#include <simul/http/http_error.hpp>
#include <simul/quote.hpp>

#include "http/characters.hpp"

namespace simul::http {

const std::string& Request::param(std::string_view name) const {
  const auto found = std::ranges::find(params_, name, &std::pair<std::string, std::string>::first);
  if (found == params_.end()) {
    throw std::out_of_range("the route has no parameter " + quote(name));
  }
  return found->second;
}

const TlsStream* Request::tls() const noexcept {
  return connection_ == nullptr ? nullptr : connection_->tls();
}

Coro<std::string> Request::body(std::uint64_t limit) {
  if (head_.content_length.value_or(0) > limit) {
    throw HttpError(413);
  }
  std::string body;
  for (;;) {
    const std::string_view piece = co_await body_.next();
    if (piece.empty()) {
      co_return body;
    }
    if (piece.size() > limit - body.size()) {
      throw HttpError(413);
    }
    body += piece;
  }
}

Coro<Form> Request::form(std::uint64_t limit) {
  const std::string_view type = header("content-type").value_or("");
  if (!equal_ignoring_case(trim(type.substr(0, type.find(';'))),
                           "application/x-www-form-urlencoded")) {
    throw HttpError(415, "the body is no form");
  }
  co_return parse_form(co_await body(limit));
}

}  // namespace simul::http
