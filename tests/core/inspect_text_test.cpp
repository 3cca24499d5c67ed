#include <string>
#include <string_view>
#include <variant>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "inspect/json_writer.hpp"
#include "inspect/request.hpp"

using simul::detail::InspectRequest;
using simul::detail::JsonWriter;

namespace {

std::string written(std::string_view text) { return JsonWriter().value(text).text(); }

std::string error_of(std::string_view line) {
  const auto request = InspectRequest::parse(line);
  return request ? "" : request.error();
}

}  // namespace

TEST_CASE("a JSON writer puts commas where they belong") {
  JsonWriter json;
  json.begin_object().field("ok", true).key("list").begin_array();
  json.value(1).value(-2.5).null().begin_object().end_object().begin_array().end_array();
  json.end_array().field("name", "x").end_object();
  CHECK(json.text() == R"({"ok":true,"list":[1,-2.5,null,{},[]],"name":"x"})");
}

TEST_CASE("a JSON writer escapes what JSON can't hold, and says where bytes were no UTF-8") {
  CHECK(written("a\"b\\c\n\x01\x7F") == "\"a\\\"b\\\\c\\n\\u0001\x7F\"");
  CHECK(written("caf\xC3\xA9 \xF0\x9F\x90\x9F") == "\"caf\xC3\xA9 \xF0\x9F\x90\x9F\"");
  // Cut off, overlong, a surrogate, above the last code point, a lone continuation.
  for (const std::string_view bytes :
       {"\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"}) {
    const std::string text = written(bytes);
    CHECK(text.find("\xEF\xBF\xBD") != std::string::npos);
    CHECK(nlohmann::json::accept(text));
  }
}

TEST_CASE("a JSON writer has no word for infinity") {
  CHECK(JsonWriter().value(1.0 / 0.0).text() == "null");
}

TEST_CASE("a request is a flat JSON object with a command") {
  const auto request = InspectRequest::parse(
      " {\"command\" : \"tasks\", \"limit\":5e1,\"on\":true,\"off\":false, "
      "\"name\":\"\\u00e9\\ud83d\\udc1f\\n\"} ");
  REQUIRE(request);
  CHECK(request->command() == "tasks");
  CHECK(request->options().size() == 4);
  CHECK(std::get<double>(request->options().at("limit")) == 50);
  CHECK(std::get<bool>(request->options().at("on")));
  CHECK_FALSE(std::get<bool>(request->options().at("off")));
  CHECK(std::get<std::string>(request->options().at("name")) == "\xC3\xA9\xF0\x9F\x90\x9F\n");
  CHECK(InspectRequest::parse("{\"command\":\"x\"}\r"));
}

TEST_CASE("what is no request is refused with the reason") {
  CHECK(error_of("") == "expected an object, {...}, at byte 0");
  CHECK(error_of("[]") == "expected an object, {...}, at byte 0");
  CHECK(error_of("{}") == "no \"command\" that is a string");
  CHECK(error_of(R"({"command":1})") == "no \"command\" that is a string");
  CHECK(error_of(R"({"command":"a")") == "expected ',' or '}', at byte 14");
  CHECK(error_of(R"({"command":"a",})") == "expected a name in quotes, at byte 15");
  CHECK(error_of(R"({"command":"a"} {})") == "more than one object in a line, at byte 16");
  CHECK(error_of(R"({"a":1,"a":2})") == "'a' stands there twice, at byte 12");
  for (const std::string_view value :
       {"null", "[1]", "{}", "nul", "+1", "01", "1.", ".5", "1e", "-", "0x1", "NaN", "1e999"}) {
    CAPTURE(value);
    CHECK_FALSE(InspectRequest::parse(R"({"command":"a","b":)" + std::string(value) + "}"));
  }
  for (const std::string_view text :
       {"\\x", "\\u12", "\\ud800", "\\udc00", "\\ud800\\u0041", "\x01", "\xC3", "\\u-123", "\\"}) {
    CAPTURE(text);
    CHECK_FALSE(InspectRequest::parse("{\"command\":\"" + std::string(text) + "\"}"));
  }
}
