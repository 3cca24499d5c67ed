#include "notes_api.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include <simul/cancel_scope.hpp>
#include <simul/http/json.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

/// The API at the other end of a stream in memory, in virtual time.
class Api {
 public:
  /// Sends `input`, and gives all that comes back within a minute.
  std::string talk(std::string_view input) {
    auto [server_end, client_end] = memory_stream_pair();
    std::string output;
    const auto main = [&]() -> Coro<> {
      Connection connection(server_end, Endpoint(), 1);
      Task<> serving = spawn(handler_(connection));
      (void)co_await client_end.send(input);
      const auto read = [&]() -> Coro<> {
        while (auto chunk = co_await client_end.recv()) {
          output += chunk->text();
        }
      };
      co_await move_on_after(60s, read);
      client_end.close();
      try {
        co_await serving;
      } catch (const std::exception& error) {
        output += error.what();
      }
    };
    loop_.run_until_complete(main());
    return output;
  }

  std::string request(std::string_view method, std::string_view path, std::string_view body = {}) {
    std::string text;
    text.append(method).append(" ").append(path).append(
        " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    text.append("Content-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n\r\n")
        .append(body);
    return talk(text);
  }

 private:
  Notes notes_;
  VirtualClock clock_;
  Loop loop_{clock_};
  Handler handler_ = http::handler(make_notes_api(notes_));
};

bool has_status(const std::string& reply, int status) {
  return reply.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

}  // namespace

TEST_CASE("a note is created, found, listed and deleted") {
  Api api;
  const std::string created = api.request("POST", "/notes", R"({"text": "buy milk"})");
  CHECK(has_status(created, 201));
  CHECK(created.contains("\r\nLocation: /notes/1\r\n"));
  CHECK(api.request("GET", "/notes/1").ends_with("{\"id\":1,\"text\":\"buy milk\"}\n"));
  CHECK(api.request("GET", "/notes").ends_with("[{\"id\":1,\"text\":\"buy milk\"}]\n"));
  CHECK(has_status(api.request("DELETE", "/notes/1"), 204));
  CHECK(has_status(api.request("GET", "/notes/1"), 404));
}

TEST_CASE("what is no note is refused with a reason") {
  Api api;
  CHECK(has_status(api.request("POST", "/notes", "{"), 400));
  CHECK(api.request("POST", "/notes", "[]").contains("a note is"));
  CHECK(has_status(api.request("GET", "/notes/x"), 404));
  CHECK(has_status(api.request("PUT", "/notes/1"), 405));
}

TEST_CASE("the notes are sent as a text, a chunk each") {
  Api api;
  (void)api.request("POST", "/notes", R"({"text": "one"})");
  (void)api.request("POST", "/notes", R"({"text": "two"})");
  const std::string reply = api.request("GET", "/notes.txt");
  CHECK(reply.contains("\r\nTransfer-Encoding: chunked\r\n"));
  CHECK(reply.ends_with("\r\n\r\n4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"));
}

TEST_CASE("who listens to the news is told of a note, and that there are none") {
  Api api;
  const std::string reply = api.talk("GET /news HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(reply.contains("\r\nContent-Type: text/event-stream\r\n"));
  CHECK(reply.contains("\r\n:\n\n\r\n"));  // a comment, since nothing has happened
}
