#include <simul/http/response.hpp>

#include <stdexcept>
#include <utility>

#include <simul/quote.hpp>

#include "http/characters.hpp"
#include "http/field_check.hpp"
#include "http/open_file.hpp"
#include "http/percent.hpp"
#include "http/response_access.hpp"
#include "http/status.hpp"

namespace simul::http {
Response::Response(int status) : status_(status) { set_status(status); }
Response::Response(Response&&) noexcept = default;
Response& Response::operator=(Response&&) noexcept = default;
Response::~Response() = default;

Response Response::text(std::string body, std::string_view content_type) {
  Response response;
  if (content_type == kPlainText) {
    response.content_type_ = kPlainText;
  } else {
    response.set("Content-Type", content_type);
  }
  response.body_ = std::move(body);
  return response;
}

Response Response::html(std::string body) {
  static constexpr std::string_view kHtml = "text/html; charset=utf-8";
  return detail::ResponseAccess::make(200, kHtml, std::move(body));
}

Response Response::error(int status, std::string text) {
  if (text.empty()) {
    text = status_text(status);
  }
  return detail::ResponseAccess::make(status, kPlainText, std::move(text) + "\n");
}

Response Response::redirect(std::string_view location, int status) {
  Response response = error(status);
  response.set("Location", encode_uri(location));
  return response;
}

Response Response::stream(std::string_view content_type,
                          std::function<Coro<>(BodyWriter&)> produce) {
  Response response;
  response.set("Content-Type", content_type);
  response.body_ = detail::StreamBody{std::move(produce)};
  return response;
}

Response Response::upgrade(std::string_view protocol, std::function<Coro<>(Connection&)> serve) {
  if (!is_token(protocol.substr(0, protocol.find('/'))) || !is_field_value(protocol)) {
    throw std::invalid_argument("no name of a protocol: " + quote(protocol));
  }
  Response response;
  response.status_ = 101;
  response.body_ = detail::UpgradeBody{std::string(protocol), std::move(serve)};
  return response;
}

Response& Response::set_status(int status) {
  if (status < 200 || status > 599) {
    throw std::invalid_argument("a response's status is from 200 to 599, not " +
                                std::to_string(status));
  }
  status_ = status;
  return *this;
}

Response Response::with_status(int status) && {
  set_status(status);
  return std::move(*this);
}

Response& Response::set(std::string_view name, std::string_view value) {
  require_response_field(name, value);
  remove(name);
  return add(name, value);
}

Response& Response::add(std::string_view name, std::string_view value) {
  require_response_field(name, value);
  if (equal_ignoring_case(name, "content-type")) {
    remove(name);  // there is never more than one
  }
  fields_.append(name).append(": ").append(trim(value)).append("\r\n");
  return *this;
}

void Response::remove(std::string_view name) {
  if (equal_ignoring_case(name, "content-type")) {
    content_type_ = {};
  }
  std::size_t line = 0;
  while (line < fields_.size()) {
    const std::size_t next = fields_.find('\n', line) + 1;
    const std::size_t colon = fields_.find(':', line);
    if (equal_ignoring_case(std::string_view(fields_).substr(line, colon - line), name)) {
      fields_.erase(line, next - line);
    } else {
      line = next;
    }
  }
}

Response Response::with(std::string_view name, std::string_view value) && {
  set(name, value);
  return std::move(*this);
}

std::optional<std::string_view> Response::header(std::string_view name) const noexcept {
  if (!content_type_.empty() && equal_ignoring_case(name, "content-type")) {
    return content_type_;
  }
  return HeaderFields(fields_).find(name);
}

std::optional<std::string_view> Response::text_body() const noexcept {
  if (const auto* const view = std::get_if<std::string_view>(&body_)) {
    return *view;
  }
  if (const auto* const text = std::get_if<std::string>(&body_)) {
    return *text;
  }
  return std::nullopt;
}

}  // namespace simul::http
