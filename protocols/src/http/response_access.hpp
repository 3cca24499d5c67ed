// What the server itself may touch of a Response: to send it, and to make one without a copy.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <simul/http/response.hpp>

namespace simul::http::detail {

struct ResponseAccess {
  static std::string_view content_type(const Response& response) noexcept {
    return response.content_type_;
  }
  static std::string& fields(Response& response) noexcept { return response.fields_; }
  static ResponseBody& body(Response& response) noexcept { return response.body_; }
  static const ResponseBody& body(const Response& response) noexcept { return response.body_; }
  static const std::string& fields(const Response& response) noexcept { return response.fields_; }

  /// `content_type` and, if it is a view, the body's text outlive the response. `fields`: lines that are known
  /// to be right.
  static Response make(int status, std::string_view content_type, ResponseBody body,
                       std::string fields = {}) {
    Response response(status);
    response.content_type_ = content_type;
    response.body_ = std::move(body);
    response.fields_ = std::move(fields);
    return response;
  }
};

}  // namespace simul::http::detail
