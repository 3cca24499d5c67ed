// JSON in and out of HTTP, with nlohmann::json (Debian: nlohmann-json3-dev).
//
//   const nlohmann::json order = co_await read_json(request);
//   co_return json_response({{"id", 7}, {"items", order.at("items")}}, 201);
//
// A header of its own, since not every program wants that library.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <simul/coro.hpp>
#include <simul/http/http_error.hpp>
#include <simul/http/request.hpp>
#include <simul/http/response.hpp>

namespace simul::http {

/// The body as JSON. Throws HttpError: 400 with the parser's words if it is none, those of Request::body.
inline Coro<nlohmann::json> read_json(Request& request,
                                      std::uint64_t limit = std::uint64_t{1} << 20) {
  const std::string text = co_await request.body(limit);
  try {
    co_return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw HttpError(400, std::string("the body is no JSON: ") + error.what());
  }
}

/// Text that isn't UTF-8 comes with U+FFFD in its place.
inline Response json_response(const nlohmann::json& value, int status = 200) {
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return Response::text(std::move(text) + "\n", "application/json").with_status(status);
}

}  // namespace simul::http
