#include "http/access_line.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace simul::http {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

// 10 October 2000, 13:55:36.789
constexpr WallTime kReceived(971186136789ms);

const Endpoint kPeer = Endpoint::ipv4({192, 0, 2, 7}, 4242);

RequestHead head_of(std::string_view target, std::string_view fields = {}) {
  return {.method = "GET",
          .target = target,
          .path = target,
          .query = {},
          .host = "example.org",
          .fields = HeaderFields(fields)};
}

std::string line(AccessFormat format, const Access& access, WallTime received = kReceived) {
  AccessTimes times;
  std::vector<char> room(512UZ * 1024);
  const char* const end = write_access_line(format, access, received, times, room);
  REQUIRE(end != nullptr);
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

std::string line(AccessFormat format, const RequestHead& head, const Endpoint& peer = kPeer) {
  return line(format, {.peer = peer,
                       .head = head,
                       .status = 200,
                       .bytes = 2326,
                       .took = 1234567ns,
                       .secure = false});
}

std::string repeat(std::string_view what, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) {
    text += what;
  }
  return text;
}

}  // namespace

TEST_CASE("the common format is Apache's") {
  CHECK(line(AccessFormat::common, head_of("/apache_pb.gif")) ==
        "192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] \"GET /apache_pb.gif HTTP/1.1\" 200 2326\n");
}

TEST_CASE("the combined format is Apache's") {
  const RequestHead head = head_of("/",
                                   "Host: example.org\r\nuser-agent: curl/7.88.1\r\n"
                                   "Referer: https://example.org/a\r\n");
  CHECK(line(AccessFormat::combined, head) ==
        "192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 2326 "
        "\"https://example.org/a\" \"curl/7.88.1\"\n");
}

TEST_CASE("what is missing is a dash") {
  const RequestHead nothing;
  CHECK(line(AccessFormat::combined, {.peer = kPeer,
                                      .head = nothing,
                                      .status = 400,
                                      .bytes = 0,
                                      .took = 0s,
                                      .secure = false}) ==
        "192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] \"-\" 400 - \"-\" \"-\"\n");
}

TEST_CASE("a client can't forge a line, close a quote or steer a terminal") {
  const RequestHead head =
      head_of("/\"\\\x1b[2J\xC3\xA9\x7f", "Referer: a\tb\r\nUser-Agent: \" 200 1\r\n");
  CHECK(line(AccessFormat::combined, head) ==
        "192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] "
        R"("GET /\"\\\x1b[2J\xc3\xa9\x7f HTTP/1.1" 200 2326 "a\tb" "\" 200 1")"
        "\n");
  RequestHead method = head_of("/\b\n\r\v\x01"sv);
  method.method = "G\"T";
  CHECK(line(AccessFormat::common, method).contains(R"("G\"T /\b\n\r\v\x01 HTTP/1.1")"));
}

TEST_CASE("clients are addresses, however they came") {
  const auto client = [](const Endpoint& peer) {
    const std::string text = line(AccessFormat::common, head_of("/"), peer);
    return text.substr(0, text.find(' '));
  };
  CHECK(client(Endpoint::ipv4({255, 255, 255, 255}, 1)) == "255.255.255.255");
  CHECK(client(*Endpoint::parse("[2001:db8::7]:1")) == "2001:db8::7");
  CHECK(client(*Endpoint::parse("[::ffff:192.0.2.7]:1")) == "192.0.2.7");
  CHECK(client(Endpoint()) == "unix:");
  CHECK(client(Endpoint::local("/run/a b")) == "unix:");
}

TEST_CASE("times are right around midnight, leap days and year ends") {
  const RequestHead head = head_of("/");
  const Access access{
      .peer = kPeer, .head = head, .status = 200, .bytes = 1, .took = 0s, .secure = false};
  const auto time = [&](std::chrono::sys_seconds at) {
    const std::string text = line(AccessFormat::common, access, at);
    return text.substr(text.find('['), 28);
  };
  using std::chrono::sys_days;
  using namespace std::chrono;
  CHECK(time(sys_days(2024y / February / 29) + 23h + 59min + 59s) ==
        "[29/Feb/2024:23:59:59 +0000]");
  CHECK(time(sys_days(2025y / January / 1)) == "[01/Jan/2025:00:00:00 +0000]");
  CHECK(time(sys_days(1999y / December / 31) + 9h + 8min + 7s) == "[31/Dec/1999:09:08:07 +0000]");
}

TEST_CASE("seconds may go back and forth") {
  AccessTimes times;
  const auto second = std::chrono::floor<std::chrono::seconds>(kReceived);
  CHECK(times.clf(second) == "10/Oct/2000:13:55:36 +0000");
  CHECK(times.clf(second + 1s) == "10/Oct/2000:13:55:37 +0000");
  CHECK(times.rfc3339(second) == "2000-10-10T13:55:36");
  CHECK(times.clf(second) == "10/Oct/2000:13:55:36 +0000");
}

TEST_CASE("the JSON format is an object for each line") {
  const RequestHead head =
      head_of("/a?b=c", "User-Agent: curl \"x\" \\ \x01\r\nReferer: caf\xC3\xA9\r\n");
  const Access access{
      .peer = kPeer, .head = head, .status = 404, .bytes = 0, .took = 1234567ns, .secure = true};
  const std::string text = line(AccessFormat::json, access);
  CHECK(text ==
        R"({"time":"2000-10-10T13:55:36.789Z","client":"192.0.2.7","port":4242,"method":"GET",)"
        R"("target":"/a?b=c","host":"example.org","version":"HTTP/1.1","status":404,"bytes":0,)"
        R"("duration":0.001234,"referer":"café","user_agent":"curl \"x\" \\ \u0001","tls":true})"
        "\n");
  CHECK(nlohmann::json::parse(text).at("user_agent") == "curl \"x\" \\ \x01");
}

TEST_CASE("JSON has null for what is missing, and the version as it came") {
  const RequestHead nothing;
  const Access none{
      .peer = kPeer, .head = nothing, .status = 400, .bytes = 12, .took = -1s, .secure = false};
  const nlohmann::json object = nlohmann::json::parse(line(AccessFormat::json, none));
  for (const char* name : {"method", "target", "host", "version", "referer", "user_agent"}) {
    CAPTURE(name);
    CHECK(object.at(name).is_null());
  }
  CHECK(object.at("duration") == 0.0);
  RequestHead old = head_of("/");
  old.minor_version = 0;
  CHECK(nlohmann::json::parse(line(AccessFormat::json, old)).at("version") == "HTTP/1.0");
  CHECK(line(AccessFormat::common, old).contains("HTTP/1.0"));
}

TEST_CASE("JSON is always UTF-8, and free of what steers a terminal") {
  for (std::string_view agent :
       {"\xFF"sv, "\xC3"sv, "\xC3("sv, "\xE2\x82"sv, "\xED\xA0\x80"sv, "\xC0\x80"sv,
        "\xF4\x90\x80\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xE0\x9F\xBF"sv, "a\x80z"sv}) {
    const std::string field = "User-Agent: " + std::string(agent) + "\r\n";
    const std::string text = line(AccessFormat::json, head_of("/", field));
    CAPTURE(text);
    CHECK(nlohmann::json::parse(text).at("user_agent").get<std::string>().contains("\xEF\xBF\xBD"));
  }
  const std::string good = "User-Agent: \xE2\x82\xAC \xF0\x9F\x98\x80 \xC2\x9Bm\x7f\r\n";
  const std::string text = line(AccessFormat::json, head_of("/", good));
  CHECK(text.contains("\"\xE2\x82\xAC \xF0\x9F\x98\x80 \\u009bm\\u007f\""));
}

TEST_CASE("a line is bounded, however long what it tells of is") {
  const std::string target = "/" + repeat("\x01", 100'000);
  const std::string fields =
      "User-Agent: " + repeat("\x02", 100'000) + "\r\nReferer: " + repeat("\x03", 100'000) + "\r\n";
  const RequestHead head = head_of(target, fields);
  CHECK(line(AccessFormat::json, head).size() < 6 * 3 * kLongestLogged + 400);
  CHECK(line(AccessFormat::combined, head).size() < 4 * 3 * kLongestLogged + 400);
}

TEST_CASE("without room for a line nothing is written") {
  AccessTimes times;
  std::vector<char> room(300, 'x');
  const RequestHead head = head_of("/");
  const Access access{
      .peer = kPeer, .head = head, .status = 200, .bytes = 1, .took = 0s, .secure = false};
  CHECK(write_access_line(AccessFormat::json, access, kReceived, times, room) == nullptr);
  CHECK(room == std::vector<char>(300, 'x'));
}

}  // namespace simul::http
